"""Whether anything that the page of a request shows is not as it was.

An open page asks often, and most of the time nothing is: so this reads no words and opens nothing
that is sealed, and is not a look at anybody.
"""

import hashlib
from dataclasses import dataclass

from sqlalchemy import exists, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import File, OutboxRow, Request, RequestEvent
from services.accounts.types import Visitor
from services.acting import across_centres
from services.desk_requests.rights import get_readable
from services.errors import RequestNotFound
from services.threads.shown import SHOWN

# States of messages and of files that change without anybody being told.
_ON_THEIR_WAY = frozenset({"waiting", "sending"})
_ENDS_OR_BEGINS = ("done", "reopened")


@dataclass(frozen=True, slots=True)
class State:
    """`digest` differs when something has changed. With `is_moving` more will, and nobody tells."""

    digest: str
    is_moving: bool


async def find_state(session: AsyncSession, visitor: Visitor, code: str) -> State:
    """How the request stands now. Raises RequestNotFound once the visitor may not read it."""
    await get_readable(session, visitor, code)
    state = await look(session, code)
    if state is None:
        raise RequestNotFound
    return state


async def has_news(session: AsyncSession, visitor: Visitor, request: Request, since: int) -> bool:
    """Whether anything happened, after that event, that the visitor did not do.

    That a message has arrived or was read belongs to who wrote it. Who ended the request, or began
    it again, elsewhere is told of it: that takes forms away, or brings others.
    """
    is_others = RequestEvent.staff_id.is_distinct_from(visitor.staff_id)
    is_new = exists().where(
        RequestEvent.request_id == request.id,
        RequestEvent.id > since,
        RequestEvent.kind != SHOWN,
        is_others | RequestEvent.kind.in_(_ENDS_OR_BEGINS),
    )
    return bool(await session.scalar(select(is_new)))


async def is_deleted(session: AsyncSession, code: str) -> bool:
    """Whether no centre has it any more. Only who could read it may be told."""
    async with across_centres(session):
        return await session.scalar(select(Request.id).where(Request.code == code)) is None


async def look(session: AsyncSession, code: str) -> State | None:
    """The same, asking nobody whether they may; None when there is no such request.

    To be asked before what is shown is read: what changes in between is then told to the page,
    once more than needed at worst. Asked afterwards, it would never be told.
    """
    request_id = select(Request.id).where(Request.code == code).scalar_subquery()
    of_request = RequestEvent.request_id == request_id
    last_event = select(func.max(RequestEvent.id)).where(of_request).scalar_subquery()
    sent = (
        select(func.array_agg(aggregate_order_by(OutboxRow.state, RequestEvent.id)))
        .select_from(RequestEvent)
        .join(OutboxRow, OutboxRow.id == RequestEvent.outbox_id)
        .where(of_request)
        .scalar_subquery()
    )
    files = (
        select(func.array_agg(aggregate_order_by(File.state, File.id)))
        .where(File.request_id == request_id)
        .scalar_subquery()
    )
    query = select(
        Request.state, Request.urgency, Request.owner_id, Request.due_at, last_event, sent, files
    ).where(Request.code == code)
    found = (await session.execute(query)).one_or_none()
    if found is None:
        return None
    seen = repr(tuple(found)).encode()
    return State(
        digest=hashlib.sha256(seen).hexdigest()[:16],
        is_moving=not _ON_THEIR_WAY.isdisjoint([*(found[5] or ()), *(found[6] or ())]),
    )
