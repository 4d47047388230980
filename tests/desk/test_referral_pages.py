"""Referring somebody at the desk, as a browser without scripts sees it."""

import re
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select, update

from db.models import Address, AuditRow, Centre, OutboxRow, Referral, Request
from desk.rendering import CAMBODIA
from services import consent
from services.referrals import own
from tests.desk.at_the_desk import Answer, Browser, Desk
from tests.services.desk_visitors import HOME_PHONE, NAME, PHONE, ask
from tests.services.referred import NEED, make_agency

SEEN = re.compile(r'name="seen" value="(\d+)"')


async def _asked(desk: Desk, **agency: Any) -> tuple[str, int]:
    """The code of a request, and an agency."""
    async with desk.new_session.begin() as session:
        request = await ask(session)
        return request.code, (await make_agency(session, **agency)).id


def _today(desk: Desk) -> date:
    return desk.clock.now.astimezone(CAMBODIA).date()


def _form(desk: Desk, agency: int, /, **changed: Any) -> dict[str, Any]:
    """They told us on the phone; name, phone and what is needed."""
    form = {
        "agency": str(agency),
        "purpose": "work",
        "shared": ["name", "phone", "need"],
        "need": NEED,
        "consent": "told",
        "told_on": _today(desk).isoformat(),
        "told_how": "phone",
        "told_note": "ok",
        "seen": "0",
    }
    return form | changed


async def _begin(browser: Browser, code: str, form: dict[str, Any]) -> Answer:
    return await browser.post(f"/desk/requests/{code}/referrals/new", form)


async def _only(desk: Desk) -> Referral:
    async with desk.new_session() as session:
        return (await session.scalars(select(Referral))).one()


async def _do(browser: Browser, desk: Desk, code: str, step: str, **form: str) -> Answer:
    referral = await _only(desk)
    return await browser.post(f"/desk/requests/{code}/referrals/{referral.id}/do/{step}", form)


async def test_from_the_form_to_the_agencys_answer(desk: Desk) -> None:
    code, agency = await _asked(desk)
    today = _today(desk).isoformat()
    async with desk.at_work("sok", "case_worker") as browser:
        page = await browser.get(f"/desk/requests/{code}")
        assert f"/desk/requests/{code}/referrals/new" in page.body
        new = await browser.get(f"/desk/requests/{code}/referrals/new?purpose=work")
        assert "Job Centre (km)" in new.body
        for secret in (NAME, PHONE, HOME_PHONE):
            assert secret not in new.body
        for step, form, done in [
            ("", _form(desk, agency), "noted"),
            ("give", {"on": today, "how": "phone"}, "give"),
            ("accept", {"text": "Ms Dara calls on Monday"}, "accept"),
            ("finish", {"result": "reached"}, "finish"),
        ]:
            if step:
                answer = await _do(browser, desk, code, step, **form)
            else:
                answer = await _begin(browser, code, form)
            assert answer.to == f"/desk/requests/{code}/referrals?done={done}", answer
            body = (await browser.get(answer.to)).body
            assert 'role="status"' in body
        thread = (await browser.get(f"/desk/requests/{code}")).body
    assert "Ms Dara calls on Monday" in thread
    assert "Job Centre (km)" in thread
    assert (await _only(desk)).state == "done"


async def test_what_the_person_takes_back_by_word_is_to_be_asked_back(desk: Desk) -> None:
    code, agency = await _asked(desk)
    async with desk.at_work("sok", "case_worker") as browser:
        await _begin(browser, code, _form(desk, agency))
        await _do(browser, desk, code, "give", on=_today(desk).isoformat(), how="phone")
        assert 'name="taken_back"' in (await browser.get(f"/desk/requests/{code}/referrals")).body
        await _do(browser, desk, code, "end", taken_back="yes")
        shown = await browser.get(f"/desk/requests/{code}/referrals")
        assert "/desk/to-tell#recall-" in shown.body


