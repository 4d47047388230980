"""The staff at the desk: an administrator adds, invites, changes, unlocks and ends."""

import re

from sqlalchemy import select

from db.models import AuditRow, Request
from services import staff, threads
from tests.desk.at_the_desk import PASSWORD, Answer, Browser, Desk
from tests.services.desk_visitors import ask

_LINK = re.compile(r'class="secret whole"[^>]*>([^<]+)<')
_SEEN = re.compile(r'name="seen" value="([^"]*)"')
NEW = {
    "name": "Chan Dara",
    "username": "chan.dara",
    "role": "case_worker",
    "centre": "preah-vihear",
}


async def page_of(desk: Desk, browser: Browser, username: str) -> str:
    """The address of somebody's page, found in the list."""
    shown = (await browser.get("/desk/staff")).body
    found = re.search(rf'href="(/desk/staff/[0-9a-f-]+)">[^<]*</a>\s*<p[^>]*>{username}<', shown)
    assert found is not None, shown
    return found.group(1)


async def do(browser: Browser, page: str, act: str, **form: str) -> Answer:
    seen = _SEEN.search((await browser.get(page)).body)
    return await browser.post(page, {"do": act, "seen": seen.group(1) if seen else "", **form})


def faults_of(answer: Answer) -> list[str]:
    """The fields beside which something is said."""
    return re.findall(r'class="fault" id="([a-z_-]+)-fault"', answer.body)


def link_of(answer: Answer) -> str:
    found = _LINK.search(answer.body)
    assert found is not None, answer.body
    return found.group(1).removeprefix("http://tralob.example")


async def test_somebody_new_gets_a_link_that_is_shown_once(desk: Desk) -> None:
    async with desk.at_work("sao", "administrator") as admin, desk.browser() as other:
        assert (await admin.get("/desk/staff/new")).status == 200
        added = await admin.post("/desk/staff/new", NEW)
        assert added.status == 200
        assert added.headers["Cache-Control"] == "no-store"
        assert "<svg" in added.body
        link = link_of(added)
        assert "Chan Dara" in (await other.get(link)).body
        assert (await other.get(link)).status == 200
        shown = (await admin.get("/desk/staff")).body
        assert "chan.dara" in shown
        assert link not in shown


async def test_a_form_whose_answer_was_lost_leads_to_whom_it_added(desk: Desk) -> None:
    async with desk.at_work("sao", "administrator") as admin, desk.browser() as other:
        link = link_of(await admin.post("/desk/staff/new", NEW))
        page = await page_of(desk, admin, "chan.dara")
        again = await admin.post("/desk/staff/new", NEW | {"name": "chan  dara"})
        assert again.to == f"{page}?done=already"
        shown = (await admin.get(again.to)).body
        assert "បានបន្ថែមគាត់រួចហើយ" in shown
        assert 'value="invite"' in shown
        assert (await other.get(link)).status == 200
        chosen = {"password": "another tall palm tree", "again": "another tall palm tree"}
        await other.post(link, chosen)
        taken = await admin.post("/desk/staff/new", NEW)
        assert (taken.status, faults_of(taken)) == (422, ["name", "username"])


async def test_all_that_cannot_be_is_said_at_once_beside_its_field(desk: Desk) -> None:
    async with desk.at_work("sao", "administrator") as admin:
        shown = (await admin.get("/desk/staff/new")).body
        assert re.search(r'<option value="">សូមជ្រើសរើស<', shown)
        assert " checked" not in shown
        wrong = {"name": "", "username": "ចាន់", "role": "case_worker", "centre": "all"}
        told = await admin.post("/desk/staff/new", wrong)
        assert faults_of(told) == ["name", "username", "centre"]
        assert re.search(r'id="name"[^>]* autofocus', told.body)
        assert told.body.count("autofocus") == 1
        assert 'value="ចាន់"' in told.body
        empty = await admin.post("/desk/staff/new", {"name": "Chan", "username": "chan"})
        assert faults_of(empty) == ["role", "centre"]


async def test_what_cannot_be_is_explained_and_nothing_typed_is_lost(desk: Desk) -> None:
    async with desk.at_work("sao", "administrator") as admin:
        for wrong in (
            {"name": " "},
            {"name": "x" * 81},
            {"username": "ចាន់"},
            {"username": "sao"},
            {"role": "king"},
            {"centre": ""},
            {"centre": "moon"},
        ):
            answer = await admin.post("/desk/staff/new", NEW | wrong)
            assert (answer.status, 'role="alert"' in answer.body) == (422, True), wrong
            if "name" not in wrong:
                assert 'value="Chan Dara"' in answer.body
        assert "chan.dara" not in (await admin.get("/desk/staff")).body


