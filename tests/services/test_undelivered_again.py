"""What failed, was tried again and arrived leaves its request as if it had arrived at once."""

from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address, OutboxRow, Request, Staff
from services import escalation, follow_up, threads, undelivered
from tests.services.centre_at_work import FRIDAY, PlainWords, hire, kinds_of, write_from
from tests.services.centre_at_work import outbox as rows_of

WORDS = PlainWords()
SOON = FRIDAY + timedelta(minutes=10)
LATER = FRIDAY + timedelta(days=1)
MUCH_LATER = FRIDAY + timedelta(days=7)


async def _replied(session: AsyncSession) -> tuple[Request, Staff]:
    me = await hire(session)
    request = await threads.talk(session, await write_from(session), "hello", now=FRIDAY)
    await threads.reply(session, request.code, "Yes.", staff=me, words=WORDS, now=SOON)
    return request, me


async def _end(session: AsyncSession, state: str, row: OutboxRow, at: datetime = LATER) -> None:
    await session.flush()
    ended = update(OutboxRow).where(OutboxRow.id == row.id)
    await session.execute(ended.values(state=state, sent_at=at, updated_at=at))


async def _fail(session: AsyncSession, request: Request, row: OutboxRow) -> None:
    await _end(session, "failed", row)
    assert await undelivered.note_undelivered(session, LATER) == 1
    await session.refresh(request)


async def _try_again(session: AsyncSession, request: Request, row: OutboxRow) -> None:
    assert await undelivered.try_again(session, [row.id], LATER) == {row.id}
    await session.refresh(request)


async def test_a_reply_that_arrives_in_the_end_is_an_answer(session: AsyncSession) -> None:
    request, me = await _replied(session)
    (row,) = await rows_of(session)
    await _fail(session, request, row)
    assert request.due_at is not None
    assert await escalation.climb(session, MUCH_LATER) == 1
    await _try_again(session, request, row)
    await _end(session, "sent", row, MUCH_LATER)
    assert await undelivered.note_undelivered(session, MUCH_LATER) == 0
    assert (request.state, request.owner_id, request.last_staff_at) == ("taken", me.id, SOON)
    assert (request.due_at, request.climb_at, request.climbed_to) == (None, None, None)
    assert (await kinds_of(session, request))[-1] == "sent_again"


async def test_one_that_fails_again_is_due_again(session: AsyncSession) -> None:
    request, _ = await _replied(session)
    (row,) = await rows_of(session)
    await _fail(session, request, row)
    due_at = request.due_at
    for _ in range(2):
        await _try_again(session, request, row)
        assert request.due_at is None
        await _fail(session, request, row)
        assert request.due_at == due_at
        assert await undelivered.note_undelivered(session, LATER) == 0


async def test_one_of_unknown_fate_that_is_found_to_have_arrived_is_an_answer(
    session: AsyncSession,
) -> None:
    """Also at the second try: the carrier is asked, and answers later."""
    request, _ = await _replied(session)
    (row,) = await rows_of(session)
    await _fail(session, request, row)
    await _try_again(session, request, row)
    for state in ("uncertain", "sent", "delivered"):
        await _end(session, state, row, MUCH_LATER)
        assert await undelivered.note_undelivered(session, MUCH_LATER) == 0
        await session.refresh(request)
        assert (request.state, request.due_at) == ("taken", None)


async def test_what_the_person_wrote_since_waits_all_the_same(session: AsyncSession) -> None:
    request, _ = await _replied(session)
    (row,) = await rows_of(session)
    await _fail(session, request, row)
    due_at = request.due_at
    address = await session.get_one(Address, request.address_id)
    await threads.write_to_request(session, address, request.code, "?", now=LATER)
    await _try_again(session, request, row)
    assert request.due_at == request.climb_at == due_at


async def test_what_staff_did_since_stays(session: AsyncSession) -> None:
    request, me = await _replied(session)
    (row,) = await rows_of(session)
    await _fail(session, request, row)
    await threads.wait_for_others(session, request.code, staff=me, now=LATER)
    await _try_again(session, request, row)
    assert (request.state, request.due_at) == ("waiting_others", None)
    await threads.go_on(session, request.code, staff=me, now=MUCH_LATER)
    assert request.due_at is not None


async def test_tried_again_before_anybody_noted_it_it_was_never_lost(
    session: AsyncSession,
) -> None:
    request, _ = await _replied(session)
    (row,) = await rows_of(session)
    await _end(session, "failed", row)
    kinds = await kinds_of(session, request)
    await _try_again(session, request, row)
    assert await kinds_of(session, request) == kinds
    assert request.due_at is None


async def _asked(session: AsyncSession, outcome: str) -> tuple[Request, OutboxRow]:
    request, me = await _replied(session)
    (reply,) = await rows_of(session)
    await _end(session, "sent", reply)
    await threads.finish(session, request.code, outcome, staff=me, words=WORDS, now=SOON)
    question = (await rows_of(session))[-1]
    await _fail(session, request, question)
    assert request.answer_by is None
    return request, question


async def test_a_question_that_arrives_in_the_end_waits_its_time_from_then(
    session: AsyncSession,
) -> None:
    request, question = await _asked(session, "helped")
    await _try_again(session, request, question)
    assert await follow_up.reopen_unanswered(session, FRIDAY + timedelta(days=900)) == 0
    await _end(session, "delivered", question, arrived := request.answer_by or LATER)
    early, due = (arrived + follow_up.ANSWER_WITHIN + timedelta(hours=by) for by in (-1, 1))
    assert await follow_up.reopen_unanswered(session, early) == 0
    assert await follow_up.reopen_unanswered(session, due) == 1
    assert request.state == "reopened"


async def test_who_could_not_be_reached_is_waited_for_no_more(session: AsyncSession) -> None:
    request, question = await _asked(session, "not_reached")
    await _try_again(session, request, question)
    assert (request.state, request.answer_by) == ("done", None)


async def test_when_it_first_went_out_is_forgotten(session: AsyncSession) -> None:
    """What is weighed by when it came, such as a short answer to it, counts from the last time."""
    request, _ = await _replied(session)
    (row,) = await rows_of(session)
    await _fail(session, request, row)
    await _try_again(session, request, row)
    await session.refresh(row)
    assert (row.state, row.sent_at) == ("waiting", None)
