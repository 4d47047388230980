"""Many requests closed at once at the desk: a second look, and ten minutes to take it back."""

import re

from sqlalchemy import select

from db.models import AuditRow, OutboxRow, Request
from services import requests
from tests.desk.at_the_desk import Answer, Browser, Desk
from tests.desk.test_queue_page import open_request
from tests.services.centre_at_work import write_from

_BOX = re.compile(r'name="code" value="([0-9]{8})"( checked)?')
_DRAWN = re.compile(r'name="drawn" value="([^"]+)"')


async def _choose(browser: Browser, codes: list[str], outcome: str = "helped") -> Answer:
    """Tick these in the list; what comes back."""
    form = [("form-token", await browser.form_token()), ("outcome", outcome)]
    ticked = [("code", code) for code in codes]
    return await browser.ask("POST", "/desk/queue/close?tab=all", data=[*form, *ticked])


async def _press(browser: Browser, page: Answer, to: str, codes: list[str]) -> Answer:
    """Send the form of this page with these ticked."""
    (drawn,) = set(_DRAWN.findall(page.body))
    form = [("form-token", await browser.form_token()), ("drawn", drawn)]
    return await browser.ask("POST", to, data=[*form, *(("code", code) for code in codes)])


async def _states(desk: Desk) -> list[str]:
    async with desk.new_session() as session:
        return list(await session.scalars(select(Request.state).order_by(Request.id)))


async def test_nothing_is_closed_before_the_second_press(desk: Desk) -> None:
    answered, ignored = await open_request(desk, "42"), await open_request(desk, "43")
    in_vain = await open_request(desk, "44")
    async with desk.at_work("sok", "case_worker") as browser:
        await browser.post(f"/desk/requests/{answered}/do/reply", {"seen": "0", "value": "សួស្ដី"})
        called = {"seen": "0", "value": "not_reached"}
        await browser.post(f"/desk/requests/{in_vain}/do/call", called)
        asked = await _choose(browser, [answered, ignored, in_vain])
        assert (asked.status, asked.to.split("?")[0]) == (303, "/desk/queue/closing")
        shown = await browser.get(asked.to)
        # Whoever was never answered is closed only when somebody means it.
        ticked = [(answered, " checked"), (in_vain, ""), (ignored, "")]
        assert _BOX.findall(shown.body) == ticked
        assert "បានទូរសព្ទទៅ តែមិនទាន់បាននិយាយគ្នា៖ 1" in shown.body
        assert "បុគ្គលិកមិនទាន់ឆ្លើយសោះ៖ 1" in shown.body
        assert await _states(desk) == ["taken", "new", "taken"]
        of_one = await browser.get((await _choose(browser, [ignored])).to)
        assert "មិនទាន់ជ្រើសរើសសំណើណាទេ" in of_one.body
        assert "មិនទាន់ជ្រើសរើសសំណើណាទេ" not in shown.body
        again = await _press(browser, shown, asked.to, [])
        assert (again.status, 'role="status"' in again.body) == (200, True)
        done = await _press(browser, shown, asked.to, [answered])
        assert await _states(desk) == ["done", "new", "taken"]
        assert done.to.startswith("/desk/queue?tab=all&done=1")


async def test_a_closing_is_taken_back_for_ten_minutes(desk: Desk) -> None:
    codes = [await open_request(desk, str(number)) for number in range(2)]
    async with desk.at_work("sok", "case_worker") as browser:
        asked = await _choose(browser, codes)
        form = await browser.get(asked.to)
        for _ in range(2):  # the form may come again
            done = await _press(browser, form, asked.to, codes)
            listed = await browser.get(done.to)
            assert "បើកវិញ (2)" in listed.body
        (to,) = re.findall(r'action="(/desk/queue/undo[^"]*)"', listed.body)
        for _ in range(2):
            undone = await _press(browser, form, to.replace("&amp;", "&"), codes)
            assert undone.to == "/desk/queue?tab=all&reopened=2"
        assert "បានបើកវិញ៖ 2" in (await browser.get(undone.to)).body
        assert await _states(desk) == ["new", "new"]
        late = await _press(browser, form, asked.to, codes)
        assert late.to.startswith(f"/desk/queue?tab=all&done=0&undone={codes[0]}.since")
        assert "/desk/queue/undo" not in (await browser.get(done.to)).body
        assert (await browser.get("/desk/queue/undo?tab=all")).to == "/desk/queue?tab=all"
    async with desk.new_session() as session:
        questions = select(OutboxRow.state).where(OutboxRow.purpose == "follow_up")
        assert list(await session.scalars(questions)) == ["withheld"] * 2


