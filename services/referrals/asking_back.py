"""Asking agencies to delete what they have got: which are still to be told, and that they were.

What is kept of it is in `recalls`. Only those who work at the centre see it: another centre's
answers as one that does not exist.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from sqlalchemy import ColumnElement, false, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import RECALLED_BY, RECALLED_FOR, Agency, Recall, Referral, Request
from services import agencies, audit, centre_clock, requests
from services.accounts.types import Visitor
from services.agencies import AgencyLine
from services.centre_clock import CentreClock
from services.desk_requests.rights import may_read
from services.errors import RequestNotFound, UnusableForm
from services.files import OWN_CENTRE_ROLES
from services.office_hours import CAMBODIA, day_of
from services.referrals import states
from services.referrals.errors import RecallNotFound
from services.staff_names import list_names

__all__ = [
    "RECALLED_BY",
    "RECALLED_FOR",
    "RecallLine",
    "Recalls",
    "count_open",
    "get_all",
    "list_of",
    "tell",
]

SUBJECT: Final = "recall"
TOLD: Final = "agency_told"
WITHIN_DAYS: Final = 3
"""Working days of the centre; what waits longer is late."""
_DAY = timedelta(days=1)
_MOST_DONE = 50


@dataclass(frozen=True, slots=True)
class RecallLine:
    """An agency to be told, or that was told: on `done_on`, by `done_how` of RECALLED_BY.

    `can_open` says that the request is still there for the visitor to read.
    """

    id: int
    referral_id: int | None
    code: str
    agency: AgencyLine
    reason: str
    arose_on: date
    is_late: bool
    done_on: date | None
    done_how: str | None
    done_by: str | None
    can_open: bool = False


@dataclass(frozen=True, slots=True)
class Recalls:
    """Those of the visitor's centre: what is open, oldest first, and what was done, newest first"""

    open: Sequence[RecallLine]
    done: Sequence[RecallLine]


async def count_open(session: AsyncSession, visitor: Visitor) -> int:
    """How many agencies the visitor's centre still has to tell."""
    query = select(func.count()).where(_own(visitor), Recall.done_at.is_(None))
    return await session.scalar(query) or 0


async def get_all(session: AsyncSession, visitor: Visitor, *, now: datetime) -> Recalls:
    """What the page shows; the look is written down."""
    is_open = Recall.done_at.is_(None)
    waiting = select(Recall).where(_own(visitor), is_open).order_by(Recall.arose_on, Recall.id)
    told = (
        select(Recall)
        .where(_own(visitor), ~is_open)
        .order_by(Recall.done_at.desc(), Recall.id.desc())
        .limit(_MOST_DONE)
    )
    found = [*(await session.scalars(waiting)).all(), *(await session.scalars(told)).all()]
    lines = await _lines(
        session, found, now, readable=await _find_readable(session, visitor, found)
    )
    await audit.record_by(
        session,
        by=visitor.staff_id,
        action="listed",
        subject=SUBJECT,
        subject_id=None,
        now=now,
    )
    return Recalls(
        open=[line for line in lines if line.done_on is None],
        done=[line for line in lines if line.done_on is not None],
    )


async def list_of(
    session: AsyncSession, request: Request, *, now: datetime
) -> Mapping[int, RecallLine]:
    """Those of a request that the visitor was found to be allowed to read, by referral."""
    query = (
        select(Recall)
        .join(Referral, Referral.id == Recall.referral_id)
        .where(Referral.request_id == request.id)
        .execution_options(populate_existing=True)
    )
    found = (await session.scalars(query)).all()
    lines = await _lines(session, found, now, readable={request.code})
    return {line.referral_id: line for line in lines if line.referral_id is not None}


# What staff do


async def check_own(session: AsyncSession, visitor: Visitor, recall_id: int) -> None:
    """Raises RecallNotFound for what is not there, or is another centre's."""
    if await session.scalar(select(Recall.id).where(Recall.id == recall_id, _own(visitor))) is None:
        raise RecallNotFound


