"""Agencies to tell, as a browser without scripts sees them."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address, AuditRow, Recall, Referral, Request
from services import my_data
from services.office_hours import day_of
from services.referrals import asking, own, steps
from services.referrals.asking import Told, Wanted
from services.referrals.steps import Step
from tests.desk.at_the_desk import Desk
from tests.services.centre_at_work import hire
from tests.services.desk_visitors import ask, at_desk
from tests.services.referred import make_agency

TO_TELL = "/desk/to-tell"


async def _give(desk: Desk) -> tuple[str, int]:
    """An agency has got what somebody agreed to: the code of the request and the referral."""
    now = desk.clock.now
    async with desk.new_session.begin() as session:
        request, agency = await ask(session), await make_agency(session)
        visitor = at_desk(await hire(session, "Dara"))
        words = desk.parts.words
        told = Told(day_of(now), "phone")
        wanted = Wanted(agency.id, "work", ("phone",), told=told)
        await asking.begin(session, visitor, request.code, wanted, seen=0, words=words, now=now)
        referral = (await session.scalars(select(Referral))).one()
        given = Step("give", day_of(now), "phone")
        await steps.do(session, visitor, request.code, referral.id, given, words=words, now=now)
        return request.code, referral.id


async def _take_back(desk: Desk, referral_id: int) -> None:
    async with desk.new_session.begin() as session:
        person = await _person(session)
        await own.answer(session, person, referral_id, False, now=desk.clock.now)


async def _person(session: AsyncSession) -> Address:
    referral = (await session.scalars(select(Referral))).one()
    request = await session.get_one(Request, referral.request_id)
    return await session.get_one(Address, request.address_id)


async def _only(desk: Desk) -> Recall:
    async with desk.new_session() as session:
        return (await session.scalars(select(Recall))).one()


async def test_what_is_taken_back_is_told_to_the_agency(desk: Desk) -> None:
    code, referral_id = await _give(desk)
    async with desk.at_work("sok", "case_worker") as browser:
        assert TO_TELL not in (await browser.get("/desk/queue?tab=all")).body
        await _take_back(desk, referral_id)
        for path in ("queue?tab=all", f"requests/{code}/referrals"):
            assert TO_TELL in (await browser.get(f"/desk/{path}")).body
        assert "ត្រូវប្រាប់ឱ្យលុប" in (await browser.get(f"/desk/requests/{code}")).body
        page = await browser.get(TO_TELL)
        assert "មើលអង្គភាពដៃគូទាំងអស់ ឬសួរលេខ" in page.body  # it has none
        assert f"/desk/requests/{code}/referrals" in page.body
        told = f"{TO_TELL}/{(await _only(desk)).id}"
        today = day_of(desk.clock.now)
        wrong = await browser.post(told, {"on": f"{today + timedelta(days=1)}", "how": "paper"})
        assert wrong.status == 422
        assert 'value="paper" selected' in wrong.body
        for done in ("told", "again"):
            answer = await browser.post(told, {"on": f"{today}", "how": "paper"})
            assert answer.to == f"{TO_TELL}?done={done}"
        page = await browser.get(TO_TELL)
        assert "sok" in page.body.lower()
        assert '<form class="choice"' not in page.body
        assert "បានសុំឱ្យ Job Centre (km) លុប" in (await browser.get(f"/desk/requests/{code}")).body
        assert TO_TELL not in (await browser.get("/desk/queue?tab=all")).body
    async with desk.new_session() as session:
        query = select(AuditRow.action).where(AuditRow.subject == "recall")
        assert set((await session.scalars(query)).all()) == {"listed", "agency_told"}


async def test_of_who_is_gone_there_is_only_the_code(desk: Desk) -> None:
    code, _ = await _give(desk)
    async with desk.new_session.begin() as session:
        await my_data.delete_everything(session, await _person(session), now=desk.clock.now)
    async with desk.at_work("sok", "centre_manager") as browser:
        page = await browser.get(TO_TELL)
        assert f"{code[:4]} {code[4:]}" in page.body
        assert f"/desk/requests/{code}" not in page.body


async def test_another_centre_is_told_nothing_and_its_try_is_written_down(desk: Desk) -> None:
    _, referral_id = await _give(desk)
    await _take_back(desk, referral_id)
    recall = await _only(desk)
    form = {"on": f"{day_of(desk.clock.now)}", "how": "phone"}
    async with desk.at_work("sao", "case_worker", "preah-vihear") as browser:
        assert "Job Centre" not in (await browser.get(TO_TELL)).body
        for typed in (form, form | {"on": "soon"}, {}):
            assert (await browser.post(f"{TO_TELL}/{recall.id}", typed)).status == 404
        assert (await browser.post(f"{TO_TELL}/1e3", form)).status == 404
    assert (await _only(desk)).done_at is None
    async with desk.new_session() as session:
        query = select(AuditRow.subject_id).where(
            AuditRow.action == "refused", AuditRow.subject == "recall"
        )
        assert (await session.scalars(query)).all() == [str(recall.id)]