async def test_the_person_is_asked_by_a_message(desk: Desk) -> None:
    code, agency = await _asked(desk)
    async with desk.at_work("sok", "case_worker") as browser:
        answer = await _begin(browser, code, _form(desk, agency, consent="message"))
        assert answer.to.endswith(("done=asked", "done=held"))
        assert (await browser.get(f"/desk/requests/{code}/referrals")).status == 200
    async with desk.new_session() as session:
        assert (await session.scalars(select(OutboxRow.purpose))).all() == ["follow_up"]


async def test_a_form_that_cannot_be_done_keeps_what_was_typed(desk: Desk) -> None:
    code, agency = await _asked(desk, is_sensitive=True)
    async with desk.at_work("sok", "case_worker") as browser:
        wrong = _form(desk, agency, consent="message", shared=["name", "need"])
        answer = await _begin(browser, code, wrong)
        day = await _begin(browser, code, _form(desk, agency, told_on="yesterday"))
    assert answer.status == day.status == 422
    assert NEED in answer.body
    assert 'id="shared-fault"' in answer.body
    assert 'id="consent-fault"' in answer.body
    assert re.search(rf'value="{agency}" required checked', answer.body)
    # What cannot be is not offered again.
    assert re.search(r'value="message" required disabled', answer.body)
    assert re.search(r'value="told" required checked', answer.body)
    assert '<span class="hint sensitive">' in answer.body
    assert 'value="yesterday"' in day.body
    async with desk.new_session() as session:
        assert (await session.scalars(select(Referral))).all() == []


async def test_a_step_that_cannot_be_done_keeps_what_was_typed(desk: Desk) -> None:
    code, agency = await _asked(desk)
    tomorrow = (_today(desk) + timedelta(days=1)).isoformat()
    async with desk.at_work("sok", "case_worker") as browser:
        await _begin(browser, code, _form(desk, agency))
        answer = await _do(browser, desk, code, "give", on=tomorrow, how="email")
    assert answer.status == 422
    assert f'value="{tomorrow}"' in answer.body
    assert re.search(r'value="email" selected', answer.body)
    assert "<details open>" in answer.body


async def test_a_form_that_comes_twice_is_done_once(desk: Desk) -> None:
    code, agency = await _asked(desk)
    today = _today(desk).isoformat()
    async with desk.at_work("sok", "case_worker") as browser:
        for done in ("noted", "again"):
            answer = await _begin(browser, code, _form(desk, agency))
            assert answer.to.endswith(f"done={done}")
        for done in ("give", "again"):
            answer = await _do(browser, desk, code, "give", on=today, how="phone")
            assert answer.to.endswith(f"done={done}")
    async with desk.new_session() as session:
        repeated = select(AuditRow.subject).where(AuditRow.action == "repeated")
        assert "request" in (await session.scalars(repeated)).all()


async def test_the_sheet_holds_what_was_agreed_to_and_its_reading_is_noted(desk: Desk) -> None:
    code, agency = await _asked(desk)
    async with desk.at_work("sok", "case_worker") as browser:
        await _begin(browser, code, _form(desk, agency, shared=["phone", "age"], need=""))
        referral = await _only(desk)
        sheet = await browser.get(f"/desk/requests/{code}/referrals/{referral.id}/sheet")
    assert "012 345 678" in sheet.body
    assert NAME not in sheet.body
    assert "<dt>អ្នកទទួលបន្ទុក</dt><dd>Sok</dd>" in sheet.body
    assert 'lang="km"' in sheet.body
    async with desk.new_session() as session:
        query = select(AuditRow.fields).where(
            AuditRow.subject == "referral", AuditRow.action == "read"
        )
        assert (await session.scalars(query)).all() == [["phone", "age"]]