async def tell(
    session: AsyncSession,
    visitor: Visitor,
    recall_id: int,
    on: date | None,
    how: str,
    *,
    now: datetime,
) -> bool:
    """We told them. False when that was noted before: the first word stays.

    Raises RecallNotFound, also for another centre's, and UnusableForm: on (missing, future,
    before_arose), how (missing, unknown).
    """
    request = await _hold_request(session, visitor, recall_id)
    recall = await session.scalar(
        select(Recall)
        .where(Recall.id == recall_id, _own(visitor))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if recall is None:
        raise RecallNotFound
    if recall.done_at is not None:
        return False
    _check(recall, on, how, day_of(now))
    recall.done_on, recall.done_how = on, how
    recall.done_by, recall.done_at = visitor.staff_id, now
    if request is not None and recall.referral_id is not None:
        await _write_in_thread(session, visitor, request, recall, now)
    await audit.record_by(
        session,
        by=visitor.staff_id,
        action=TOLD,
        subject=SUBJECT,
        subject_id=recall.id,
        fields=("day", "told_how"),
        now=now,
    )
    return True


async def _hold_request(session: AsyncSession, visitor: Visitor, recall_id: int) -> Request | None:
    """The request that it is of, held before it as by everybody; None when that is deleted."""
    query = (
        select(Request.code)
        .join(Referral, Referral.request_id == Request.id)
        .join(Recall, Recall.referral_id == Referral.id)
        .where(Recall.id == recall_id, _own(visitor))
    )
    code = await session.scalar(query)
    if code is None:
        return None
    try:
        return await requests.hold(session, code)
    except RequestNotFound:
        return None


async def _write_in_thread(
    session: AsyncSession, visitor: Visitor, request: Request, recall: Recall, now: datetime
) -> None:
    """The person reads it, too: it was promised to them."""
    referral = await session.get_one(Referral, recall.referral_id)
    agency = await session.get_one(Agency, recall.agency_id)
    body = states.event_body(referral, agency)
    request.record(states.RECALLED, now=now, by=visitor.staff_id, body=body)
    await session.flush()


def _check(recall: Recall, on: date | None, how: str, today: date) -> None:
    faults = {}
    if on is None:
        faults["on"] = "missing"
    elif on > today:
        faults["on"] = "future"
    elif on < recall.arose_on:
        faults["on"] = "before_arose"
    if how not in RECALLED_BY:
        faults["how"] = "unknown" if how else "missing"
    if faults:
        raise UnusableForm(faults)


def _own(visitor: Visitor) -> ColumnElement[bool]:
    """Those of the centre where they work; whoever works for all of them answers for none."""
    if visitor.role in OWN_CENTRE_ROLES and visitor.centre_id is not None:
        return Recall.centre_id == visitor.centre_id
    return false()


async def _find_readable(
    session: AsyncSession, visitor: Visitor, recalls: Sequence[Recall]
) -> set[str]:
    """The codes of the requests behind these that the visitor may open."""
    ids = [one.referral_id for one in recalls if one.referral_id is not None]
    query = (
        select(Request)
        .join(Referral, Referral.request_id == Request.id)
        .where(Referral.id.in_(ids))
    )
    found = (await session.scalars(query)).all() if ids else ()
    return {request.code for request in found if may_read(visitor, request)}


async def _lines(
    session: AsyncSession, recalls: Sequence[Recall], now: datetime, *, readable: Collection[str]
) -> Sequence[RecallLine]:
    waiting = {one.centre_id for one in recalls if one.done_at is None}
    clocks = await centre_clock.list_for(session, waiting)
    known = await agencies.list_by_id(session, {one.agency_id for one in recalls})
    names = await list_names(session, {one.done_by for one in recalls})
    today = day_of(now)
    return [
        RecallLine(
            id=one.id,
            referral_id=one.referral_id,
            code=one.code,
            agency=known[one.agency_id],
            reason=one.reason,
            arose_on=one.arose_on,
            is_late=one.done_at is None and _is_late(clocks[one.centre_id], one.arose_on, today),
            done_on=one.done_on,
            done_how=one.done_how,
            done_by=None if one.done_by is None else names.get(one.done_by),
            can_open=one.referral_id is not None and one.code in readable,
        )
        for one in recalls
    ]


def _is_late(clock: CentreClock, arose_on: date, today: date) -> bool:
    """Whether as many working days as there were to do it in lie between these two."""
    worked, day = 0, arose_on + _DAY
    while day < today and worked < WITHIN_DAYS:
        worked += _is_open_on(clock, day)
        day += _DAY
    return worked >= WITHIN_DAYS


def _is_open_on(clock: CentreClock, day: date) -> bool:
    begins = datetime.combine(day, time(), CAMBODIA)
    return clock.next_open(begins).date() == day
