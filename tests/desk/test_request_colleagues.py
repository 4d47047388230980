"""Two who work on one request, as browsers without scripts see it."""

import re

import pytest
from sqlalchemy import select

from db.models import Address, AuditRow, OutboxRow, Request
from services import my_data, requests
from services.desk_requests import canned
from tests.desk.at_the_desk import Answer, Browser, Desk
from tests.desk.test_queue_page import listening
from tests.desk.test_request_live import asked, hearing_only, next_event, open_page
from tests.services.desk_visitors import register, visit

__all__ = ["hearing_only", "listening"]

_HIDDEN = re.compile(r'type="hidden" name="([a-z-]+)" value="([^"]*)"')


async def _do(browser: Browser, code: str, move: str, **form: str) -> Answer:
    return await browser.post(f"/desk/requests/{code}/do/{move}", {"seen": "0", **form})


async def _form(browser: Browser, code: str, move: str) -> dict[str, str]:
    """The hidden fields of a form, as the page drew them."""
    body = (await browser.get(f"/desk/requests/{code}")).body
    return dict(_HIDDEN.findall(body.partition(f'/do/{move}"')[2].partition("</form>")[0]))


async def test_who_lost_a_request_learns_it_where_they_write(desk: Desk) -> None:
    _, code = await asked(desk)
    sao = await desk.hire("sao", "case_worker")
    async with desk.at_work("sok", "case_worker") as one, desk.browser() as other:
        other.use(await desk.sign_in(sao))
        await _do(one, code, "take")
        reply = await _form(one, code, "reply")
        taken = await _do(other, code, "assign", value=str(sao.staff_id))
        assert taken.to.endswith("?done=take")
        assert "Sao បានយកមកធ្វើបន្តពី Sok" in (await other.get(taken.to)).body

        early = await _do(one, code, "reply", **reply | {"value": "សូមមក"})
        told = (await one.get(early.to)).body
        assert early.to.endswith("?wrong=taken_over")
        assert "Sao បានទទួលបន្ទុកសំណើនេះ" in told.partition('id="reply"')[2]
        assert ">សូមមក</textarea>" in told
        assert "នៅតែផ្ញើ" in told
        sure = await _do(one, code, "reply", **await _form(one, code, "reply"), value="សូមមក")
        assert sure.to.endswith("?done=sent")
    async with desk.new_session() as session:
        assert len((await session.scalars(select(OutboxRow))).all()) == 1


@pytest.mark.usefixtures("listening")
async def test_an_open_page_hears_who_has_the_request(desk: Desk) -> None:
    _, code = await asked(desk)
    async with (
        desk.at_work("sok", "case_worker") as one,
        desk.at_work("sao", "case_worker") as other,
        open_page(one, code) as stream,
    ):
        await _do(other, code, "take")
        _, lines = await next_event(stream)
    held = lines.partition('id="held"')[2].partition("</p>")[0]
    assert "hx-swap-oob" in held
    assert "Sao ទទួលបន្ទុកសំណើនេះតាំងពី" in held


@pytest.mark.usefixtures("listening", "hearing_only")
async def test_a_page_of_what_was_deleted_holds_nothing_more(desk: Desk) -> None:
    address, code = await asked(desk)
    async with desk.at_work("sok", "case_worker") as browser, open_page(browser, code) as stream:
        async with desk.new_session.begin() as session:
            address = await session.get_one(Address, address.id)
            await my_data.delete_everything(session, address, now=desk.clock.now)
        _, instead = await next_event(stream)
    assert 'id="whole" hx-swap-oob="true"' in instead
    assert "យើងបានលុបសំណើនេះហើយ" in instead
    assert "<form" not in instead