async def test_nothing_is_given_before_the_yes_nor_after_a_no(desk: Desk) -> None:
    code, agency = await _asked(desk)
    today = _today(desk).isoformat()
    async with desk.at_work("sok", "case_worker") as browser:
        await _begin(browser, code, _form(desk, agency, consent="message"))
        referral = await _only(desk)
        sheet = f"/desk/requests/{code}/referrals/{referral.id}/sheet"
        assert (await browser.get(sheet)).to.endswith("wrong=not_agreed")
        given = await _do(browser, desk, code, "give", on=today, how="phone")
        assert given.to.endswith("wrong=changed")
        async with desk.new_session.begin() as session:
            request = await session.get_one(Request, referral.request_id)
            person = await session.get_one(Address, request.address_id)
            await own.answer(session, person, referral.id, True, now=desk.clock.now)
            desk.clock.go_on(minutes=1)
            later = desk.clock.now
            await consent.record(session, person, consent.SHARING, False, "p", now=later)
        given = await _do(browser, desk, code, "give", on=today, how="phone")
        assert given.to.endswith("wrong=taken_back")
        body = (await browser.get(f"/desk/requests/{code}/referrals")).body
    assert "/do/give" not in body
    assert (await _only(desk)).state == "agreed"


async def test_what_is_forged_is_refused_and_written_down(desk: Desk) -> None:
    code, agency = await _asked(desk)
    async with desk.at_work("sok", "case_worker") as browser:
        for changed in ({"agency": "999999"}, {"purpose": "politics"}, {"shared": ["salary"]}):
            answer = await _begin(browser, code, _form(desk, agency, **changed))
            assert answer.status == 422
            desk.clock.go_on(minutes=2)
        await _begin(browser, code, _form(desk, agency))
        for path in ("999999/sheet", "1e3/sheet"):
            gone = await browser.get(f"/desk/requests/{code}/referrals/{path}")
            assert gone.status == 404
        assert (await _do(browser, desk, code, "eat")).status == 404
        for path in ("/do/end", "/do/give"):
            gone = await browser.post(f"/desk/requests/{code}/referrals/999999{path}")
            assert gone.status == 404
    async with desk.new_session() as session:
        query = select(AuditRow.fields).where(
            AuditRow.action == "refused", AuditRow.subject == "referral"
        )
        refused = list(await session.scalars(query))
    assert refused == [["agency"], ["purpose"], ["shared"], []]


async def test_another_centre_sees_nothing_of_it(desk: Desk) -> None:
    code, agency = await _asked(desk)
    async with desk.at_work("sok", "case_worker") as browser:
        await _begin(browser, code, _form(desk, agency))
    async with desk.at_work("sao", "case_worker", "preah-vihear") as browser:
        referral = await _only(desk)
        for path in ("referrals", "referrals/new", f"referrals/{referral.id}/sheet"):
            assert (await browser.get(f"/desk/requests/{code}/{path}")).status == 404
        assert (await _do(browser, desk, code, "end")).status == 404
        assert (await _begin(browser, code, _form(desk, agency))).status == 404
    assert (await _only(desk)).state == "agreed"


async def test_closed_as_referred_without_handing_over_is_warned_of(desk: Desk) -> None:
    code, _ = await _asked(desk)
    async with desk.at_work("sok", "case_worker") as browser:
        finish = f"/desk/requests/{code}/do/finish"
        done = await browser.post(finish, {"value": "referred", "seen": "0"})
        assert "មិនទាន់បានប្រគល់" in (await browser.get(done.to)).body


async def test_a_request_that_is_over_refers_to_nobody(desk: Desk) -> None:
    code, agency = await _asked(desk)
    async with desk.new_session.begin() as session:
        await session.execute(update(Request).values(state="withdrawn"))
    async with desk.at_work("sok", "case_worker") as browser:
        answer = await _begin(browser, code, _form(desk, agency))
        assert answer.to.endswith("wrong=changed")


