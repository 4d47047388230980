"""What the person and the centre see of a request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, case, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from db.models import (
    OPEN_STATES,
    Address,
    Centre,
    File,
    OutboxRow,
    Request,
    RequestEvent,
    Staff,
)
from services import requests
from services.errors import RequestNotFound
from services.outbox import OVERTAKEN, UNSENT
from services.threads.reaching import Ways, find_ways
from services.threads.shown import was_shown

STAGES = {
    "new": "received",
    "taken": "in_progress",
    "waiting_person": "waiting_you",
    "waiting_others": "waiting_others",
    "done": "done",
    "reopened": "reopened",
    "withdrawn": "withdrawn",
}
CONFIRMED = "confirmed"
MOST_EVENTS = 500
_STAFF_MESSAGE = "staff_message"
_WRITTEN = (_STAFF_MESSAGE, "done")
# A message of their own told of these.
_CARRIED = ("referral_asked", "referral_given", "handed_over")
WITHHELD = "withheld"
_READ = "read"
# By the state of its outbox row; "uncertain" may have arrived.
_DELIVERY = {
    "waiting": "waiting",
    "sending": "waiting",
    "sent": "sent",
    "delivered": "delivered",
    "uncertain": "uncertain",
    "undelivered": "failed",
    "failed": "failed",
    "unreachable": "unreachable",
    "withheld": WITHHELD,
    OVERTAKEN: OVERTAKEN,
}


@dataclass(frozen=True, slots=True)
class FromCentre:
    """What the centre wrote; `delivery` as in `ThreadEvent`.

    What `is_waiting` could not be sent, nor has the person been shown it.
    """

    event_id: int
    text: str = field(repr=False)
    at: datetime
    delivery: str | None
    is_waiting: bool


@dataclass(frozen=True, slots=True)
class MyRequest:
    """A request as its person sees it.

    `stage` is one of received, in_progress, waiting_you, waiting_others, done, confirmed, reopened,
    withdrawn. `due_at` is until when the centre wants to answer, None while it is not its turn.
    `from_centre` is what the centre wrote since the person did and what waits, oldest first; at
    least the last.
    """

    code: str
    topic: str
    state: str
    stage: str
    owner_name: str | None
    centre_id: str
    centre_name_km: str
    centre_name_en: str
    due_at: datetime | None
    created_at: datetime
    from_centre: Sequence[FromCentre]
    can_write: bool
    can_withdraw: bool
    can_confirm: bool


@dataclass(frozen=True, slots=True)
class ThreadEvent:
    """One event as staff see it.

    `delivery` of what was written to the person: waiting, sent, delivered, uncertain (it may have
    arrived), failed, unreachable, withheld, overtaken (withheld since nobody needed it any more),
    or read: shown instead. None for anything else, and for what is long gone. What waits goes out
    at `held_until` at the soonest, which may be past.
    """

    kind: str
    at: datetime
    actor: str
    staff_id: UUID | None
    staff_name: str | None
    internal: bool
    text: str | None = field(repr=False)
    body: Mapping[str, Any] = field(repr=False)
    delivery: str | None
    held_until: datetime | None
    file_id: UUID | None
    file_kind: str | None
    file_state: str | None
    file_reason: str | None


@dataclass(frozen=True, slots=True)
class Thread:
    """A request with what happened to it, oldest first; `left_out` events are older than these."""

    request: Request
    ways: Ways
    owner_name: str | None
    events: Sequence[ThreadEvent]
    left_out: int


async def list_mine(
    session: AsyncSession, address: Address, *, limit: int = 50
) -> Sequence[MyRequest]:
    """The person's own requests, newest first."""
    return await _read_mine(session, requests.own_requests(address), limit)


async def get_mine(session: AsyncSession, address: Address, code: str) -> MyRequest:
    """One of them. Raises RequestNotFound."""
    own = requests.own_requests(address) & (Request.code == code)
    found = await _read_mine(session, own, 1)
    if not found:
        raise RequestNotFound
    return found[0]


