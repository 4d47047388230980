"""A hundred presses of "confirm" at once, by the whole way in: one registration."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy import func, select

from bot.channels.telegram_in import read_update
from bot.consumer import InboxConsumer
from bot.doors import Doors
from db.models import Person, Request
from services import inbox
from services.direct import direct_connection
from tests.dialogs.walk import question, stands, text_to, walk_to, words
from tests.people import Line
from tests.served_app import until


@contextlib.asynccontextmanager
async def consuming(line: Line) -> AsyncIterator[None]:
    """Two real consumers beside each other, as two processes would be."""
    stopping = asyncio.Event()
    consumers = [InboxConsumer(line.app.engine, line.conversation.handle) for _ in range(2)]
    async with asyncio.TaskGroup() as group:
        for consumer in consumers:
            group.create_task(consumer.run(stopping))
        yield
        stopping.set()


async def _all_handled(line: Line) -> bool:
    async with direct_connection(line.app.engine) as connection:
        assert not await connection.fetchval(
            "SELECT count(*) FROM inbox WHERE failed_at IS NOT NULL"
        )
        return await inbox.depth(connection) == 0


async def _count(line: Line, model: Any) -> int:
    async with line.app.new_session.begin() as session:
        return (await session.scalars(select(func.count()).select_from(model))).one()


async def test_a_hundred_presses_make_one_request(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:summary")
    data, summary = person.data_of(words(line, "button-confirm"))
    doors, messages = Doors(line.app), len(person.chat)
    updates = [person.press_update(data, summary) | {"update_id": n} for n in range(1000, 1100)]
    async with consuming(line):
        kept = [read_update(json.dumps(update).encode(), "1") for update in updates]
        await asyncio.gather(*(doors.keep(update) for update in kept if update))
        await until(lambda: _all_handled(line))
    assert await _count(line, Request) == 1
    assert await _count(line, Person) == 1
    assert question(line, "registration-purposes") in person.screen
    assert len(person.chat) == messages
    assert (await stands(person)).window == "Registration:purposes"


async def test_a_hundred_ones_by_sms_make_one_request(line: Line) -> None:
    """Every one after the first answers the window of the code, which has no options."""
    phone = await text_to(line.phone(), "Registration:summary")
    async with consuming(line):
        async with direct_connection(line.app.engine) as connection:
            for number in range(100):
                payload = {"MessageSid": f"SM{number}", "From": phone.number, "Body": "1"}
                body = json.dumps(payload).encode()
                await inbox.store(connection, "sms", f"SM{number}", phone.number, body)
        await until(lambda: _all_handled(line), 30.0)
    assert await _count(line, Request) == 1
    async with direct_connection(line.app.engine) as connection:
        answers = await connection.fetchval("SELECT count(*) FROM outbox")
    assert answers == 100