async def test_who_said_no_to_an_agency_is_asked_again_only_with_a_tick(desk: Desk) -> None:
    code, agency = await _asked(desk)
    async with desk.at_work("sok", "case_worker") as browser:
        await _begin(browser, code, _form(desk, agency, consent="message"))
        await _refuse(desk)
        new = (await browser.get(f"/desk/requests/{code}/referrals/new?purpose=work")).body
        assert "មិនយល់ព្រមឱ្យប្រាប់ Job Centre (km)" in new
        form = _form(desk, agency, consent="message", seen=SEEN.search(new)[1])  # type: ignore[index]
        answer = await _begin(browser, code, form)
        assert answer.status == 422
        assert 'id="asked_again-fault"' in answer.body
        answer = await _begin(browser, code, form | {"asked_again": str(agency)})
        assert answer.to.endswith(("done=asked", "done=held"))


async def _refuse(desk: Desk) -> None:
    referral = await _only(desk)
    async with desk.new_session.begin() as session:
        request = await session.get_one(Request, referral.request_id)
        person = await session.get_one(Address, request.address_id)
        await own.answer(session, person, referral.id, False, now=desk.clock.now)


async def test_the_sheet_says_where_to_answer_to_as_far_as_the_centre_told_it(desk: Desk) -> None:
    code, agency = await _asked(desk)
    async with desk.at_work("sok", "case_worker") as browser:
        await _begin(browser, code, _form(desk, agency))
        path = f"/desk/requests/{code}/referrals/{(await _only(desk)).id}/sheet"
        sheet = (await browser.get(path)).body
        assert "08:00" not in sheet
        assert f"{code[:4]} {code[4:]}។" in sheet
        assert "សូមប្រាប់អ្នកគ្រប់គ្រងប្រព័ន្ធ" in sheet
        assert "/desk/centres/" not in sheet
        hours = {"mon": [["07:30", "11:00"]], "tue": [["07:30", "11:00"]]}
        told = update(Centre).values(phone_e164="+85512999000", hours=hours)
        async with desk.new_session.begin() as session:
            await session.execute(told.where(Centre.id == "pursat"))
        sheet = (await browser.get(path)).body
    assert "012 999 000" in sheet
    assert "សូមប្រាប់អ្នកគ្រប់គ្រងប្រព័ន្ធ" not in sheet
    assert "ចន្ទ – អង្គារ៖ 07:30–11:00" in sheet


async def test_who_can_fill_in_the_centres_number_is_led_there_before_printing(desk: Desk) -> None:
    code, agency = await _asked(desk)
    async with desk.at_work("sok", "case_worker") as browser:
        await _begin(browser, code, _form(desk, agency))
    path = f"/desk/requests/{code}/referrals/{(await _only(desk)).id}/sheet"
    boss = await desk.hire("dara", "administrator")
    async with desk.new_session.begin() as session:
        await session.execute(update(Request).values(owner_id=boss.staff_id))
    async with desk.browser() as browser:
        browser.use(await desk.sign_in(boss))
        sheet = (await browser.get(path)).body
        assert 'href="/desk/centres/pursat#names"' in sheet
        assert "<dt>អ្នកទទួលបន្ទុក</dt><dd>Dara</dd>" in sheet
        assert 'id="names"' in (await browser.get("/desk/centres/pursat")).body


async def test_a_question_that_is_not_needed_any_more_is_no_fault(desk: Desk) -> None:
    code, agency = await _asked(desk)
    async with desk.at_work("sok", "case_worker") as browser:
        await _begin(browser, code, _form(desk, agency, consent="message"))
        await _do(browser, desk, code, "end")
        thread = (await browser.get(f"/desk/requests/{code}")).body
        referrals = (await browser.get(f"/desk/requests/{code}/referrals")).body
    assert 'class="delivery overtaken"' in thread
    assert "បានបញ្ឈប់មុនគាត់ឆ្លើយ" in referrals
