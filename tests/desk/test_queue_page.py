"""The list of requests at the desk, as a browser without scripts sees it."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select

from db.models import AuditRow, Request, Staff
from services import requests, threads
from services.desk_queue import TABS
from tests.desk.at_the_desk import Answer, Browser, Desk
from tests.services.centre_at_work import write_from
from tests.services.desk_visitors import register
from tests.support import Database

_CODE = re.compile(r'class="code"[^>]*>([0-9]{4} [0-9]{4})<')


def _codes(answer: Answer) -> list[str]:
    return [code.replace(" ", "") for code in _CODE.findall(answer.body)]


async def open_request(
    desk: Desk, value: str, *, centre: str = "pursat", urgency: str = "normal"
) -> str:
    async with desk.new_session.begin() as session:
        address = await write_from(session, value, now=desk.clock.now)
        request = await requests.open_request(
            session, address, "talk", centre_id=centre, urgency=urgency, now=desk.clock.now
        )
        return request.code


async def test_the_start_of_who_answers_requests_is_the_list(desk: Desk) -> None:
    code = await open_request(desk, "42")
    await open_request(desk, "43", centre="preah-vihear")
    async with desk.at_work("sok", "case_worker") as browser:
        assert (await browser.get("/desk/")).to == "/desk/queue"
        first = await browser.get("/desk/queue?topic=talk")
        assert first.to == "/desk/queue?topic=talk&tab=unassigned"
        assert _codes(await browser.get(first.to)) == [code]
        assert (await browser.get("/desk/queue?tab=nonsense")).to == "/desk/queue?tab=unassigned"
        mine = await browser.get("/desk/queue?tab=mine")
        assert (mine.status, _codes(mine)) == (200, [])
        await browser.post(f"/desk/requests/{code}/do/take", {"seen": "0"})
        assert (await browser.get("/desk/queue")).to == "/desk/queue?tab=mine"
        everything = await browser.get("/desk/queue?tab=all")
        assert _codes(everything) == [code]
        assert f'href="/desk/requests/{code}"' in everything.body


async def test_administrators_see_all_centres_but_open_nothing(desk: Desk) -> None:
    codes = {await open_request(desk, "42"), await open_request(desk, "43", centre="preah-vihear")}
    async with desk.at_work("boss", "administrator") as browser:
        shown = await browser.get("/desk/queue?tab=all")
        assert set(_codes(shown)) == codes
        assert "/desk/requests/" not in shown.body
        assert "បងអានសំណើនៅទីនេះមិនបានទេ" in shown.body
        assert len(_codes(await browser.get("/desk/queue?tab=all&centre=preah-vihear"))) == 1


async def test_auditors_have_no_list(desk: Desk) -> None:
    async with desk.at_work("eye", "auditor") as browser:
        for path in ("/desk/queue", "/desk/queue/live?since=2026-11-22T00:00:00%2B00:00"):
            assert (await browser.get(path)).status == 403
        assert (await browser.post("/desk/queue/close", {"code": "12345678"})).status == 403


async def test_a_name_is_found_and_shown_to_nobody_whole(desk: Desk) -> None:
    async with desk.new_session.begin() as session:
        await register(session)
    async with desk.at_work("sok", "case_worker") as browser:
        found = await browser.get("/desk/queue?tab=all&name=ចាន់")
        assert len(_codes(found)) == 1
        shown = found.body.replace('value="ចាន់"', "").replace("%E1%9E%85", "")
        assert "ស្រី•••" in shown
        assert "•••111" in shown
        assert "ស្រីមុំ" not in shown
        assert _codes(await browser.get("/desk/queue?tab=all&name=ដារ៉ា")) == []


async def test_a_typed_place_is_found_or_chosen(desk: Desk) -> None:
    async with desk.at_work("sok", "case_worker") as browser:
        certain = await browser.get("/desk/queue?tab=all&where=ពោធិ៍សាត់")
        assert certain.status in (200, 303)
        province = await browser.get("/desk/queue?tab=all&where=ខេត្តពោធិ៍សាត់")
        assert province.to == "/desk/queue?tab=all&place=15"
        several = await browser.get("/desk/queue?tab=all&where=សំរោង")
        assert "place=220405" in several.body or several.body.count("&amp;place=") > 1
        nothing = await browser.get("/desk/queue?tab=all&where=zzzzqq")
        assert "zzzzqq" in nothing.body


async def test_the_next_page_goes_on_where_the_first_ended(desk: Desk) -> None:
    made = [await open_request(desk, str(number)) for number in range(30)]
    async with desk.at_work("sok", "case_worker") as browser:
        first = await browser.get("/desk/queue?tab=unassigned&topic=talk")
        (following,) = re.findall(r'href="([^"]*after=[^"]*)"', first.body)
        second = await browser.get(following.replace("&amp;", "&"))
    assert _codes(first) + _codes(second) == made
    assert "topic=talk" in following


async def test_what_was_ticked_stays_so_when_something_is_missing(desk: Desk) -> None:
    codes = [await open_request(desk, str(number)) for number in range(2)]
    async with desk.at_work("sok", "case_worker") as browser:
        token = await browser.form_token()
        for path, form in (
            ("close", _chosen(token, codes[:1], outcome="")),
            ("assign", _chosen(token, codes[:1], to="nobody", outcome="helped")),
            ("close", _chosen(token, [], outcome="helped")),
        ):
            said = await browser.ask("POST", f"/desk/queue/{path}?tab=all", data=form)
            assert (said.status, 'role="status"' in said.body) == (200, True)
            ticked = [code for name, code in form if name == "code"]
            assert re.findall(r'value="([0-9]{8})" form="bulk" checked', said.body) == ticked
            chosen = 'value="helped" selected' in said.body
            assert chosen is (("outcome", "helped") in form)
            # Whoever chooses another language there asks for this address.
            back = await browser.get(f"/desk/queue/{path}?tab=all&topic=talk")
            assert back.to == "/desk/queue?tab=all&topic=talk"


async def test_many_are_given_to_a_colleague_at_once(desk: Desk) -> None:
    codes = [await open_request(desk, str(number)) for number in range(3)]
    dara = await desk.hire("dara", "case_worker")
    async with desk.at_work("sok", "case_worker") as browser:
        assert "Dara" in (await browser.get("/desk/queue?tab=unassigned")).body
        form = _chosen(await browser.form_token(), codes[:2], to=str(dara.staff_id))
        sent = await browser.ask("POST", "/desk/queue/assign?tab=unassigned", data=form)
        assert _codes(await browser.get(sent.to)) == codes[2:]


async def test_an_administrator_is_offered_staff_and_told_why_no_other_is_given_anything(
    desk: Desk,
) -> None:
    code = await open_request(desk, "42")
    await desk.hire("dara", "case_worker")
    chief = await desk.hire("chief", "administrator")
    await desk.invite("invited", "case_worker")
    async with desk.at_work("boss", "administrator") as browser:
        shown = (await browser.get("/desk/queue?tab=all")).body
        offered = shown.partition('<select id="to"')[2].partition("</select>")[0]
        assert re.findall("Dara|Chief|Boss|Invited", offered) == ["Dara"]
        form = _chosen(await browser.form_token(), [code], to=str(chief.staff_id))
        sent = await browser.ask("POST", "/desk/queue/assign?tab=all", data=form)
        assert sent.to.endswith(f"done=0&undone={code}.elsewhere")
        assert "អ្នកនេះមិនធ្វើការនៅមជ្ឈមណ្ឌលនៃសំណើនេះទេ" in (await browser.get(sent.to)).body


async def test_what_is_given_by_a_form_that_comes_again_is_given_once(desk: Desk) -> None:
    code = await open_request(desk, "42")
    sao = await desk.hire("sao", "case_worker")
    async with desk.at_work("sok", "case_worker") as browser:
        drawn = await _drawn(browser, "/desk/queue?tab=all")
        token = await browser.form_token()
        desk.clock.go_on(minutes=1)
        given = _chosen(token, [code], to=str(sao.staff_id), drawn=drawn)
        await browser.ask("POST", "/desk/queue/assign?tab=all", data=given)
        async with desk.new_session.begin() as session:
            (await requests.hold(session, code)).owner_id = None  # somebody gave it back
        await browser.ask("POST", "/desk/queue/assign?tab=all", data=given)
        async with desk.new_session() as session:
            assert await session.scalar(select(Request.owner_id)) is None


async def test_a_form_that_tells_no_time_is_a_new_one(desk: Desk) -> None:
    code = await open_request(desk, "42")
    sao = await desk.hire("sao", "case_worker")
    async with desk.at_work("sok", "case_worker") as browser:
        form = _chosen(await browser.form_token(), [code], to=str(sao.staff_id))
        for _ in range(2):
            desk.clock.go_on(minutes=1)
            async with desk.new_session.begin() as session:
                (await requests.hold(session, code)).owner_id = None
            await browser.ask("POST", "/desk/queue/assign?tab=all", data=form)
            async with desk.new_session() as session:
                assert await session.scalar(select(Request.owner_id)) == sao.staff_id


async def _drawn(browser: Browser, path: str) -> str:
    (drawn,) = re.findall(r'name="drawn" value="([^"]+)"', (await browser.get(path)).body)
    return str(drawn)


async def test_the_tabs_count_what_is_searched_for(desk: Desk) -> None:
    code = await open_request(desk, "42")
    await open_request(desk, "43")
    async with desk.at_work("sok", "case_worker") as browser:
        body = (await browser.get(f"/desk/queue?tab=all&code={code[:7]}")).body
    assert re.findall(
        r'<span class="badge(?: late)?">([0-9]+\+?)</span>\s*</span>\s*</a>', body
    ) == [*("0", "1", "0", "0", "1", "0")]


async def test_a_number_finds_who_writes_from_it(desk: Desk) -> None:
    async with desk.new_session.begin() as session:
        address = await write_from(session, "+85512111111", "sms", now=desk.clock.now)
        found = await requests.open_request(
            session, address, "talk", centre_id="pursat", now=desk.clock.now
        )
    other = await open_request(desk, "43")
    async with desk.at_work("sok", "case_worker") as browser:
        body = (await browser.get("/desk/queue?tab=all&phone=012+111-111")).body
    assert (f'value="{found.code}"' in body, f'value="{other}"' in body) == (True, False)
    assert '<span class="badge">012 111 111</span>' in body


async def test_a_whole_code_leads_to_its_request_from_any_tab(desk: Desk) -> None:
    code = await open_request(desk, "42")
    other = await open_request(desk, "43", centre="preah-vihear")
    async with desk.at_work("sok", "case_worker") as browser:
        for typed in (code, f"{code[:4]} {code[4:]}"):
            found = await browser.get(f"/desk/queue?tab=done&topic=call&code={typed}")
            assert found.to == f"/desk/requests/{code}"
        assert _codes(await browser.get(f"/desk/queue?tab=all&code={other}")) == []
    async with desk.at_work("boss", "administrator") as browser:
        found = await browser.get(f"/desk/queue?tab=mine&code={code}&topic=call&name=dara")
        assert found.to == f"/desk/queue?tab=all&code={code}"
        assert _codes(await browser.get(found.to)) == [code]
    async with desk.new_session() as session:
        refused = select(AuditRow.subject_id).where(AuditRow.action == "refused")
        assert list(await session.scalars(refused)) == [f"code:{other}"]


async def test_what_a_colleague_took_meanwhile_is_not_taken_from_them(desk: Desk) -> None:
    codes = [await open_request(desk, str(number)) for number in range(2)]
    sao, dara = await desk.hire("sao", "case_worker"), await desk.hire("dara", "case_worker")
    async with desk.at_work("sok", "case_worker") as browser:
        drawn = await _drawn(browser, "/desk/queue?tab=all")
        desk.clock.go_on(minutes=1)
        async with desk.new_session.begin() as session:
            person = await session.get_one(Staff, dara.staff_id)
            await threads.take(session, codes[0], staff=person, now=desk.clock.now)
        form = _chosen(await browser.form_token(), codes, to=str(sao.staff_id), drawn=drawn)
        sent = await browser.ask("POST", "/desk/queue/assign?tab=all", data=form)
        assert sent.to.endswith(f"done=1&undone={codes[0]}.taken")
        assert "សហការីម្នាក់បានទទួលយកមុនហើយ" in (await browser.get(sent.to)).body
    async with desk.new_session() as session:
        owners = list(await session.scalars(select(Request.owner_id).order_by(Request.id)))
    assert owners == [dara.staff_id, sao.staff_id]


async def test_the_address_of_another_site_s_making_is_a_list_too(desk: Desk) -> None:
    code = await open_request(desk, "42")
    async with desk.at_work("sok", "case_worker") as browser:
        odd = (
            "/desk/queue?tab=all&after=x&place=%00&code=%27&topic=%3Cscript%3E&centre=../x&name=%00"
        )
        assert _codes(await browser.get(odd)) == [code]


@pytest.fixture
async def listening(desk: Desk, db: Database) -> AsyncIterator[None]:
    """What the web process does beside serving pages."""
    with desk.parts.news.watch(None) as began:
        task = asyncio.ensure_future(desk.parts.news.listen(db.engine))
        await began.wait()
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@pytest.mark.usefixtures("listening")
async def test_an_open_list_hears_what_comes_in(desk: Desk) -> None:
    async with desk.at_work("sok", "case_worker") as browser:
        page = await browser.get("/desk/queue?tab=all")
        (live,) = re.findall(r'sse-connect="([^"]*)"', page.body)
        url = browser.url + live.replace("&amp;", "&")
        async with browser.http.get(url) as stream:
            assert stream.headers["Content-Type"].startswith("text/event-stream")
            desk.clock.go_on(seconds=5)
            await open_request(desk, "42", centre="preah-vihear")
            await open_request(desk, "43")
            while not (said := (await stream.content.readline()).decode()).startswith("data: ម"):
                pass
        assert said.strip() == "data: មានសំណើថ្មី 1"
        desk.clock.go_on(minutes=26)
        late = await browser.get(live.replace("&amp;", "&"))
        events = re.findall("event: (.*)", late.body.replace("\r", ""))
        assert events == ["new", *(f"tab-{tab}" for tab in TABS), "new", "over"]
        assert "data: បញ្ជីនេះលែងបង្ហាញសំណើថ្មី" in late.body
        for never in ("x", "2999-01-01T00:00:00%2B00:00"):
            assert (await browser.get(f"/desk/queue/live?since={never}")).status == 400


@pytest.mark.usefixtures("listening")
async def test_an_open_list_hears_what_becomes_of_its_requests(desk: Desk) -> None:
    taken, urgent, over = [await open_request(desk, str(number)) for number in range(3)]
    dara = await desk.hire("dara", "case_worker")
    async with desk.at_work("sok", "case_worker") as browser:
        page = await browser.get("/desk/queue?tab=all")
        (live,) = re.findall(r'sse-connect="([^"]*)"', page.body)
        async with desk.new_session.begin() as session:
            person, now = await session.get_one(Staff, dara.staff_id), desk.clock.now
            await threads.take(session, taken, staff=person, now=now)
            await threads.set_urgency(session, urgent, "urgent", staff=person, now=now)
            await threads.hand_over(session, over, "preah-vihear", staff=person, now=now)
        async with browser.http.get(browser.url + live.replace("&amp;", "&")) as stream:
            said = ""
            while "event: tab-done" not in said:
                said += (await stream.content.readline()).decode()
    assert [f"event: row-{code}" in said for code in (taken, urgent, over)] == [True] * 3
    assert "ឥឡូវ Dara ទទួលបន្ទុក" in said
    assert "ឥឡូវ៖ បន្ទាន់" in said
    assert "លែងនៅទីនេះហើយ" in said
    # Its deadline is another one now, and of the three two are left, and one without an owner.
    assert "ត្រូវឆ្លើយមុន" in said.split(f"event: due-{urgent}")[1].split("event:")[0]
    assert "–" in said.split(f"event: due-{over}")[1].split("event:")[0]
    tabs = re.findall(r"event: tab-(\w+)\s+data: <span class=.badge.>([0-9]+)", said)
    assert ("all", "2") in tabs
    assert ("unassigned", "1") in tabs


def _chosen(token: str, codes: list[str], **values: str) -> list[tuple[str, str]]:
    return [("form-token", token), *values.items(), *(("code", code) for code in codes)]