async def get_thread(session: AsyncSession, code: str, *, most: int = MOST_EVENTS) -> Thread:
    """The thread's latest events, for staff. Raises RequestNotFound."""
    query = (
        select(Request, Staff)
        .outerjoin(Staff, Staff.id == Request.owner_id)
        .where(Request.code == code)
        .execution_options(populate_existing=True)
    )
    found = (await session.execute(query)).one_or_none()
    if found is None:
        raise RequestNotFound
    request, owner = found
    events = await _list_events(session, request, most)
    return Thread(
        request=request,
        ways=await find_ways(session, request),
        owner_name=None if owner is None else owner.name,
        events=events,
        left_out=await _count_events(session, request) - len(events) if len(events) == most else 0,
    )


async def has_unsent_answers(session: AsyncSession, address: Address, since: datetime) -> bool:
    """Whether something that the centre wrote since then has not come to this person at all."""
    query = (
        select(RequestEvent.body, OutboxRow.state)
        .join(Request, Request.id == RequestEvent.request_id)
        .outerjoin(OutboxRow, OutboxRow.id == RequestEvent.outbox_id)
        .where(
            requests.own_requests(address),
            RequestEvent.kind == _STAFF_MESSAGE,
            (RequestEvent.at >= since) | (OutboxRow.updated_at >= since),
            RequestEvent.outbox_id.is_(None) | OutboxRow.state.in_(UNSENT),
            ~was_shown(),
        )
    )
    return any(
        state is not None or WITHHELD in (body or {})
        for body, state in await session.execute(query)
    )


async def list_last_deliveries(
    session: AsyncSession, request_ids: Sequence[int]
) -> dict[int, str | None]:
    """What became of the centre's last message of each request, as in `ThreadEvent`.

    The question whether help came is one too; "read" is what the person was shown instead.
    """
    latest = (
        select(func.max(RequestEvent.id))
        .where(
            RequestEvent.request_id.in_(request_ids),
            (RequestEvent.kind == _STAFF_MESSAGE) | RequestEvent.outbox_id.is_not(None),
            RequestEvent.kind.in_(_WRITTEN),
        )
        .group_by(RequestEvent.request_id)
    )
    query = (
        select(RequestEvent, _outbox_state(), was_shown())
        .outerjoin(OutboxRow, OutboxRow.id == RequestEvent.outbox_id)
        .where(RequestEvent.id.in_(latest))
    )
    return {
        event.request_id: _delivery_of(event, state, was_read=was_read)
        for event, state, was_read in await session.execute(query)
    }


async def _count_events(session: AsyncSession, request: Request) -> int:
    of_request = RequestEvent.request_id == request.id
    query = select(func.count()).select_from(RequestEvent).where(of_request)
    return await session.scalar(query) or 0


async def _list_events(session: AsyncSession, request: Request, most: int) -> list[ThreadEvent]:
    """The latest ones, oldest first."""
    query = (
        select(
            RequestEvent,
            _outbox_state(),
            OutboxRow.not_before,
            was_shown(),
            Staff,
            File.kind,
            File.state,
            File.reason,
        )
        .outerjoin(OutboxRow, OutboxRow.id == RequestEvent.outbox_id)
        .outerjoin(Staff, Staff.id == RequestEvent.staff_id)
        .outerjoin(File, File.id == RequestEvent.file_id)
        .where(RequestEvent.request_id == request.id)
        .order_by(RequestEvent.id.desc())
        .limit(most)
    )
    found = (await session.execute(query)).all()
    return [
        ThreadEvent(
            kind=event.kind,
            at=event.at,
            actor=event.actor,
            staff_id=event.staff_id,
            staff_name=None if staff is None else staff.name,
            internal=event.internal,
            text=(event.body or {}).get("text"),
            body=event.body or {},
            delivery=_delivery_of(event, outbox_state, was_read=was_read),
            held_until=not_before if outbox_state == "waiting" else None,
            file_id=event.file_id,
            file_kind=file_kind,
            file_state=file_state,
            file_reason=file_reason,
        )
        for (
            event,
            outbox_state,
            not_before,
            was_read,
            staff,
            file_kind,
            file_state,
            file_reason,
        ) in reversed(found)
    ]


