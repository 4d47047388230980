"""What the calendar of holidays does not know: a meeting, a flood, a day that the government moves.

A manager closes their own centre on a day. An administrator says what is so for all: a holiday that
there is beside those of the calendar, or one of them on which offices are open. Each counts from
now on; until when an answer was promised already stays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Centre, ClosedDay
from services import audit
from services.accounts.types import Visitor
from services.errors import NotAllowed, UnknownCentre, UnusableForm
from services.office_hours import CAMBODIA, is_holiday, list_holidays
from services.plain_text import clean_line

Source = Literal["calendar", "kingdom", "centre"]

LONGEST_LABEL: Final = 100
"""Characters."""
LOOK_AHEAD: Final = timedelta(days=365)
MOST_AT_ONCE: Final = 31
"""Days."""


@dataclass(frozen=True, slots=True)
class DayLine:
    """A day of which something is said, by `source`: closed, or a holiday with open offices.

    `centre_id` is whose day it is, None of all. `is_over` says that it has passed.
    """

    day: date
    name: str
    source: Source
    centre_id: str | None = None
    is_open: bool = False
    is_over: bool = False


@dataclass(frozen=True, slots=True)
class DaysForm:
    """Days on which somebody is closed; `last` None for a single one, no centre for all."""

    centre_id: str | None
    first: date | None
    last: date | None
    label: str


def may_close(visitor: Visitor) -> bool:
    """Whether they say on which days a centre is closed."""
    return visitor.role in {"centre_manager", "administrator"}


def may_correct(visitor: Visitor) -> bool:
    """Whether they say what is so for all centres."""
    return visitor.role == "administrator"


async def list_lines(
    session: AsyncSession, visitor: Visitor, language: str, *, now: datetime
) -> Sequence[DayLine]:
    """Of the visitor's centre (an administrator: of all), from a year ago to a year ahead.

    Of the past only what was said by hand. In the order of days.
    """
    return await _list(
        session, None if may_correct(visitor) else [visitor.centre_id], language, now
    )


async def list_closed(
    session: AsyncSession, centre_id: str, language: str, *, now: datetime
) -> Sequence[tuple[date, str]]:
    """The days from today on, for a year, on which this centre is closed all day, and why."""
    lines = await _list(session, [centre_id], language, now)
    named = {line.day: line.name for line in lines if not line.is_open and not line.is_over}
    return sorted(named.items())


async def close(session: AsyncSession, visitor: Visitor, form: DaysForm, *, now: datetime) -> None:
    """The same again changes nothing.

    Raises NotAllowed, UnknownCentre and UnusableForm: first (missing, past, far, said), last
    (before, many), label (missing, long).
    """
    await _check_centre(session, visitor, form.centre_id)
    days, label = _read(form, _today(now))
    values = [
        {
            "day": day,
            "centre_id": form.centre_id,
            "is_open": False,
            "label": label,
            "made_by": visitor.staff_id,
            "created_at": now,
        }
        for day in days
    ]
    new = insert(ClosedDay).on_conflict_do_nothing(index_elements=["day", "centre_id"])
    added = (await session.scalars(new.returning(ClosedDay.id), values)).all()
    kept = select(ClosedDay).where(_is_of(form.centre_id), ClosedDay.day.in_(days))
    if any(row.label != label for row in await session.scalars(kept)):
        raise UnusableForm({"first": "said"})
    for row_id in added:
        await _note(session, visitor, "added", row_id, ("day", "label"), now=now)


async def open_on(session: AsyncSession, visitor: Visitor, day: date, *, now: datetime) -> None:
    """Offices are open on this holiday of the calendar; of any other day nothing is kept.

    Raises NotAllowed.
    """
    if not may_correct(visitor):
        raise NotAllowed
    if day < _today(now) or not is_holiday(day):
        return
    new = insert(ClosedDay).values(
        day=day, centre_id=None, is_open=True, label=None, made_by=visitor.staff_id, created_at=now
    )
    once = new.on_conflict_do_nothing(index_elements=["day", "centre_id"])
    row_id = (await session.execute(once.returning(ClosedDay.id))).scalar_one_or_none()
    if row_id is not None:
        await _note(session, visitor, "added", row_id, ("day", "is_open"), now=now)


async def take_back(
    session: AsyncSession, visitor: Visitor, centre_id: str | None, day: date, *, now: datetime
) -> None:
    """Nothing is said of the day any more; what has passed stays. Taken back twice, it is so once.

    Raises NotAllowed and UnknownCentre.
    """
    await _check_centre(session, visitor, centre_id)
    if day < _today(now):
        return
    gone = delete(ClosedDay).where(_is_of(centre_id), ClosedDay.day == day)
    row_id = (await session.execute(gone.returning(ClosedDay.id))).scalar_one_or_none()
    if row_id is not None:
        await _note(session, visitor, "deleted", row_id, ("day",), now=now)


async def _check_centre(session: AsyncSession, visitor: Visitor, centre_id: str | None) -> None:
    if not may_close(visitor) or (centre_id is None and not may_correct(visitor)):
        raise NotAllowed
    if centre_id is None:
        return
    is_own = may_correct(visitor) or visitor.centre_id == centre_id
    if not is_own or await session.get(Centre, centre_id) is None:
        raise UnknownCentre


def _read(form: DaysForm, today: date) -> tuple[Sequence[date], str]:
    """The days and the words that a form means. Raises UnusableForm."""
    label = clean_line(form.label)
    faults = {}
    if not label:
        faults["label"] = "missing"
    elif len(label) > LONGEST_LABEL:
        faults["label"] = "long"
    first, last = form.first, form.last or form.first
    if first is None or last is None:
        raise UnusableForm({"first": "missing"} | faults)
    if first < today:
        faults["first"] = "past"
    elif first > today + LOOK_AHEAD:
        faults["first"] = "far"
    if last < first:
        faults["last"] = "before"
    elif (last - first).days >= MOST_AT_ONCE:
        faults["last"] = "many"
    if faults:
        raise UnusableForm(faults)
    return [first + timedelta(days=nth) for nth in range((last - first).days + 1)], label


async def _list(
    session: AsyncSession, centre_ids: Sequence[str | None] | None, language: str, now: datetime
) -> Sequence[DayLine]:
    """None for the days of all centres."""
    today = _today(now)
    query = select(ClosedDay).where(
        ClosedDay.day.between(today - LOOK_AHEAD, today + 2 * LOOK_AHEAD)
    )
    if centre_ids is not None:
        query = query.where(or_(ClosedDay.centre_id.is_(None), ClosedDay.centre_id.in_(centre_ids)))
    holidays = list_holidays(today - LOOK_AHEAD, today + LOOK_AHEAD, language)
    lines = [_line(row, holidays, today) for row in await session.scalars(query)]
    said = {line.day for line in lines if line.centre_id is None}
    lines += [
        DayLine(day, name, "calendar")
        for day, name in holidays.items()
        if day >= today and day not in said
    ]
    return sorted(lines, key=lambda line: (line.day, line.centre_id or ""))


def _line(row: ClosedDay, holidays: Mapping[date, str], today: date) -> DayLine:
    return DayLine(
        row.day,
        row.label or holidays.get(row.day, ""),
        "kingdom" if row.centre_id is None else "centre",
        centre_id=row.centre_id,
        is_open=row.is_open,
        is_over=row.day < today,
    )


def _is_of(centre_id: str | None) -> ColumnElement[bool]:
    return ClosedDay.centre_id.is_not_distinct_from(centre_id)


def _today(now: datetime) -> date:
    return now.astimezone(CAMBODIA).date()


async def _note(
    session: AsyncSession,
    visitor: Visitor,
    action: str,
    row_id: int,
    fields: Sequence[str],
    *,
    now: datetime,
) -> None:
    await session.flush()
    await audit.record_by(
        session,
        by=visitor.staff_id,
        action=action,
        subject="closed_day",
        subject_id=row_id,
        fields=fields,
        now=now,
    )
