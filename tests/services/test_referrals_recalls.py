"""What was given and is taken back: the agency is asked to delete it, and somebody says so."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address, Recall, Referral, Request, Staff
from services import consent, my_data, purge, taking_back, threads
from services.accounts.types import Visitor
from services.errors import UnusableForm
from services.referrals import asking_back, own, reading, refusals
from services.referrals.errors import RecallNotFound
from tests.services.centre_at_work import FRIDAY, PlainWords, events_of, kinds_of
from tests.services.desk_visitors import ask, audited, see_as, visit
from tests.services.referred import TODAY, TOLD, address_of, begin, do, make_agency, only_referral
from tests.services.referred import wanted as wanted_of

DAY = timedelta(days=1)
LATER = FRIDAY + DAY


@dataclass(frozen=True)
class Given:
    """An agency has got what it was agreed that it may know."""

    visitor: Visitor
    request: Request
    referral: Referral
    address: Address


async def _given(session: AsyncSession, **agency: Any) -> Given:
    visitor, request = await visit(session), await ask(session)
    await begin(
        session, visitor, request, wanted_of(await make_agency(session, **agency), told=TOLD)
    )
    referral = await only_referral(session)
    await do(session, visitor, request, referral, "give")
    return Given(visitor, request, referral, await address_of(session, request))


async def _take_back(session: AsyncSession, given: Given) -> None:
    await own.answer(session, given.address, given.referral.id, False, now=FRIDAY)


async def _stop(session: AsyncSession, given: Given) -> None:
    await taking_back.stop(session, given.address.id, now=FRIDAY)


async def _block(session: AsyncSession, given: Given) -> None:
    await taking_back.block(session, given.address.id, now=FRIDAY)


async def _refuse_passing_on(session: AsyncSession, given: Given) -> None:
    await taking_back.answer_purpose(
        session, given.address, consent.SHARING, False, "purposes-2", now=FRIDAY
    )


async def _withdraw(session: AsyncSession, given: Given) -> None:
    await threads.withdraw(session, given.address, given.request.code, now=FRIDAY)


async def _delete(session: AsyncSession, given: Given) -> None:
    await my_data.delete_everything(session, given.address, now=FRIDAY)


async def _only(session: AsyncSession) -> Recall:
    query = select(Recall).execution_options(populate_existing=True)
    return (await session.scalars(query)).one()


async def _tell(session: AsyncSession, visitor: Visitor, recall: Recall, **form: Any) -> bool:
    told: dict[str, Any] = {"on": TODAY, "how": "phone", "now": FRIDAY} | form
    return await asking_back.tell(session, visitor, recall.id, **told)


@pytest.mark.parametrize("act", [_take_back, _stop, _block, _refuse_passing_on, _withdraw])
async def test_whoever_takes_it_back_is_promised_that_the_agency_is_asked(
    session: AsyncSession, act: Callable[[AsyncSession, Given], Awaitable[None]]
) -> None:
    given = await _given(session)
    await act(session, given)
    recall = await _only(session)
    assert (recall.reason, recall.arose_on, recall.code) == (
        "taken_back",
        TODAY,
        given.request.code,
    )
    assert recall.referral_id == given.referral.id
    [line] = await own.list_own(session, given.address)
    assert (line.standing, line.stands_since.date()) == ("asking_back", TODAY)
    await _tell(session, given.visitor, recall)
    [line] = await own.list_own(session, given.address)
    assert line.standing == "asked_back"
    assert (await kinds_of(session, given.request))[-1] == "referral_recalled"


async def test_what_staff_end_or_nobody_was_given_is_promised_to_nobody(
    session: AsyncSession,
) -> None:
    given = await _given(session)
    await do(session, given.visitor, given.request, given.referral, "end")
    assert (await session.scalars(select(Recall))).all() == []


async def test_what_was_only_asked_is_not_asked_back(session: AsyncSession) -> None:
    visitor, request = await visit(session), await ask(session)
    await begin(session, visitor, request, wanted_of(await make_agency(session)))
    await taking_back.stop(session, request.address_id, now=FRIDAY)
    assert (await session.scalars(select(Recall))).all() == []


@pytest.mark.parametrize("over", [("end",), ("decline",), ("accept", "finish")])
@pytest.mark.parametrize("act", [_take_back, _stop, _refuse_passing_on, _withdraw])
async def test_what_is_over_is_asked_back_once_the_person_takes_it_back(
    session: AsyncSession,
    act: Callable[[AsyncSession, Given], Awaitable[None]],
    over: tuple[str, ...],
) -> None:
    given = await _given(session)
    for step in over:
        await do(session, given.visitor, given.request, given.referral, step)
    [line] = await own.list_own(session, given.address)
    assert line.can_take_back
    await act(session, given)
    if act is not _withdraw:
        await act(session, given)
    assert (await _only(session)).reason == "taken_back"
    [line] = await own.list_own(session, given.address)
    assert (line.standing, line.can_take_back) == ("asking_back", False)
    assert "referral_ended" in await kinds_of(session, given.request)


async def test_what_staff_had_ended_comes_back_with_the_no_of_the_person(
    session: AsyncSession,
) -> None:
    given = await _given(session)
    await do(session, given.visitor, given.request, given.referral, "end")
    staff = await session.get_one(Staff, given.visitor.staff_id)
    await threads.finish(
        session, given.request.code, "referred", staff=staff, words=PlainWords(), now=FRIDAY
    )
    await own.answer(session, given.address, given.referral.id, False, now=LATER)
    assert given.request.state == "reopened"
    assert given.request.due_at is not None
    assert given.request.last_person_at == LATER
    event = (await events_of(session, given.request))[-2]
    assert (event.kind, event.actor) == ("referral_ended", "person")
    assert event.body is not None
    assert (event.body["reason"], event.body["was_given"]) == ("person", True)
    assert given.referral.agency_id in await refusals.list_to_agencies(session, given.address)


async def test_who_tells_staff_that_they_take_it_back_is_promised_the_same(
    session: AsyncSession,
) -> None:
    given = await _given(session)
    await do(session, given.visitor, given.request, given.referral, "end", taken_back=True)
    assert (await _only(session)).reason == "taken_back"
    [line] = await reading.list_of(session, given.request, now=FRIDAY)
    assert line.ended_for == "person"
    assert await refusals.find_last(session, given.address, given.referral.agency_id) == FRIDAY


async def test_who_deletes_everything_leaves_what_was_given_to_be_asked_back(
    session: AsyncSession,
) -> None:
    """Also what was over, or ended by staff; what was only asked never left."""
    given = await _given(session)
    code = given.request.code
    await do(session, given.visitor, given.request, given.referral, "end")
    await begin(session, given.visitor, given.request, wanted_of(await make_agency(session, "B")))
    await _delete(session, given)
    recall = await _only(session)
    assert (recall.reason, recall.code, recall.referral_id) == ("deleted", code, None)
    assert (recall.agency_id, recall.centre_id) == (given.referral.agency_id, "pursat")
    await see_as(session, given.visitor)
    shown = await asking_back.get_all(session, given.visitor, now=FRIDAY)
    assert [(line.code, line.can_open) for line in shown.open] == [(code, False)]
    assert await _tell(session, given.visitor, recall)


async def test_what_was_taken_back_before_the_deletion_is_asked_back_once(
    session: AsyncSession,
) -> None:
    given = await _given(session)
    await _take_back(session, given)
    await _delete(session, given)
    recall = await _only(session)
    assert (recall.reason, recall.referral_id) == ("taken_back", None)


async def test_another_centre_and_those_of_none_find_nothing(session: AsyncSession) -> None:
    given = await _given(session)
    await _take_back(session, given)
    recall = await _only(session)
    for role, centre in (("case_worker", "preah-vihear"), ("administrator", None)):
        other = await visit(session, role, role, centre)
        await see_as(session, other)
        assert await asking_back.count_open(session, other) == 0
        assert (await asking_back.get_all(session, other, now=FRIDAY)).open == []
        with pytest.raises(RecallNotFound):
            await _tell(session, other, recall)
        await see_as(session, await visit(session, f"all {role}", "administrator", None))


async def test_it_goes_to_another_centre_with_its_request(session: AsyncSession) -> None:
    given = await _given(session)
    await _take_back(session, given)
    given.request.hand_over("preah-vihear", by=given.visitor.staff_id, now=FRIDAY, due=_due)
    await session.flush()
    recall = await _only(session)
    assert recall.centre_id == "preah-vihear"
    other = await visit(session, "Sao", "centre_manager", "preah-vihear")
    assert await asking_back.count_open(session, other) == 1
    assert await _tell(session, other, recall)


def _due(urgency: str, now: datetime) -> datetime:
    return now + DAY


async def test_the_first_word_that_they_were_told_stays(session: AsyncSession) -> None:
    given = await _given(session)
    await _take_back(session, given)
    recall = await _only(session)
    colleague = await visit(session, "Dara")
    assert await _tell(session, given.visitor, recall, how="paper")
    assert not await _tell(session, colleague, recall, how="phone", on=TODAY + 9 * DAY)
    [line] = await reading.list_of(session, given.request, now=FRIDAY)
    assert line.recall is not None
    assert (line.recall.done_on, line.recall.done_how) == (TODAY, "paper")
    assert line.recall.done_by == "Sok"
    told = [row for row in await audited(session) if row[0] == "agency_told"]
    assert told == [("agency_told", "recall", str(recall.id), ["day", "told_how"])]


@pytest.mark.parametrize(
    ("on", "how", "faults"),
    [
        (None, "", {"on": "missing", "how": "missing"}),
        (TODAY - DAY, "phone", {"on": "before_arose"}),
        (TODAY + DAY, "pigeon", {"on": "future", "how": "unknown"}),
    ],
)
async def test_a_day_that_cannot_be_is_not_taken(
    session: AsyncSession, on: date | None, how: str, faults: dict[str, str]
) -> None:
    given = await _given(session)
    await _take_back(session, given)
    with pytest.raises(UnusableForm) as raised:
        await _tell(session, given.visitor, await _only(session), on=on, how=how)
    assert raised.value.faults == faults


async def test_after_three_working_days_it_is_late(session: AsyncSession) -> None:
    """Taken back on the Friday before the Water Festival, which lasts until Wednesday."""
    given = await _given(session)
    await _take_back(session, given)

    async def is_late(at: datetime) -> bool:
        shown = await asking_back.get_all(session, given.visitor, now=at)
        return shown.open[0].is_late

    monday = FRIDAY + 10 * DAY
    assert not await is_late(monday)
    assert await is_late(monday + DAY)


async def test_what_was_told_of_who_is_gone_is_kept_90_days(session: AsyncSession) -> None:
    given = await _given(session)
    await _take_back(session, given)
    recall = await _only(session)
    rule, later = "agencies told of what is deleted", FRIDAY + 90 * DAY + timedelta(seconds=1)
    await _tell(session, given.visitor, recall)
    assert await purge.purge(session, rule, now=later) == 0
    await _delete(session, given)
    assert await purge.purge(session, rule, now=FRIDAY + 90 * DAY) == 0
    assert await purge.purge(session, rule, now=later) == 1


async def test_what_nobody_told_is_kept_for_ever(session: AsyncSession) -> None:
    given = await _given(session)
    await _delete(session, given)
    for rule in purge.RULES:
        await purge.purge(session, rule, now=FRIDAY + 4000 * DAY)
    assert (await _only(session)).done_at is None