def _outbox_state() -> ColumnElement[str]:
    """What was withheld because it was overtaken is nothing to worry about."""
    is_overtaken = (OutboxRow.state == WITHHELD) & (OutboxRow.error_code == OVERTAKEN)
    return case((is_overtaken, OVERTAKEN), else_=OutboxRow.state)


def _delivery_of(
    event: RequestEvent, outbox_state: str | None, *, was_read: bool = False
) -> str | None:
    if event.kind not in (*_WRITTEN, *_CARRIED):
        return None  # it tells of a message, and what became of that stands beside the message
    if was_read and event.kind in _WRITTEN:
        return _READ
    if outbox_state is not None:
        return _DELIVERY[outbox_state]
    return WITHHELD if event.body and "withheld" in event.body else None


async def _read_mine(
    session: AsyncSession, which: ColumnElement[bool], limit: int
) -> list[MyRequest]:
    query = (
        select(Request, Staff, Centre)
        .join(Centre, Centre.id == Request.centre_id)
        .outerjoin(Staff, Staff.id == Request.owner_id)
        .where(which)
        .order_by(Request.id.desc())
        .limit(limit)
        .execution_options(populate_existing=True)
    )
    rows = (await session.execute(query)).all()
    said = await _list_last_words(session, [request.id for request, _, _ in rows])
    return [
        MyRequest(
            code=request.code,
            topic=request.topic,
            state=request.state,
            stage=CONFIRMED if request.confirmed_at is not None else STAGES[request.state],
            owner_name=None if owner is None else owner.name,
            centre_id=centre.id,
            centre_name_km=centre.name_km,
            centre_name_en=centre.name_en,
            due_at=request.due_at,
            created_at=request.created_at,
            from_centre=said[request.id],
            can_write=request.state != "withdrawn",
            can_withdraw=request.state in OPEN_STATES,
            can_confirm=request.state == "done" and request.confirmed_at is None,
        )
        for request, owner, centre in rows
    ]


async def _list_last_words(
    session: AsyncSession, request_ids: Sequence[int]
) -> dict[int, list[FromCentre]]:
    """What the centre wrote since the person wrote last, and what waits, by request."""
    wrote, later = aliased(RequestEvent), aliased(RequestEvent)
    has_answered = exists().where(
        wrote.request_id == RequestEvent.request_id,
        wrote.kind.in_(requests.WRITTEN),
        wrote.id > RequestEvent.id,
    )
    is_not_last = exists().where(
        later.request_id == RequestEvent.request_id,
        later.kind == _STAFF_MESSAGE,
        later.id > RequestEvent.id,
    )
    is_over = (has_answered & is_not_last).label("is_over")
    is_unsent = RequestEvent.outbox_id.is_(None) | OutboxRow.state.in_(UNSENT)
    may_wait = (is_unsent & ~was_shown()).label("may_wait")
    query = (
        select(RequestEvent, OutboxRow.state, is_over, may_wait)
        .outerjoin(OutboxRow, OutboxRow.id == RequestEvent.outbox_id)
        .where(
            RequestEvent.request_id.in_(request_ids),
            RequestEvent.kind == _STAFF_MESSAGE,
            ~is_over.element | may_wait.element,
        )
        .order_by(RequestEvent.id)
    )
    said: dict[int, list[FromCentre]] = {request_id: [] for request_id in request_ids}
    for event, state, over, unsent in await session.execute(query):
        delivery = _delivery_of(event, state)
        # What has no message any more was sent long ago.
        waits = bool(unsent) and delivery is not None
        if waits or not over:
            text = (event.body or {})["text"]
            said[event.request_id].append(FromCentre(event.id, text, event.at, delivery, waits))
    return said
