from datetime import datetime, timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import OutboxRow, Request
from services import follow_up, staff, threads, undelivered
from services import outbox as outbox_service
from tests.services.centre_at_work import (
    FRIDAY,
    PlainWords,
    events_of,
    hire,
    outbox,
    write_from,
)

WEEK = timedelta(days=7)
WORDS = PlainWords()


async def _finished(
    session: AsyncSession, outcome: str = "helped", *, asked_at: datetime | None = FRIDAY
) -> Request:
    """Done on Friday; the question goes out when it can."""
    me = await hire(session)
    request = await threads.talk(session, await write_from(session), "hello", now=FRIDAY)
    await threads.finish(session, request.code, outcome, staff=me, words=WORDS, now=FRIDAY)
    if asked_at is not None:
        await session.execute(update(OutboxRow).values(state="sent", sent_at=asked_at))
    return request


async def test_silence_opens_it_again_after_a_week(session: AsyncSession) -> None:
    request = await _finished(session)
    almost = FRIDAY + WEEK - timedelta(minutes=1)
    assert await follow_up.reopen_unanswered(session, almost) == 0
    assert await follow_up.reopen_unanswered(session, FRIDAY + WEEK) == 1
    assert (request.state, request.answer_by) == ("reopened", None)
    assert request.due_at is not None
    event = (await events_of(session, request))[-1]
    assert (event.kind, event.actor, event.body) == ("reopened", "system", {"reason": "no_answer"})
    assert await follow_up.reopen_unanswered(session, FRIDAY + 2 * WEEK) == 0


async def test_nobody_is_silent_before_the_question_has_gone_out(session: AsyncSession) -> None:
    request = await _finished(session, asked_at=None)
    assert await follow_up.reopen_unanswered(session, FRIDAY + 2 * WEEK) == 0
    sent_at = FRIDAY + timedelta(days=3)
    await session.execute(update(OutboxRow).values(state="delivered", sent_at=sent_at))
    assert await follow_up.reopen_unanswered(session, FRIDAY + WEEK) == 0
    assert await follow_up.reopen_unanswered(session, sent_at + WEEK) == 1
    assert request.state == "reopened"


@pytest.mark.parametrize("state", ["failed", "undelivered", "unreachable", "withheld"])
async def test_silence_means_nothing_before_it_is_noted_that_the_question_was_lost(
    session: AsyncSession, state: str
) -> None:
    request = await _finished(session)
    await session.execute(update(OutboxRow).values(state=state))
    assert await follow_up.reopen_unanswered(session, FRIDAY + 2 * WEEK) == 0
    me = await staff.get_by_name(session, "Sok")
    await threads.reopen(session, request.code, staff=me, now=FRIDAY)
    await threads.finish(session, request.code, "helped", staff=me, words=WORDS, now=FRIDAY)
    arrived = OutboxRow.state == "waiting"
    await session.execute(update(OutboxRow).where(arrived).values(state="sent", sent_at=FRIDAY))
    assert await follow_up.reopen_unanswered(session, FRIDAY + 2 * WEEK) == 1


async def test_whoever_said_that_help_came_is_left_in_peace(session: AsyncSession) -> None:
    request = await _finished(session)
    address = await write_from(session)
    await threads.confirm_help(session, address, request.code, True, now=FRIDAY)
    assert await follow_up.reopen_unanswered(session, FRIDAY + WEEK) == 0
    assert request.confirmed_at == FRIDAY


async def test_whoever_could_not_be_reached_is_not_expected_to_answer(
    session: AsyncSession,
) -> None:
    request = await _finished(session, "not_reached")
    assert await follow_up.reopen_unanswered(session, FRIDAY + 2 * WEEK) == 0
    assert request.state == "done"


async def test_help_that_came_may_be_said_after_silence_had_opened_it(
    session: AsyncSession,
) -> None:
    request = await _finished(session)
    await follow_up.reopen_unanswered(session, FRIDAY + WEEK)
    address = await write_from(session)
    await threads.confirm_help(session, address, request.code, True, now=FRIDAY + WEEK)
    assert (request.state, request.due_at) == ("done", None)
    assert request.confirmed_at is not None


async def _asked_for_the_morning(session: AsyncSession) -> Request:
    """Done in the evening: the question waits until eight."""
    me = await hire(session)
    evening = FRIDAY + timedelta(hours=12)
    request = await threads.talk(session, await write_from(session), "hello", now=FRIDAY)
    done = await threads.finish(session, request.code, "helped", staff=me, words=WORDS, now=evening)
    assert done.not_before is not None
    return request


@pytest.mark.parametrize("how", ["wrote", "reopened", "withdrew", "confirmed", "not helped"])
async def test_a_question_that_still_waits_goes_with_its_reason(
    session: AsyncSession, how: str
) -> None:
    request = await _asked_for_the_morning(session)
    address, code = await write_from(session), request.code
    night = FRIDAY + timedelta(hours=13)
    match how:
        case "wrote":
            await threads.write_to_request(session, address, code, "and this?", now=night)
        case "reopened" | "withdrew":
            sok = await staff.get_by_name(session, "Sok")
            await threads.reopen(session, code, staff=sok, now=night)
        case _:
            await threads.confirm_help(session, address, code, how == "confirmed", now=night)
    if how == "withdrew":
        await threads.withdraw(session, address, code, now=night)
    (row,) = await outbox(session)
    assert (row.state, row.error_code) == ("withheld", "overtaken")
    # It was meant to be so: nobody needs to look after it.
    assert await undelivered.note_undelivered(session, night) == 0
    assert await outbox_service.list_unsent(session) == []


async def test_a_reply_on_its_way_is_not_ended_by_what_comes_meanwhile(
    session: AsyncSession,
) -> None:
    me, address = await hire(session), await write_from(session)
    request = await threads.talk(session, address, "hello", now=FRIDAY)
    await threads.reply(session, request.code, "hello", staff=me, words=WORDS, now=FRIDAY)
    await threads.talk(session, address, "hello?", now=FRIDAY)
    assert [row.state for row in await outbox(session)] == ["waiting"]


async def test_a_late_yes_closes_nothing_that_the_person_wrote_about_since(
    session: AsyncSession,
) -> None:
    request = await _finished(session)
    address, later = await write_from(session), FRIDAY + timedelta(hours=1)
    await threads.write_to_request(session, address, request.code, "not yet!", now=later)
    await threads.confirm_help(session, address, request.code, True, now=later)
    assert (request.state, request.confirmed_at) == ("reopened", None)
    assert request.due_at is not None