async def test_a_new_link_ends_the_old_one_and_comes_once(desk: Desk) -> None:
    old = await desk.invite("sok", "case_worker")
    async with desk.at_work("sao", "administrator") as admin, desk.browser() as other:
        page = await page_of(desk, admin, "sok")
        desk.clock.go_on(seconds=1)
        made = await do(admin, page, "invite")
        new = link_of(made)
        assert (await other.get(f"/desk/invitation/{old}")).status == 410
        assert (await other.get(new)).status == 200
        twice = await admin.post(page, {"do": "invite", "seen": ""})
        assert twice.to == f"{page}?done=meanwhile"
        assert 'role="status"' in (await admin.get(twice.to)).body
        assert (await other.get(new)).status == 200


async def test_a_reset_ends_password_and_sessions(desk: Desk) -> None:
    worker = await desk.hire("sok", "case_worker")
    async with desk.at_work("sao", "administrator") as admin, desk.browser() as other:
        other.use(await desk.sign_in(worker))
        assert (await other.get("/desk/account")).status == 200
        link = link_of(await do(admin, await page_of(desk, admin, "sok"), "reset"))
        assert (await other.get("/desk/account")).status == 303
        form = {"username": "sok", "password": PASSWORD}
        assert (await other.post("/desk/sign-in", form)).status == 422
        assert (await other.get(link)).status == 200


async def test_who_is_locked_out_is_let_try_again(desk: Desk) -> None:
    await desk.hire("sok", "case_worker")
    async with desk.at_work("sao", "administrator") as admin, desk.browser() as other:
        page = await page_of(desk, admin, "sok")
        assert 'value="unlock"' not in (await admin.get(page)).body
        form = {"username": "sok", "password": "wrong password"}
        for _ in range(5):
            locked = await other.post("/desk/sign-in", form)
        assert locked.status == 429
        assert 'value="unlock"' in (await admin.get(page)).body
        assert (await do(admin, page, "unlock")).to == f"{page}?done=unlocked"
        assert (await other.post("/desk/sign-in", form | {"password": PASSWORD})).status == 303


async def test_requests_of_who_leaves_go_where_the_form_says(desk: Desk) -> None:
    sok, chan = await desk.hire("sok", "case_worker"), await desk.hire("chan", "case_worker")
    async with desk.new_session.begin() as session:
        request = await ask(session)
        request.take(by=sok.staff_id, now=desk.clock.now)
    async with desk.at_work("sao", "administrator") as admin, desk.browser() as other:
        other.use(await desk.sign_in(sok))
        page = await page_of(desk, admin, "sok")
        await desk.invite("nita", "case_worker")  # she cannot sign in yet
        shown = (await admin.get(page)).body
        assert "សំណើ 1" in shown
        assert re.findall(r'<option value="[0-9a-f-]{36}">([^<]+)<', shown) == ["Chan", "Chan"]
        ended = await do(admin, page, "end", to=str(chan.staff_id))
        assert ended.to == f"{page}?done=ended&moved=1&to={chan.staff_id}"
        assert (await other.get("/desk/account")).status == 303
        after = (await admin.get(ended.to)).body
        assert "សំណើដែលប្រគល់ទៅ Chan៖ 1" in after
        assert 'href="/desk/queue?tab=all"' in after
        assert 'value="end"' not in after
        assert "sok" not in (await admin.get("/desk/staff")).body
        assert "sok" in (await admin.get("/desk/staff?ended=1")).body
        assert (await do(admin, page, "end")).to == f"{page}?done=ended"
    async with desk.new_session() as session:
        owner = await session.scalar(select(Request.owner_id).where(Request.id == request.id))
        assert owner == chan.staff_id


async def test_who_has_left_is_taken_up_again_by_a_link_that_comes_once(desk: Desk) -> None:
    await desk.hire("sok", "case_worker")
    async with desk.at_work("sao", "administrator") as admin, desk.browser() as other:
        page = await page_of(desk, admin, "sok")
        assert 'value="take-up"' not in (await admin.get(page)).body
        await do(admin, page, "end")
        desk.clock.go_on(seconds=1)
        back = await do(admin, page, "take-up")
        link = link_of(back)
        for late in ({"seen": ""}, {}):
            again = await admin.post(page, {"do": "take-up", **late})
            assert again.to == f"{page}?done=meanwhile"
        form = {"username": "sok", "password": PASSWORD}
        assert (await other.post("/desk/sign-in", form)).status == 422
        chosen = {"password": "another tall palm tree", "again": "another tall palm tree"}
        assert (await other.post(link, chosen)).to == "/desk/second-factor"
        assert "sok" in (await admin.get("/desk/staff")).body