async def test_what_cannot_be_taken_back_is_named_with_its_reason(desk: Desk) -> None:
    codes = [await open_request(desk, str(number)) for number in range(2)]
    async with desk.at_work("sok", "case_worker") as browser:
        asked = await _choose(browser, codes)
        form = await browser.get(asked.to)
        await _press(browser, form, asked.to, codes)
        async with desk.new_session.begin() as session:
            request = await requests.hold(session, codes[0])
            request.thanked(now=desk.clock.now, body={"text": "អរគុណ"})
        undo = "/desk/queue/undo?tab=all"
        undone = await _press(browser, form, undo, codes)
        assert undone.to == f"/desk/queue?tab=all&reopened=1&undone={codes[0]}.since"
        assert "មានរឿងថ្មីលើសំណើនេះហើយ" in (await browser.get(undone.to)).body
        desk.clock.go_on(minutes=10)
        late = await _press(browser, form, undo, codes[:1])
        assert late.to.endswith(f"{codes[0]}.late")


async def test_another_centre_s_request_is_not_there_and_whoever_asks_is_noted(desk: Desk) -> None:
    mine = await open_request(desk, "42")
    other = await open_request(desk, "43", centre="preah-vihear")
    async with desk.at_work("sok", "case_worker") as browser:
        asked = await _choose(browser, [mine, other])
        shown = await browser.get(asked.to)
        assert [code for code, _ in _BOX.findall(shown.body)] == [mine]
        assert f"{other[:4]} {other[4:]}៖ រកសំណើនេះមិនឃើញទេ។" in shown.body
        done = await _press(browser, shown, asked.to, [mine, other])
        assert f"undone={other}.gone" in done.to
        undone = await _press(browser, shown, "/desk/queue/undo?tab=all", [other])
        assert undone.to.endswith(f"undone={other}.gone")
    async with desk.new_session() as session:
        refused = select(AuditRow.subject_id).where(AuditRow.action == "refused")
        assert list(await session.scalars(refused)) == [f"code:{other}"] * 3
    assert await _states(desk) == ["done", "new"]


async def test_who_is_asked_stands_there_by_channel(desk: Desk) -> None:
    async with desk.new_session.begin() as session:
        by_sms = await write_from(session, "+85512345678", "sms", now=desk.clock.now)
        await requests.open_request(session, by_sms, "talk", centre_id="pursat", now=desk.clock.now)
    codes = [await open_request(desk, "42"), await open_request(desk, "42")]
    async with desk.new_session() as session:
        codes = list(await session.scalars(select(Request.code)))
    async with desk.at_work("sok", "case_worker") as browser:
        shown = (await browser.get((await _choose(browser, codes)).to)).body
    assert shown.count("នឹងសួរ · Telegram") == 1
    assert shown.count("នឹងសួរ · SMS") == 1
    assert shown.count("សួរថ្ងៃក្រោយ · Telegram") == 1


async def test_an_address_of_nobody_s_making_leads_to_the_list(desk: Desk) -> None:
    code = await open_request(desk, "42")
    async with desk.at_work("sok", "case_worker") as browser:
        for query in ("", "chosen=x&outcome=helped", f"chosen={code}&outcome=burnt"):
            assert (await browser.get(f"/desk/queue/closing?tab=all&{query}")).to == (
                "/desk/queue?tab=all"
            )
        odd = await browser.get("/desk/queue?tab=all&closed=x&drawn=y&reopened=-1&undone=1.x")
        assert odd.status == 200
    async with desk.at_work("boss", "administrator") as browser:
        shown = await browser.get(f"/desk/queue/closing?tab=all&chosen={code}&outcome=helped")
        assert _BOX.findall(shown.body) == []
