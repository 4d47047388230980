"""A message that had failed and is tried again: its request waits as if it had never failed.

The clock of a request stops when a reply is promised, and runs again when that failed
(`services.undelivered`). Tried again the reply is promised again. Without this a request whose
reply did arrive in the end would climb to the manager as unanswered; a question that arrived in the
end would wait for no answer.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address, Request, RequestEvent
from services.due_times import get_due
from services.requests import WRITTEN

LOST = "not_delivered"
SENT_AGAIN = "sent_again"
_REPLY, _QUESTION = "staff_message", "done"
_NOT_REACHED = "not_reached"

_STARTS_CLOCK = ("opened", *WRITTEN, "going_on", "handed_over", "reopened")
_STOPS_CLOCK = (_REPLY, "waiting_person", "waiting_others", _QUESTION, "confirmed", "withdrawn")
_ENDS_WAIT = ("taken", "waiting_others", *_STARTS_CLOCK, _QUESTION)

Event = Row[int, str, datetime, int | None]
"""The id, kind, moment and outbox id of an event."""


@dataclass(slots=True)
class _Replay:
    """Where a request stands after some of its events: since when it waits for the centre."""

    since: datetime | None = None
    waits_for_person: bool = False
    is_done: bool = False
    spoke_at: datetime | None = None


async def hold_requests(session: AsyncSession, outbox_ids: Collection[int]) -> Sequence[Request]:
    """Hold the requests that these messages belong to, before anything else is held."""
    carried = select(RequestEvent.request_id).where(RequestEvent.outbox_id.in_(outbox_ids))
    query = (
        select(Request)
        .join(Address, Address.id == Request.address_id)
        .where(Request.id.in_(carried))
        .order_by(Address.id, Request.id)
        # The address too, and first of all: as by everybody who changes a request.
        .with_for_update(key_share=True, of=(Address, Request))
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(query)).all()


async def promise_again(
    session: AsyncSession, held: Sequence[Request], outbox_ids: Collection[int]
) -> None:
    """What of these messages was noted as lost is so no more, for requests that are held."""
    now = (await session.scalars(select(func.now()))).one()
    for request in held:
        events = await _list_events(session, request)
        lost = _lost(events)
        again = [event for event in lost if event.outbox_id in outbox_ids]
        if not again:
            continue
        for event in again:
            request.record(SENT_AGAIN, now=now, internal=True, outbox_id=event.outbox_id)
        stands = _replay(events, [event.id for event in lost if event not in again])
        await _set_clock(session, request, stands)
        if _is_asked_again(request, events, outbox_ids):
            # From when silence counts is seen when the question goes out: `follow_up`.
            request.answer_by = now
    await session.flush()


async def _list_events(session: AsyncSession, request: Request) -> Sequence[Event]:
    query = (
        select(RequestEvent.id, RequestEvent.kind, RequestEvent.at, RequestEvent.outbox_id)
        .where(RequestEvent.request_id == request.id)
        .order_by(RequestEvent.id)
    )
    return (await session.execute(query)).all()


def _lost(events: Sequence[Event]) -> Sequence[Event]:
    """The notes of what was lost and not tried again since."""
    last = {event.outbox_id: event for event in events if event.kind in (LOST, SENT_AGAIN)}
    return [event for event in last.values() if event.kind == LOST]


def _replay(events: Sequence[Event], lost_ids: Collection[int]) -> _Replay:
    """The story of a request with only these of its messages lost."""
    kinds = {event.outbox_id: event.kind for event in events if event.kind in (_REPLY, _QUESTION)}
    stands = _Replay()
    for event in events:
        if event.kind != LOST:
            _follow(stands, event)
        elif event.id in lost_ids:
            stands.waits_for_person = False
            if kinds.get(event.outbox_id) == _REPLY and not stands.is_done:
                stands.since = stands.since or stands.spoke_at
    return stands


def _follow(stands: _Replay, event: Event) -> None:
    is_unsent = event.kind == _REPLY and event.outbox_id is None
    if event.kind in _STOPS_CLOCK and not is_unsent:
        stands.since = None
    # Thanks for what is done ask for nothing.
    elif event.kind in _STARTS_CLOCK and (not stands.is_done or event.kind == "reopened"):
        stands.since = stands.since or event.at
    if event.kind in ("opened", *WRITTEN):
        stands.spoke_at = event.at
    if event.kind in _ENDS_WAIT:
        stands.waits_for_person = False
    elif event.kind == "waiting_person":
        stands.waits_for_person = True
    if event.kind in (_QUESTION, "confirmed"):
        stands.is_done = True
    elif event.kind == "reopened":
        stands.is_done = False


async def _set_clock(session: AsyncSession, request: Request, stands: _Replay) -> None:
    """Stop it, or let it run from when something else began to wait, never from earlier."""
    if request.state == "taken" and stands.waits_for_person:
        request.state = "waiting_person"
    if request.due_at is None:
        return
    if stands.since is None:
        request.due_at = request.climb_at = request.climbed_to = None
        return
    due_at = (await get_due(session, request.centre_id))(request.urgency, stands.since)
    if due_at > request.due_at:
        request.due_at = request.climb_at = due_at
        request.climbed_to = None


def _is_asked_again(request: Request, events: Sequence[Event], outbox_ids: Collection[int]) -> bool:
    """Whether the question about how the request ended last is among them, and still stands."""
    asked = [event.outbox_id for event in events if event.kind == _QUESTION]
    stands = request.state == "done" and request.confirmed_at is None
    return (
        stands
        and request.outcome != _NOT_REACHED
        and request.answer_by is None
        and asked[-1] in outbox_ids
    )
