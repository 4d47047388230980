"""Closing many requests at once: looked at first, and taken back while nobody was asked yet.

Who closes by the dozen looks at none of them, so each is weighed before it is ticked. What a person
is asked then ("did help come?") cannot be unsaid: it waits for as long as the act can be undone.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from db.models import (
    OPEN_STATES,
    OUTCOMES,
    Address,
    OutboxRow,
    Referral,
    Request,
    RequestEvent,
)
from db.models.request_moves import REACHED
from services import audit, contact_policy, requests, threads
from services.accounts.types import Visitor
from services.acting import NewSession, across_centres
from services.contact_policy import Forbidden, Purpose
from services.desk_bulk import MOST, Bulk, Undone, each
from services.desk_requests import Move, do
from services.desk_requests.replays import note_repeated, was_done
from services.desk_requests.rights import get_readable, get_staff, hold_readable, readable
from services.errors import (
    ChangedMeanwhile,
    DomainError,
    MoveNotAllowed,
    RequestNotFound,
    UnknownOutcome,
)
from services.message_words import MessageWords
from services.outbox import UNSENT
from services.referrals.states import AGENCY_WAITS

UNDO_WITHIN: Final = timedelta(minutes=10)
ASK_AGAIN_AFTER: Final = timedelta(days=1)
"""Nobody who has several requests is asked about two of them on one day."""
_DONE, _REOPENED = "done", "reopened"
_WATCHED: Final = ("state", "owner_id", "outcome")
_WROTE, _CALLED = "staff_message", "called"
_MAY_BE_ASKED: Final = ("waiting", "sending", "uncertain", "sent", "delivered")
_Found = tuple[Request, Address]


class UndoOver(DomainError):  # noqa: N818 - what time has made of it
    """It was closed too long ago to be taken back like this."""


class AskedAlready(DomainError):  # noqa: N818 - as above
    """The person has been asked whether help came."""


@dataclass(frozen=True, slots=True)
class ClosingLine:
    """A request that may be closed, and what comes of it.

    `is_answered`: somebody of the centre wrote to the person, or spoke with them; `was_rung`: they
    rang only in vain. `channel` is over which the person is asked whether help came, None when they
    cannot be; with `is_later` on another day, since they are asked about another request first.
    """

    code: str
    topic: str
    is_answered: bool
    was_rung: bool
    agency_waits: bool
    channel: str | None
    is_later: bool

    @property
    def is_plain(self) -> bool:
        """Nothing speaks for a second look."""
        return self.is_answered and not self.agency_waits


@dataclass(frozen=True, slots=True)
class Closing:
    """What would be closed, newest first; and what cannot be."""

    lines: Sequence[ClosingLine]
    undone: Sequence[Undone]


@dataclass(frozen=True, slots=True)
class Undoable:
    """What of an act can still be taken back, and until when."""

    codes: Sequence[str]
    until: datetime


async def look(
    session: AsyncSession, visitor: Visitor, codes: Sequence[str], *, now: datetime
) -> Closing:
    """What closing these would do. Nothing is changed."""
    wanted = list(dict.fromkeys(codes))[:MOST]
    found = await _list_readable(session, visitor, wanted)
    unknown = set(wanted) - {request.code for request, _ in found}
    undone = [Undone(code, RequestNotFound()) for code in wanted if code in unknown]
    closed = [request for request, _ in found if request.state not in OPEN_STATES]
    undone += [Undone(one.code, MoveNotAllowed(one.state, "finish")) for one in closed]
    return Closing(
        await _weigh(session, [one for one in found if one[0].state in OPEN_STATES], now), undone
    )


def count_asked(lines: Sequence[ClosingLine]) -> Mapping[str, int]:
    """How many people are asked, by channel, when these are closed: each of them once a day."""
    return Counter(line.channel for line in lines if line.channel is not None and not line.is_later)


async def close_many(
    new_session: NewSession,
    visitor: Visitor,
    codes: Sequence[str],
    outcome: str,
    *,
    words: MessageWords,
    drawn: datetime,
    now: datetime,
) -> Bulk:
    """Close them with one outcome; each person is asked whether help came, about the newest first.

    What this very form has closed and is open again stays so. Raises UnknownOutcome.
    """
    if outcome not in OUTCOMES:
        raise UnknownOutcome

    async def close(session: AsyncSession, code: str) -> DomainError | None:
        # All their phones, and first of all: what is closed from another one asks as well.
        of_whom = await get_readable(session, visitor, code)
        await requests.lock_phones(session, of_whom.address_id)
        request = await hold_readable(session, visitor, code)
        ask_from = now + UNDO_WITHIN
        if last := (await _find_last_asked(session, [request], now)).get(request.id):
            ask_from = max(ask_from, last + ASK_AGAIN_AFTER)
        move = Move("finish", outcome, since=drawn, ask_from=ask_from)
        moved = await do(session, visitor, code, move, words=words, now=now)
        return ChangedMeanwhile() if moved.again and request.state in OPEN_STATES else None

    return await each(new_session, visitor, codes, close, called=_DONE, now=now, newest_first=True)


async def undo_many(
    new_session: NewSession,
    visitor: Visitor,
    codes: Sequence[str],
    *,
    drawn: datetime,
    now: datetime,
) -> Bulk:
    """Open again what the form that was drawn then has closed, as if it had not been.

    Whatever has happened to one since, it stays closed: a question that was asked, above all.
    """

    async def undo(session: AsyncSession, code: str) -> None:
        request = await hold_readable(session, visitor, code)
        closed = await _get_closing(session, visitor, request, drawn)
        if await was_done(session, visitor, request, _REOPENED, {}, seen=closed.id):
            await note_repeated(session, visitor, request, now=now)
            return
        await _check_untouched(session, request, closed, now)
        me, was = await get_staff(session, visitor), _watch(request)
        await threads.undo_finish(session, code, closed, staff=me, now=now)
        fields = [name for name, value in _watch(request).items() if value != was[name]]
        await audit.record_by(
            session, me.id, _REOPENED, "request", request.id, fields=fields, now=now
        )

    return await each(new_session, visitor, codes, undo, called=_REOPENED, now=now)


async def find_undoable(
    session: AsyncSession,
    visitor: Visitor,
    codes: Sequence[str],
    *,
    drawn: datetime,
    now: datetime,
) -> Undoable | None:
    """What of these the visitor may still take back; None when that is nothing."""
    later = aliased(RequestEvent)
    is_untouched = ~exists().where(
        later.request_id == RequestEvent.request_id, later.id > RequestEvent.id
    )
    query = (
        select(Request.code, RequestEvent.at)
        .join(RequestEvent, RequestEvent.request_id == Request.id)
        .outerjoin(OutboxRow, OutboxRow.id == RequestEvent.outbox_id)
        .where(
            Request.code.in_(codes[:MOST]),
            readable(visitor),
            *_closed_by(visitor, drawn),
            RequestEvent.at > now - UNDO_WITHIN,
            is_untouched,
            OutboxRow.state.is_(None) | OutboxRow.state.in_(("waiting", *UNSENT)),
        )
        .order_by(Request.id)
    )
    found = (await session.execute(query)).all()
    if not found:
        return None
    return Undoable([row.code for row in found], min(row.at for row in found) + UNDO_WITHIN)


async def _list_readable(
    session: AsyncSession, visitor: Visitor, codes: Sequence[str]
) -> Sequence[_Found]:
    query = (
        select(Request, Address)
        .join(Address, Address.id == Request.address_id)
        .where(Request.code.in_(codes), readable(visitor))
        .order_by(Request.id.desc())
    )
    return [(row[0], row[1]) for row in await session.execute(query)]


async def _weigh(
    session: AsyncSession, found: Sequence[_Found], now: datetime
) -> Sequence[ClosingLine]:
    ids = [request.id for request, _ in found]
    answered, rung = await _list_answered(session, ids)
    referred = await _having(session, ids, Referral.request_id, Referral.state.in_(AGENCY_WAITS))
    last_asked = await _find_last_asked(session, [request for request, _ in found], now)
    lines: dict[int, ClosingLine] = {}
    asked: set[UUID | int] = set()
    # Those first that are ticked already: nobody waits for the question about one that is not.
    plain = answered - referred
    for request, address in sorted(found, key=lambda one: one[0].id not in plain):
        may = await contact_policy.may_contact(
            session,
            address,
            Purpose.FOLLOW_UP,
            now + UNDO_WITHIN,
            asked_at=request.last_person_at,
            person_id=request.person_id,
        )
        is_asked = not isinstance(may, Forbidden)
        whose = {address.id, request.person_id or address.id}
        lines[request.id] = ClosingLine(
            code=request.code,
            topic=request.topic,
            is_answered=request.id in answered,
            was_rung=request.id in rung,
            agency_waits=request.id in referred,
            channel=address.channel if is_asked else None,
            is_later=is_asked and (request.id in last_asked or not whose.isdisjoint(asked)),
        )
        if is_asked:
            asked |= whose
    return [lines[request.id] for request, _ in found]


async def _list_answered(
    session: AsyncSession, ids: Sequence[int]
) -> tuple[frozenset[int], frozenset[int]]:
    """Whose people were written to or spoken with, and whose were only rung up."""
    wrote = await _having(session, ids, RequestEvent.request_id, RequestEvent.kind == _WROTE)
    query = select(RequestEvent.request_id, RequestEvent.body).where(
        RequestEvent.request_id.in_(ids), RequestEvent.kind == _CALLED
    )
    calls = (await session.execute(query)).all()
    spoken = {row[0] for row in calls if (row[1] or {}).get("result") == REACHED}
    answered = wrote | spoken
    return answered, frozenset(row[0] for row in calls) - answered


async def _having(
    session: AsyncSession, ids: Sequence[int], column: Any, condition: ColumnElement[bool]
) -> frozenset[int]:
    """Which of these requests have such a row."""
    query = select(column).where(column.in_(ids), condition).distinct()
    return frozenset(await session.scalars(query))


async def _find_last_asked(
    session: AsyncSession, found: Sequence[Request], now: datetime
) -> Mapping[int, datetime]:
    """By request when its person was last asked whether help came, or is to be, within a day.

    Whichever centre asked: for them it is one.
    """
    this, other = aliased(Request), aliased(Request)
    is_theirs = or_(other.address_id == this.address_id, other.person_id == this.person_id)
    at = func.coalesce(OutboxRow.sent_at, OutboxRow.not_before)
    query = (
        select(this.id, func.max(at))
        .join(other, is_theirs)
        .join(RequestEvent, RequestEvent.request_id == other.id)
        .join(OutboxRow, OutboxRow.id == RequestEvent.outbox_id)
        .where(
            this.id.in_([request.id for request in found]),
            RequestEvent.kind == _DONE,
            OutboxRow.state.in_(_MAY_BE_ASKED),
            at > now - ASK_AGAIN_AFTER,
        )
        .group_by(this.id)
    )
    async with across_centres(session):
        return {row[0]: row[1] for row in await session.execute(query)}


def _closed_by(visitor: Visitor, drawn: datetime) -> list[ColumnElement[bool]]:
    return [
        RequestEvent.kind == _DONE,
        RequestEvent.staff_id == visitor.staff_id,
        RequestEvent.at >= drawn,
    ]


async def _get_closing(
    session: AsyncSession, visitor: Visitor, request: Request, drawn: datetime
) -> RequestEvent:
    """How the form closed it. Raises MoveNotAllowed when it did not."""
    query = (
        select(RequestEvent)
        .where(RequestEvent.request_id == request.id, *_closed_by(visitor, drawn))
        .order_by(RequestEvent.id.desc())
        .limit(1)
    )
    closed = await session.scalar(query)
    if closed is None:
        raise MoveNotAllowed(request.state, "reopen")
    return closed


async def _check_untouched(
    session: AsyncSession, request: Request, closed: RequestEvent, now: datetime
) -> None:
    """Raises UndoOver, AskedAlready and ChangedMeanwhile. The question cannot go out meanwhile."""
    if closed.at <= now - UNDO_WITHIN:
        raise UndoOver
    if closed.outbox_id is not None and not await _hold_question(session, closed.outbox_id):
        raise AskedAlready
    later = select(RequestEvent.id).where(
        RequestEvent.request_id == request.id, RequestEvent.id > closed.id
    )
    if await session.scalar(later.limit(1)) is not None:
        raise ChangedMeanwhile


async def _hold_question(session: AsyncSession, outbox_id: int) -> bool:
    """Whether it has not gone out, and then it does not as long as the transaction lasts.

    Nobody waits here for delivery, which may come to wait for the address that is held.
    """
    its_state = select(OutboxRow.state).where(OutboxRow.id == outbox_id)
    waiting = its_state.where(OutboxRow.state == "waiting").with_for_update(skip_locked=True)
    if await session.scalar(waiting) is not None:
        return True
    return await session.scalar(its_state) in UNSENT


def _watch(request: Request) -> Mapping[str, object]:
    return {name: getattr(request, name) for name in _WATCHED}
