"""Ringing somebody up, and what came of it."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from services import threads
from services.errors import MoveNotAllowed, UnknownOutcome
from tests.services.centre_at_work import FRIDAY, events_of, hire, write_from

LATER = FRIDAY + timedelta(hours=1)


@pytest.mark.parametrize("result", ["not_reached", "wrong_number", "reached"])
async def test_only_who_was_reached_waits_no_more(session: AsyncSession, result: str) -> None:
    me = await hire(session)
    request = await threads.talk(session, await write_from(session), "call me", now=FRIDAY)
    due_at = request.due_at
    await threads.note_call(session, request.code, result, staff=me, now=LATER)
    event = (await events_of(session, request))[-1]
    body = {"result": result, "owner": str(me.id)}
    assert (event.kind, event.internal, event.body) == ("called", True, body)
    assert (request.state, request.owner_id) == ("taken", me.id)
    is_reached = result == "reached"
    assert request.due_at == (None if is_reached else due_at)
    assert request.last_staff_at == (LATER if is_reached else None)


async def test_a_call_that_cannot_be_noted(session: AsyncSession) -> None:
    me, address = await hire(session), await write_from(session)
    request = await threads.talk(session, address, "call me", now=FRIDAY)
    with pytest.raises(UnknownOutcome):
        await threads.note_call(session, request.code, "busy", staff=me, now=LATER)
    await threads.withdraw(session, address, request.code, now=LATER)
    with pytest.raises(MoveNotAllowed):
        await threads.note_call(session, request.code, "reached", staff=me, now=LATER)