async def test_who_never_had_an_account_is_taken_up_with_a_username(desk: Desk) -> None:
    async with desk.new_session.begin() as session:
        sok = await staff.add(session, "Sok", "case_worker", "pursat", now=desk.clock.now)
        await staff.end(session, sok, now=desk.clock.now)
    page = f"/desk/staff/{sok.id}"
    async with desk.at_work("sao", "administrator") as admin:
        taken = await do(admin, page, "take-up", username="sao")
        assert (taken.status, 'value="sao"' in taken.body) == (422, True)
        assert 'value="take-up"' in (await admin.get(page)).body
        assert link_of(await do(admin, page, "take-up", username="sok"))


async def test_who_has_a_namesake_by_now_is_not_taken_up(desk: Desk) -> None:
    await desk.hire("sok", "case_worker")
    async with desk.at_work("sao", "administrator") as admin:
        page = await page_of(desk, admin, "sok")
        await do(admin, page, "end")
        await admin.post("/desk/staff/new", NEW | {"name": "Sok", "username": "sok2"})
        refused = await do(admin, page, "take-up")
        assert (refused.status, 'role="alert"' in refused.body) == (422, True)


async def test_a_username_that_is_taken_leaves_the_role_as_it_is(desk: Desk) -> None:
    async with desk.new_session.begin() as session:
        sok = await staff.add(session, "Sok", "case_worker", "pursat", now=desk.clock.now)
    async with desk.at_work("sao", "administrator") as admin:
        said = await do(admin, f"/desk/staff/{sok.id}", "invite", username="sao")
        assert said.status == 422
        assert re.search(r'value="case_worker" required checked', said.body)
        assert re.search(r'value="pursat" selected', said.body)


async def test_a_change_of_centre_gives_requests_back(desk: Desk) -> None:
    sok = await desk.hire("sok", "case_worker")
    async with desk.new_session.begin() as session:
        request = await ask(session)
        request.take(by=sok.staff_id, now=desk.clock.now)
    async with desk.at_work("sao", "administrator") as admin:
        page = await page_of(desk, admin, "sok")
        moved = await do(admin, page, "change", role="case_worker", centre="preah-vihear", to="")
        assert moved.to == f"{page}?done=changed&moved=1"
        shown = (await admin.get(moved.to)).body
        assert "ប្រគល់ទៅមជ្ឈមណ្ឌលវិញ៖ 1" in shown
        assert 'href="/desk/queue?tab=unassigned"' in shown
        again = await do(admin, page, "change", role="case_worker", centre="preah-vihear")
        assert again.to == f"{page}?done=changed"
        wrong = await do(admin, page, "change", role="case_worker", centre="")
        assert (wrong.status, faults_of(wrong)) == (422, ["centre"])
    async with desk.new_session() as session:
        thread = await threads.get_thread(session, request.code)
        assert thread.events[-1].kind == "given_back"


async def test_a_mistyped_name_is_corrected(desk: Desk) -> None:
    sok = await desk.hire("sok", "case_worker")
    async with desk.at_work("sao", "administrator") as admin, desk.browser() as other:
        other.use(await desk.sign_in(sok))
        page = await page_of(desk, admin, "sok")
        named = await do(admin, page, "rename", name="Sok Dara", username="sok")
        assert named.to == f"{page}?done=renamed"
        assert "Sok Dara" in (await other.get("/desk/account")).body
        for _ in range(2):
            again = await do(admin, page, "rename", name="Sok Dara", username="Sok.Dara")
            assert again.to == f"{page}?done=renamed"
        assert (await other.get("/desk/account")).status == 303
        form = {"username": "sok.dara", "password": PASSWORD}
        assert (await other.post("/desk/sign-in", form)).to == "/desk/code"
        taken = await do(admin, page, "rename", name="Sao", username="sao")
        assert (taken.status, faults_of(taken)) == (422, ["name", "username"])
        assert 'id="name" name="name" value="Sao"' in taken.body
    async with desk.new_session() as session:
        changed = select(AuditRow.subject, AuditRow.fields).where(AuditRow.action == "changed")
        rows = [tuple(row) for row in await session.execute(changed.order_by(AuditRow.id))]
        assert rows == [("staff", ["name"]), ("account", ["username"])]


async def test_who_has_no_account_yet_is_renamed_without_one(desk: Desk) -> None:
    async with desk.new_session.begin() as session:
        sok = await staff.add(session, "Sokk", "case_worker", "pursat", now=desk.clock.now)
    page = f"/desk/staff/{sok.id}"
    async with desk.at_work("sao", "administrator") as admin:
        assert (await do(admin, page, "rename", name="Sok")).to == f"{page}?done=renamed"
        assert ">Sok</h1>" in (await admin.get(page)).body
        await do(admin, page, "end")
        assert (await do(admin, page, "rename", name="Sao")).to == f"{page}?done=meanwhile"


