from datetime import datetime, timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Centre, Request
from services import escalation, staff, threads
from services.office_hours import CAMBODIA
from tests.services.centre_at_work import FRIDAY, PlainWords, events_of, hire, write_from
from tests.support import Database

LATER = FRIDAY + timedelta(minutes=10)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=CAMBODIA)


async def _asked(session: AsyncSession, urgency: str = "normal") -> Request:
    """Written on Friday at nine; Monday to Wednesday the centre is closed."""
    request = await threads.talk(session, await write_from(session), "hello", now=FRIDAY)
    if urgency != "normal":
        me = await hire(session, "Admin", "administrator", None)
        await threads.set_urgency(session, request.code, urgency, staff=me, now=FRIDAY)
    return request


async def _levels(session: AsyncSession, request: Request) -> list[str]:
    events = [event for event in await events_of(session, request) if event.kind == "overdue"]
    assert all(event.internal and event.actor == "system" for event in events)
    return [event.body["to"] for event in events if event.body]


async def test_what_nobody_took_climbs_past_the_owner_it_has_not(session: AsyncSession) -> None:
    request = await _asked(session)
    assert request.due_at == at(26, 9, 30)
    assert await escalation.climb(session, at(26, 9, 29)) == 0
    assert await escalation.climb(session, at(26, 9, 31)) == 1
    assert (request.climbed_to, request.climb_at) == ("manager", at(26, 15, 1))
    assert await escalation.climb(session, at(26, 15, 0)) == 0
    assert await escalation.climb(session, at(26, 15, 2)) == 1
    assert (request.climbed_to, request.climb_at) == ("administrator", None)
    assert await escalation.climb(session, at(30, 9)) == 0
    assert await _levels(session, request) == ["manager", "administrator"]


async def test_the_owner_is_the_first_to_learn(session: AsyncSession) -> None:
    request, me = await _asked(session, "urgent"), await hire(session)
    await threads.take(session, request.code, staff=me, now=LATER)
    for day, hour in ((20, 11), (20, 15), (20, 16)):
        await escalation.climb(session, at(day, hour))
    assert await _levels(session, request) == ["owner", "manager", "administrator"]


async def test_an_owner_who_has_left_learns_nothing(session: AsyncSession) -> None:
    request, me = await _asked(session), await hire(session)
    await threads.take(session, request.code, staff=me, now=LATER)
    await staff.end(session, me, now=LATER)
    await escalation.climb(session, at(26, 10))
    assert await _levels(session, request) == ["manager"]


@pytest.mark.parametrize("act", ["reply", "wait", "finish", "withdraw"])
async def test_what_is_answered_or_over_does_not_climb(session: AsyncSession, act: str) -> None:
    request, me = await _asked(session), await hire(session)
    code, words = request.code, PlainWords()
    match act:
        case "reply":
            await threads.reply(session, code, "Yes", staff=me, words=words, now=LATER)
        case "wait":
            await threads.wait_for_others(session, code, staff=me, now=LATER)
        case "finish":
            await threads.finish(session, code, "helped", staff=me, words=words, now=LATER)
        case "withdraw":
            await threads.withdraw(session, await write_from(session), code, now=LATER)
    assert await escalation.climb(session, at(30, 9)) == 0


async def test_only_so_many_climb_at_once_the_longest_overdue_first(session: AsyncSession) -> None:
    for chat in ("1", "2", "3"):
        await threads.talk(session, await write_from(session, chat), "hello", now=FRIDAY)
    assert await escalation.climb(session, at(26, 10), limit=2) == 2
    assert await escalation.climb(session, at(26, 10), limit=2) == 1


async def test_hours_that_cannot_be_stop_nobodys_clock(session: AsyncSession) -> None:
    request = await _asked(session)
    for hours in ({"mon": [["08:00", "25:00"]]}, ["mon"]):
        await session.execute(update(Centre).values(hours=hours))
        session.expire_all()
        await threads.talk(session, await write_from(session, "9"), "hello", now=FRIDAY)
    assert await escalation.climb(session, at(26, 10)) == 2
    await session.refresh(request)
    assert request.climbed_to == "manager"


async def test_what_somebody_is_changing_waits_for_the_next_run(db: Database) -> None:
    async with db.new_session.begin() as session:
        request, me = await _asked(session), await hire(session)
    async with db.new_session.begin() as busy:
        await threads.take(busy, request.code, staff=me, now=LATER)
        async with db.new_session.begin() as session:
            assert await escalation.climb(session, at(26, 10)) == 0
    async with db.new_session.begin() as session:
        assert await escalation.climb(session, at(26, 10)) == 1
