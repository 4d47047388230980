"""The staff of the centre, for tests that walk like a person who is answered."""

import json
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from bot.message_words import CatalogueWords
from db.models import File, OutboxRow, Request, RequestEvent, Staff
from services import staff, threads
from tests.people import NOW, Line

WORDS = CatalogueWords()


async def hire(line: Line) -> Staff:
    async with line.app.new_session.begin() as session:
        found = await staff.find_by_name(session, "Theary")
        return found or await staff.add(session, "Theary", "administrator", None, now=NOW)


async def only_code(line: Line, topic: str = "talk") -> str:
    """The code of the one request of this topic."""
    async with line.app.new_session.begin() as session:
        query = select(Request.code).where(Request.topic == topic)
        return (await session.scalars(query)).one()


async def state_of(line: Line, code: str) -> str:
    async with line.app.new_session.begin() as session:
        return (await session.scalars(select(Request.state).where(Request.code == code))).one()


async def said_in(line: Line, code: str) -> list[str]:
    """What the person wrote to this request, oldest first."""
    query = (
        select(RequestEvent)
        .join(Request, Request.id == RequestEvent.request_id)
        .where(Request.code == code, RequestEvent.actor == "person")
        .order_by(RequestEvent.id)
    )
    async with line.app.new_session.begin() as session:
        events = (await session.scalars(query)).all()
    return [event.body["text"] for event in events if event.body and "text" in event.body]


async def kinds_said(line: Line, code: str) -> list[str]:
    """How the person answered whether help came: the kinds of these events, oldest first."""
    query = (
        select(RequestEvent.kind)
        .join(Request, Request.id == RequestEvent.request_id)
        .where(Request.code == code, RequestEvent.actor == "person")
        .where(RequestEvent.kind.in_(("confirmed", "not_confirmed", "reopened")))
        .order_by(RequestEvent.id)
    )
    async with line.app.new_session.begin() as session:
        return list(await session.scalars(query))


async def files_of(line: Line, code: str) -> list[tuple[str, str]]:
    """(kind, the carrier's name) of the files of this request."""
    query = select(File).join(Request, Request.id == File.request_id).where(Request.code == code)
    async with line.app.new_session.begin() as session:
        files = (await session.scalars(query)).all()
    return sorted((file.kind, file.source or "") for file in files)


async def reply(line: Line, code: str, text: str) -> None:
    by = await hire(line)
    async with line.app.new_session.begin() as session:
        await threads.reply(session, code, text, staff=by, words=WORDS, now=NOW)


async def finish(line: Line, code: str, outcome: str = "helped") -> None:
    by = await hire(line)
    async with line.app.new_session.begin() as session:
        await threads.take(session, code, staff=by, now=NOW)
        await threads.finish(session, code, outcome, staff=by, words=WORDS, now=NOW)


async def deliver(line: Line, state: str = "sent") -> str:
    """Everything that waits is sent, a minute from now; the carrier's id of the last message."""
    line.clock += timedelta(minutes=1)
    waiting = select(OutboxRow.id).where(OutboxRow.state == "waiting").order_by(OutboxRow.id)
    provider_id = ""
    async with line.app.new_session.begin() as session:
        for row_id in (await session.scalars(waiting)).all():
            provider_id = str(next(line.memory.numbers))
            sent = {
                "state": state,
                "sent_at": line.clock,
                "updated_at": line.clock,
                "provider_id": provider_id,
            }
            await session.execute(update(OutboxRow).where(OutboxRow.id == row_id).values(sent))
    line.clock += timedelta(minutes=1)
    return provider_id


async def last_sent(line: Line) -> dict[str, Any]:
    """The body of the message that was promised last."""
    async with line.app.new_session.begin() as session:
        rows = await session.scalars(select(OutboxRow.body).order_by(OutboxRow.id.desc()).limit(1))
        body = rows.one()
    assert body is not None
    sent: dict[str, Any] = json.loads(line.app.keyring.decrypt(body))
    return sent
