"""The person says yes, no, or takes it back; what else they take back ends it too."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import (
    Address,
    Agency,
    AuditRow,
    Consent,
    OutboxRow,
    Question,
    Referral,
    Request,
    Staff,
)
from services import addresses, consent, my_data, questions, taking_back, threads, undelivered
from services.accounts.types import Visitor
from services.errors import QuestionNotFound
from services.referrals import own
from services.referrals.errors import NotReadYet, ReferralNotFound
from tests.services.centre_at_work import FRIDAY, PlainWords, events_of, kinds_of, write_from
from tests.services.desk_visitors import ask, visit
from tests.services.referred import (
    TOLD,
    address_of,
    begin,
    do,
    make_agency,
    only_referral,
    wanted,
)

LATER = FRIDAY + timedelta(days=90)
DAY = timedelta(days=1)
AGREE, REFUSE = 1, 2


async def _asked(session: AsyncSession) -> tuple[Visitor, Request, Referral, Address]:
    visitor, request = await visit(session), await ask(session)
    await begin(session, visitor, request, wanted(await make_agency(session)))
    return visitor, request, await only_referral(session), await address_of(session, request)


async def _given(session: AsyncSession) -> tuple[Visitor, Request, Referral, Address]:
    visitor, request = await visit(session), await ask(session)
    await begin(session, visitor, request, wanted(await make_agency(session), told=TOLD))
    referral = await only_referral(session)
    await do(session, visitor, request, referral, "give")
    return visitor, request, referral, await address_of(session, request)


async def _answer(session: AsyncSession, address: Address, n: int) -> questions.Answered:
    question = (await session.scalars(select(Question))).one()
    return await questions.answer(session, address, question.id, n, now=LATER)


async def test_a_yes_months_later_gives_the_turn_back(session: AsyncSession) -> None:
    _, request, referral, address = await _asked(session)
    answered = await _answer(session, address, AGREE)
    assert (answered.option, answered.referral) == (questions.AGREE, "agreed")
    assert (referral.consent, referral.consent_version) == ("message", "referral-2")
    assert referral.agreed_at == LATER
    assert request.state == "taken"
    assert request.due_at is not None
    event = (await events_of(session, request))[-1]
    assert (event.kind, event.actor, event.internal) == ("referral_agreed", "person", False)


async def test_a_no_ends_it_and_somebody_thinks_of_something_else(session: AsyncSession) -> None:
    _, request, referral, address = await _asked(session)
    assert (await _answer(session, address, REFUSE)).referral == "refused"
    assert (referral.state, referral.agreed_at, request.state) == ("refused", None, "taken")
    assert request.due_at is not None


async def test_a_no_after_the_yes_takes_it_back_and_not_the_other_way_round(
    session: AsyncSession,
) -> None:
    _, request, referral, address = await _asked(session)
    await _answer(session, address, AGREE)
    assert (await _answer(session, address, REFUSE)).referral == "ended"
    assert (await _answer(session, address, AGREE)).referral == "ended"
    assert referral.state == "ended"
    assert (await events_of(session, request))[-1].body["reason"] == "person"  # type: ignore[index]


async def test_a_message_that_is_handled_twice_answers_once(session: AsyncSession) -> None:
    _, request, referral, address = await _asked(session)
    for _ in range(2):
        answered = await own.answer(session, address, referral.id, True, now=LATER, inbox_id=4711)
        assert answered.state == "agreed"
    assert (await kinds_of(session, request)).count("referral_agreed") == 1


async def test_a_yes_that_nobody_could_read_agrees_to_nothing(session: AsyncSession) -> None:
    _, _, referral, address = await _asked(session)
    await addresses.set_shared(session, address.id, True)
    with pytest.raises(NotReadYet) as raised:
        await _answer(session, address, AGREE)
    assert (raised.value.referral_id, referral.state) == (referral.id, "asked")
    assert (await _answer(session, address, REFUSE)).referral == "refused"


async def test_somebody_else_answers_nothing(session: AsyncSession) -> None:
    _, _, referral, _ = await _asked(session)
    other = await write_from(session, "99")
    with pytest.raises(QuestionNotFound):
        await _answer(session, other, AGREE)
    with pytest.raises(ReferralNotFound):
        await own.answer(session, other, referral.id, True, now=LATER)
    assert referral.state == "asked"


async def test_a_yes_opens_again_what_was_closed_meanwhile(session: AsyncSession) -> None:
    visitor, request, referral, address = await _asked(session)
    staff = await session.get_one(Staff, visitor.staff_id)
    await threads.finish(
        session, request.code, "helped", staff=staff, words=PlainWords(), now=FRIDAY
    )
    await _answer_first(session, address)
    assert (referral.state, request.state) == ("agreed", "reopened")


async def _answer_first(session: AsyncSession, address: Address) -> None:
    query = select(Question).where(Question.kind == questions.REFER)
    question = (await session.scalars(query)).one()
    await questions.answer(session, address, question.id, AGREE, now=LATER)


async def _stop(session: AsyncSession, address: Address, request: Request) -> None:
    await taking_back.stop(session, address.id, now=LATER)


async def _no_sharing(session: AsyncSession, address: Address, request: Request) -> None:
    await taking_back.answer_purpose(session, address, consent.SHARING, False, "p", now=LATER)


async def _no_service(session: AsyncSession, address: Address, request: Request) -> None:
    await taking_back.answer_purpose(session, address, consent.SERVICE, False, "p", now=LATER)


async def _nothing_ticked(session: AsyncSession, address: Address, request: Request) -> None:
    await taking_back.answer_purposes(session, address, [], wording_version="p", now=LATER)


async def _withdraw(session: AsyncSession, address: Address, request: Request) -> None:
    await threads.withdraw(session, address, request.code, now=LATER)


Act = Callable[[AsyncSession, Address, Request], Awaitable[None]]


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (_stop, "stopped"),
        (_no_sharing, "consent"),
        (_no_service, "consent"),
        (_nothing_ticked, "consent"),
        (_withdraw, "request"),
    ],
)
@pytest.mark.parametrize("is_given", [False, True])
async def test_what_is_taken_back_ends_it(
    session: AsyncSession, act: Act, reason: str, is_given: bool
) -> None:
    _, request, referral, address = await (_given if is_given else _asked)(session)
    await act(session, address, request)
    assert referral.state == "ended"
    ended = next(e for e in await events_of(session, request) if e.kind == "referral_ended")
    assert ended.body is not None
    assert (ended.body["reason"], ended.body["was_given"]) == (reason, is_given)
    if reason != "request":
        assert request.state == "taken"
        assert request.due_at is not None, "staff must learn of it"


async def test_a_no_to_sharing_ends_what_was_agreed_to_after_an_earlier_no(
    session: AsyncSession,
) -> None:
    """It is said to somebody who presses "no" again: nothing is passed on any more."""
    visitor, request = await visit(session), await ask(session)
    address = await address_of(session, request)
    await consent.record(session, address, consent.SHARING, False, "p", now=FRIDAY - DAY)
    await begin(session, visitor, request, wanted(await make_agency(session), told=TOLD))
    await taking_back.answer_purpose(session, address, consent.SHARING, False, "p", now=LATER)
    assert (await only_referral(session)).state == "ended"
    [answer] = await session.scalars(select(Consent).where(Consent.purpose == consent.SHARING))
    assert answer.at == FRIDAY - DAY, "what is so already keeps its day"


async def test_stop_said_twice_lets_no_message_through(session: AsyncSession) -> None:
    """What ends counts as no words of theirs: those would lift the STOP for an answer."""
    _, request, _, address = await _given(session)
    wrote = request.last_person_at
    for _ in range(2):
        await taking_back.stop(session, address.id, now=LATER)
    assert request.last_person_at == wrote


async def test_a_yes_to_sharing_ends_nothing(session: AsyncSession) -> None:
    _, _, referral, address = await _asked(session)
    await taking_back.answer_purpose(session, address, consent.SHARING, True, "p", now=LATER)
    await taking_back.answer_purpose(session, address, consent.NEWS, False, "p", now=LATER)
    assert referral.state == "asked"


async def test_what_was_given_can_be_asked_back_after_it_is_done(session: AsyncSession) -> None:
    visitor, request, referral, address = await _given(session)
    await do(session, visitor, request, referral, "finish")
    [mine] = await own.list_own(session, address)
    assert mine.can_take_back
    assert (await own.answer(session, address, referral.id, False, now=LATER)).state == "ended"


async def test_a_sensitive_agency_has_no_name(session: AsyncSession) -> None:
    visitor, request = await visit(session), await ask(session)
    agency = await make_agency(session, is_sensitive=True)
    await begin(session, visitor, request, wanted(agency, told=TOLD))
    [mine] = await own.list_own(session, await address_of(session, request))
    assert (mine.agency("km"), mine.agency("en"), mine.purpose, mine.need) == (None,) * 4
    assert mine.shared == ("name", "phone", "need")


async def test_what_has_become_sensitive_is_not_asked_in_writing(session: AsyncSession) -> None:
    _, _, referral, address = await _asked(session)
    (await session.get_one(Agency, referral.agency_id)).is_sensitive = True
    await session.flush()
    [mine] = await own.list_own(session, address)
    assert not mine.can_answer


async def test_a_question_that_never_arrived_gives_the_turn_back(session: AsyncSession) -> None:
    _, request, _, _ = await _asked(session)
    row = (await session.scalars(select(OutboxRow))).one()
    row.state, row.updated_at = "undelivered", FRIDAY
    await session.flush()
    assert await undelivered.note_undelivered(session, FRIDAY + timedelta(minutes=1)) == 1
    assert request.state == "taken"
    assert request.due_at is not None


async def test_my_data_says_who_was_told_and_deleting_deletes_it(session: AsyncSession) -> None:
    _, _, referral, address = await _given(session)
    data = await my_data.collect(session, address)
    assert [each.id for each in data.referrals] == [referral.id]
    await my_data.delete_everything(session, address, now=LATER)
    assert (await session.scalars(select(Referral.id))).all() == []


async def test_every_step_of_the_person_is_audited(session: AsyncSession) -> None:
    _, request, referral, address = await _asked(session)
    await _answer(session, address, AGREE)
    await _answer(session, address, REFUSE)
    query = select(AuditRow).where(AuditRow.actor == "person").order_by(AuditRow.id)
    rows = [(row.action, row.subject_id, row.actor_id) for row in await session.scalars(query)]
    who, which = str(request.person_id), str(referral.id)
    assert rows == [("referral_agreed", which, who), ("referral_ended", which, who)]
