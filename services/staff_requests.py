"""What becomes of requests whose owner sees them no more: who leaves, or works elsewhere now.

A request that belongs to somebody who cannot see it waits for nobody, and no clock helps it: its
owner is told, who is not there.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import OPEN_STATES, ReplyDraft, Request, Staff
from services import audit, requests
from services.acting import across_centres
from services.due_times import get_due
from services.errors import NotAllowed
from services.giving import can_sign_in, works_at_its_centre
from services.staff_cards import telling

GIVEN_BACK = "given_back"


async def count_open(session: AsyncSession, person: Staff) -> int:
    """How many open requests they answer for, at whatever centre."""
    async with across_centres(session):
        counted = await session.scalar(
            select(func.count()).where(Request.owner_id == person.id, _is_open())
        )
    return counted or 0


async def hold_owned(session: AsyncSession, person: Staff) -> None:
    """Keep others from changing their open requests, before the person is held.

    In this order, since whoever acts on a request holds it first and then asks who they are.
    """
    async with across_centres(session):
        for code in await _list_codes(session, person, true()):
            await requests.hold(session, code)


async def release(
    session: AsyncSession, person: Staff, to: Staff | None, *, by: UUID | None, now: datetime
) -> int:
    """Give what they may not see any more to a colleague, or else back to its centre.

    What they were writing to these goes. Returns how many open ones that were. Closed ones only
    lose their owner: if one is opened again, anybody takes it. Raises NotAllowed for a colleague
    who may not have one of them, or cannot sign in.
    """
    hidden = _hidden_from(person)
    async with across_centres(session):
        codes = await _list_codes(session, person, hidden)
        if codes and to is not None and not await can_sign_in(session, to):
            raise NotAllowed
        for code in codes:
            await _pass_on(session, code, to, by=by, now=now)
        of_theirs = ReplyDraft.staff_id == person.id
        of_hidden = ReplyDraft.request_id.in_(select(Request.id).where(hidden))
        await session.execute(delete(ReplyDraft).where(of_theirs, of_hidden))
        await session.execute(
            update(Request)
            .where(Request.owner_id == person.id, hidden)
            .values(owner_id=None)
            .execution_options(synchronize_session="fetch")
        )
    return len(codes)


async def _pass_on(
    session: AsyncSession, code: str, to: Staff | None, *, by: UUID | None, now: datetime
) -> None:
    request = await requests.hold(session, code)
    if to is None:
        due = await get_due(session, request.centre_id)
        request.give_back(by=by, now=now, due=due)
    elif works_at_its_centre(to, request):
        request.assign(to.id, by=by, now=now)
    else:
        raise NotAllowed
    await telling.tell_urgent(session, request, by=by, now=now)
    action, fields = GIVEN_BACK if to is None else "assigned", ("owner_id", "state")
    await audit.record_by(session, by, action, "request", request.id, fields=fields, now=now)


def _hidden_from(person: Staff) -> ColumnElement[bool]:
    """The requests that they may not see in their present role."""
    if person.ended_at is not None or person.role == "auditor":
        return true()
    return Request.centre_id != person.centre_id if person.centre_id else ~true()


def _is_open() -> ColumnElement[bool]:
    return Request.state.in_(OPEN_STATES)


async def _list_codes(
    session: AsyncSession, person: Staff, which: ColumnElement[bool]
) -> Sequence[str]:
    query = (
        select(Request.code)
        .where(Request.owner_id == person.id, _is_open(), which)
        .order_by(Request.id)
    )
    return (await session.scalars(query)).all()