async def test_who_asked_to_be_called_is_rung_up_and_the_tries_are_counted(desk: Desk) -> None:
    async with desk.new_session.begin() as session:
        address = await register(session)
        code = (await requests.ask_for_call(session, address, now=desk.clock.now)).code
        await requests.add_phone_number(session, code, address, "+85511222333", now=desk.clock.now)
    async with desk.at_work("sok", "case_worker") as browser:
        before = (await browser.get(f"/desk/requests/{code}")).body
        assert "•••333" in before.partition('id="call"')[2].partition("</section>")[0]
        shown = await browser.post(f"/desk/requests/{code}/reveal", {"why": "call", "seen": "0"})
        assert 'href="tel:+85511222333"' in shown.body
        for _ in range(2):
            form = await _form(browser, code, "call")
            noted = await _do(browser, code, "call", **form | {"value": "not_reached"})
            assert noted.to.endswith("?done=call")
        tried = (await browser.get(noted.to)).body
        assert "បានទូរសព្ទ 2 ដងហើយ" in tried
        assert "បានទូរសព្ទទៅអ្នកស្នើសុំ៖ ទាក់ទងមិនបាន" in tried
        again = await _do(browser, code, "call", **form | {"value": "not_reached"})
        assert again.to.endswith("?done=again")
        await _do(browser, code, "call", value="reached")
        assert "បានទូរសព្ទ 2 ដង" not in (await browser.get(f"/desk/requests/{code}")).body


async def test_a_ready_reply_that_ended_meanwhile_costs_no_words(desk: Desk) -> None:
    _, code = await asked(desk)
    async with desk.new_session.begin() as session:
        manager = await visit(session, "Boss", "centre_manager")
        reply = await canned.add(session, manager, "Come", "សូមមក", None, now=desk.clock.now)
        await canned.end(session, manager, reply.id, now=desk.clock.now)
    async with desk.at_work("sok", "case_worker") as browser:
        form = {"value": "សួស្ដីបង", "canned": str(reply.id), "seen": "0"}
        answer = await browser.post(f"/desk/requests/{code}/canned", form)
        told = (await browser.get(answer.to)).body
    assert answer.to.endswith("?wrong=canned_ended")
    assert ">សួស្ដីបង</textarea>" in told
    assert "សារគំរូនេះលែងប្រើហើយ" in told


async def test_what_is_typed_about_a_handing_over_that_fails_stays(desk: Desk) -> None:
    _, code = await asked(desk)
    async with desk.at_work("sok", "case_worker") as browser:
        for centre, said in (
            ("nowhere", "ធ្វើបែបនេះមិនបានទេ"),
            ("", "មិនទាន់បានជ្រើសរើសមជ្ឈមណ្ឌលទេ"),
        ):
            wrong = await _do(browser, code, "hand_over", value=centre, reason="ជិតផ្ទះគាត់")
            assert (wrong.status, said in wrong.body) == (200, True)
            assert "ជិតផ្ទះគាត់</textarea>" in wrong.body
            assert "<details open>" in wrong.body
        await _do(browser, code, "finish", value="helped")
        late = await _do(browser, code, "hand_over", value="preah-vihear", reason="ជិតផ្ទះគាត់")
        assert "ជិតផ្ទះគាត់</textarea>" in late.body
        assert 'id="hand_over"' not in late.body
        assert (await browser.get(f"/desk/requests/{code}/do/hand_over")).to.endswith(code)
    async with desk.new_session() as session:
        refused = select(AuditRow.fields).where(AuditRow.action == "refused")
        assert (await session.scalars(refused)).all() == [["tried:handed_over"]]


async def test_who_hands_over_reads_what_else_of_the_person_stays(desk: Desk) -> None:
    _, code = await asked(desk)
    async with desk.new_session.begin() as session:
        registration = await session.scalar(
            select(Request.code).where(Request.topic == "registration")
        )
    sure = {"value": "helped", "sure": "yes"}
    async with desk.at_work("sok", "case_worker") as browser:
        form = _hand_over_form((await browser.get(f"/desk/requests/{code}")).body)
        assert "សំណើទាំងនោះនៅទីនេះដដែល" in form
        assert f'href="/desk/requests/{registration}"' in form
        await _do(browser, str(registration), "finish", **sure)
        form = _hand_over_form((await browser.get(f"/desk/requests/{code}")).body)
    assert "សំណើទាំងនោះនៅទីនេះដដែល" not in form


def _hand_over_form(body: str) -> str:
    return body.partition('/do/hand_over"')[2].partition("</form>")[0]