async def test_a_manager_sees_the_own_team_and_changes_nothing(desk: Desk) -> None:
    await desk.hire("sok", "case_worker")
    await desk.invite("dara", "case_worker")
    await desk.hire("chan", "case_worker", "preah-vihear")
    async with desk.at_work("vanna", "centre_manager") as manager:
        for address in ("/desk/staff", "/desk/staff?centre=preah-vihear"):
            shown = (await manager.get(address)).body
            assert ">Sok<" in shown
            assert ">Chan<" not in shown
        assert "តំណអញ្ជើញប្រើបានដល់" in shown
        assert "/desk/staff/" not in shown.replace("/desk/static/", "")
        assert 'method="post"' not in shown.partition("<main")[2]


async def test_nobody_ends_or_changes_themselves(desk: Desk) -> None:
    async with desk.at_work("sao", "administrator") as admin:
        page = await page_of(desk, admin, "sao")
        offered = re.findall('name="do" value="([a-z]+)"', (await admin.get(page)).body)
        assert offered == ["rename"]
        for act in ("end", "change", "invite", "reset"):
            form = {"do": act, "role": "auditor"}
            refused = await admin.post(page, form)
            assert refused.to in (f"{page}?done=not_allowed", f"{page}?done=meanwhile")
        assert (await admin.get("/desk/staff")).status == 200
    tried = [["tried:ended"], ["tried:changed"], ["tried:invited"], ["tried:reset"]]
    assert await _refused(desk) == [("staff", fields) for fields in tried]


async def test_the_only_administrator_corrects_their_own_name(desk: Desk) -> None:
    async with desk.at_work("sao", "administrator") as admin:
        page = await page_of(desk, admin, "sao")
        assert f'href="{page}"' in (await admin.get("/desk/account")).body
        again = await admin.post(page, {"do": "rename", "name": " "})
        assert (again.status, 'aria-invalid="true"' in again.body) == (422, True)
        form = {"do": "rename", "name": "ស៊ាវ ចិន្ដា", "username": "other", "role": "auditor"}
        done = await admin.post(page, form)
        assert done.to == f"{page}?done=renamed"
        shown = (await admin.get(done.to)).body
        assert "ស៊ាវ ចិន្ដា" in shown
        assert ">sao<" in shown


async def test_what_no_form_of_staff_offers_is_written_down(desk: Desk) -> None:
    sok = await desk.hire("sok", "case_worker")
    page = f"/desk/staff/{sok.staff_id}"
    async with desk.at_work("sao", "administrator") as admin:
        assert (await admin.post(page, {"do": "evil"})).status == 404
        for role, centre in (("king", "pursat"), ("case_worker", "mars"), ("case_worker", "")):
            form = {"do": "change", "role": role, "centre": centre}
            assert (await admin.post(page, form)).status == 422
        made_up = NEW | {"role": "king"}
        assert (await admin.post("/desk/staff/new", made_up)).status == 422
    assert await _refused(desk) == [
        ("page", []),
        ("staff", ["tried:changed", "role"]),
        ("staff", ["tried:changed", "centre_id"]),
        ("staff", ["tried:added", "role"]),
    ]


async def _refused(desk: Desk) -> list[tuple[str, list[str]]]:
    query = select(AuditRow).where(AuditRow.action == "refused").order_by(AuditRow.id)
    async with desk.new_session() as session:
        return [(row.subject, row.fields) for row in await session.scalars(query)]


async def test_who_is_not_there_is_not_found_and_that_is_written_down(desk: Desk) -> None:
    async with desk.at_work("sao", "administrator") as admin:
        nobody = "00000000-0000-0000-0000-000000000000"
        for staff_id in (nobody, "1", "ក"):
            assert (await admin.get(f"/desk/staff/{staff_id}")).status == 404
            assert (await admin.post(f"/desk/staff/{staff_id}", {"do": "end"})).status == 404
        page = await page_of(desk, admin, "sao")
        assert (await admin.post(page, {"do": "promote"})).status == 404
    async with desk.new_session() as session:
        rows = select(AuditRow.subject_id).where(
            AuditRow.action == "refused", AuditRow.subject == "staff"
        )
        assert nobody in (await session.scalars(rows)).all()


async def test_the_list_narrows_to_a_centre_and_a_role(desk: Desk) -> None:
    await desk.hire("sok", "case_worker")
    await desk.hire("chan", "centre_manager", "preah-vihear")
    async with desk.at_work("sao", "administrator") as admin:
        here = (await admin.get("/desk/staff?centre=pursat")).body
        assert (">sok<" in here, ">chan<" in here) == (True, False)
        managers = (await admin.get("/desk/staff?role=centre_manager")).body
        assert (">sok<" in managers, ">chan<" in managers) == (False, True)
        nobody = (await admin.get("/desk/staff?role=auditor&centre=pursat")).body
        assert "មិនមានបុគ្គលិកនៅទីនេះទេ" in nobody
