import asyncio
from datetime import datetime, timedelta
from random import Random

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address, Request
from services import addresses, codes, requests
from tests.services.staff_chats import told_to, work_with_chat
from tests.support import Database


async def _address(session: AsyncSession, now: datetime, chat: str = "42") -> Address:
    return await addresses.get_or_create(session, "telegram", chat, now=now)


async def _event_kinds(session: AsyncSession, request: Request) -> list[str]:
    return [event.kind for event in await session.scalars(request.events.select())]


async def test_a_call_is_asked_for_with_a_code_to_say(session: AsyncSession, now: datetime) -> None:
    request = await requests.ask_for_call(session, await _address(session, now), now=now)
    assert codes.is_valid(request.code)
    assert (request.topic, request.state, request.urgency) == ("call", "new", "normal")
    assert (request.centre_id, request.person_id) == ("pursat", None)
    assert await _event_kinds(session, request) == ["opened"]


async def test_a_second_wish_within_ten_minutes_joins_the_first(
    session: AsyncSession, now: datetime
) -> None:
    address = await _address(session, now)
    first = await requests.ask_for_call(session, address, now=now)
    soon = now + timedelta(minutes=9)
    second = await requests.ask_for_call(session, address, now=soon)
    assert second.code == first.code
    assert await _event_kinds(session, first) == ["opened", "asked_again"]


async def test_an_urgent_wish_makes_the_first_urgent_and_says_not_why(
    session: AsyncSession, now: datetime
) -> None:
    await work_with_chat(session, now=now)
    address = await _address(session, now)
    first = await requests.ask_for_call(session, address, now=now)
    due_at = first.due_at
    soon = now + timedelta(minutes=9)
    second = await requests.ask_for_call(session, address, urgency="urgent", now=soon)
    assert second is first
    assert (first.urgency, await told_to(session, first)) == (
        "urgent",
        [("urgent", "worker", "Sok")],
    )
    assert due_at is not None
    assert first.due_at is not None
    assert first.due_at < due_at
    assert await _event_kinds(session, first) == ["opened", "asked_again"]
    again = await requests.ask_for_call(session, address, now=soon)
    assert (again.code, again.urgency) == (first.code, "urgent")


async def test_a_later_wish_or_one_after_it_was_taken_is_a_new_request(
    session: AsyncSession, now: datetime
) -> None:
    address = await _address(session, now)
    first = await requests.ask_for_call(session, address, now=now)
    later = now + timedelta(minutes=11)
    second = await requests.ask_for_call(session, address, now=later)
    second.state = "taken"
    third = await requests.ask_for_call(session, address, now=later)
    assert len({first.code, second.code, third.code}) == 3


async def test_many_presses_at_once_ask_for_one_call(db: Database, now: datetime) -> None:
    async with db.new_session.begin() as session:
        address = await _address(session, now)

    async def press() -> str:
        async with db.new_session.begin() as session:
            return (await requests.ask_for_call(session, address, now=now)).code

    assert len(set(await asyncio.gather(*(press() for _ in range(30))))) == 1


async def test_a_code_that_is_taken_is_drawn_again(
    session: AsyncSession, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = iter([*[codes.new_code(Random(1))] * 3, codes.new_code(Random(2))])
    monkeypatch.setattr(requests, "new_code", lambda: next(drawn))
    opened = [
        await requests.ask_for_call(session, await _address(session, now, chat), now=now)
        for chat in ("1", "2")
    ]
    assert opened[0].code != opened[1].code
    assert await session.scalar(select(func.count()).select_from(Request)) == 2
