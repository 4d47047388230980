"""A reply that never arrives is none: the clock runs again, and nobody is waited for in vain."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address, OutboxRow, Request, Staff
from services import escalation, follow_up, threads, undelivered
from tests.services.centre_at_work import (
    FRIDAY,
    PlainWords,
    events_of,
    hire,
    kinds_of,
    outbox,
    write_from,
)
from tests.support import Database

WORDS = PlainWords()
SOON = FRIDAY + timedelta(minutes=10)
LATER = FRIDAY + timedelta(days=1)
UNSENT = ("failed", "undelivered", "unreachable", "withheld")


async def _replied(session: AsyncSession) -> tuple[Request, Staff]:
    """The centre has answered, and looks at something else now."""
    me = await hire(session)
    request = await threads.talk(session, await write_from(session), "hello", now=FRIDAY)
    await threads.reply(session, request.code, "Yes.", staff=me, words=WORDS, now=SOON)
    assert request.due_at is None
    return request, me


async def _end(session: AsyncSession, state: str, outbox_id: int | None = None) -> None:
    """What became of a message, or of all of them."""
    await session.flush()
    ended = update(OutboxRow).values(state=state, updated_at=LATER)
    if outbox_id is not None:
        ended = ended.where(OutboxRow.id == outbox_id)
    await session.execute(ended)


@pytest.mark.parametrize("state", UNSENT)
async def test_a_reply_that_never_arrives_is_due_again(session: AsyncSession, state: str) -> None:
    request, me = await _replied(session)
    due_before = datetime.fromisoformat("2026-11-26T09:30:00+07:00")
    await _end(session, state)
    assert await undelivered.note_undelivered(session, LATER) == 1
    assert (request.state, request.owner_id) == ("taken", me.id)
    assert request.due_at == request.climb_at == due_before, "the person has waited all the while"
    event = (await events_of(session, request))[-1]
    assert (event.kind, event.internal, event.actor) == ("not_delivered", True, "system")
    thread = await threads.get_thread(session, request.code)
    shown = {"undelivered": "failed"}.get(state, state)
    assert [one.delivery for one in thread.events[-2:]] == [shown, None]
    assert await escalation.climb(session, due_before) == 1
    assert request.climbed_to == "owner"


async def test_it_is_noted_once(session: AsyncSession) -> None:
    request, _ = await _replied(session)
    await _end(session, "failed")
    assert await undelivered.note_undelivered(session, LATER) == 1
    assert await undelivered.note_undelivered(session, LATER) == 0
    assert (await kinds_of(session, request)).count("not_delivered") == 1


@pytest.mark.parametrize("state", ["waiting", "sending", "sent", "delivered", "uncertain"])
async def test_what_may_have_arrived_is_left_alone(session: AsyncSession, state: str) -> None:
    request, _ = await _replied(session)
    await _end(session, state)
    assert await undelivered.note_undelivered(session, LATER) == 0
    assert request.due_at is None


async def test_who_never_got_a_question_is_not_waited_for(session: AsyncSession) -> None:
    request, me = await _replied(session)
    await threads.wait_for_person(session, request.code, staff=me, now=SOON)
    await _end(session, "unreachable")
    await undelivered.note_undelivered(session, LATER)
    assert (request.state, request.owner_id) == ("taken", me.id)
    assert request.due_at is not None


async def test_a_clock_that_runs_again_already_is_left_alone(session: AsyncSession) -> None:
    request, _ = await _replied(session)
    address = await session.get_one(Address, request.address_id)
    await threads.write_to_request(session, address, request.code, "well?", now=LATER)
    due_at = request.due_at
    await _end(session, "failed")
    await undelivered.note_undelivered(session, LATER)
    assert request.due_at == due_at


async def test_nothing_starts_for_who_withdrew(session: AsyncSession) -> None:
    request, _ = await _replied(session)
    address = await session.get_one(Address, request.address_id)
    await threads.withdraw(session, address, request.code, now=SOON)
    await _end(session, "failed")
    assert await undelivered.note_undelivered(session, LATER) == 1
    assert (request.state, request.due_at) == ("withdrawn", None)


@pytest.mark.parametrize("state", UNSENT)
async def test_silence_means_nothing_of_who_was_never_asked(
    session: AsyncSession, state: str
) -> None:
    request, me = await _replied(session)
    await _end(session, "delivered")
    await threads.finish(session, request.code, "helped", staff=me, words=WORDS, now=SOON)
    (_, question) = await outbox(session)
    await _end(session, state, question.id)
    assert await undelivered.note_undelivered(session, LATER) == 1
    assert (request.state, request.answer_by, request.due_at) == ("done", None, None)
    assert await follow_up.reopen_unanswered(session, FRIDAY + timedelta(days=60)) == 0


async def test_an_earlier_question_that_was_lost_leaves_the_later_one(
    session: AsyncSession,
) -> None:
    request, me = await _replied(session)
    await threads.finish(session, request.code, "helped", staff=me, words=WORDS, now=SOON)
    await _end(session, "sent")
    await threads.reopen(session, request.code, staff=me, now=SOON)
    await threads.finish(session, request.code, "informed", staff=me, words=WORDS, now=SOON)
    (_, first, _) = await outbox(session)
    await _end(session, "undelivered", first.id)
    assert await undelivered.note_undelivered(session, LATER) == 1
    assert request.answer_by is not None


async def test_what_somebody_is_changing_waits_for_the_next_run(db: Database) -> None:
    async with db.new_session.begin() as session:
        request, me = await _replied(session)
        await _end(session, "failed")
    async with db.new_session.begin() as busy:
        await threads.add_note(busy, request.code, "phoned", staff=me, now=SOON)
        async with db.new_session.begin() as session:
            assert await undelivered.note_undelivered(session, LATER) == 0
    async with db.new_session.begin() as session:
        assert await undelivered.note_undelivered(session, LATER) == 1
