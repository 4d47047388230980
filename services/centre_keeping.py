"""What staff see and say of a centre at the desk: its hours, its names, who takes the rest.

Managers say the hours of their own centre, administrators all of every centre. Another centre
answers as one that there is not.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import AuditRow, Centre, CentreArea
from services import audit, centre_clock, phone_numbers
from services.accounts.types import Visitor
from services.due_times import TIME_TO_ANSWER
from services.errors import (
    ChangedMeanwhile,
    NotAllowed,
    UnknownCentre,
    UnusableForm,
    UnusableHours,
)
from services.office_hours import (
    DEFAULT_HOURS,
    WEEKDAYS,
    Hours,
    are_assumed,
    parse_hours,
    read_time,
)
from services.plain_text import clean_line
from services.staff_names import list_names

NEVER_OPEN: Final = "never_open"
LONGEST_NAME: Final = 200
LONGEST_SHORT_NAME: Final = 40
LONGEST_TO_CONFIRM: Final = 500
"""Characters."""
_LONGEST: Final = {
    "name_km": LONGEST_NAME,
    "name_en": LONGEST_NAME,
    "short_km": LONGEST_SHORT_NAME,
    "short_en": LONGEST_SHORT_NAME,
    "to_confirm": LONGEST_TO_CONFIRM,
}
_NEEDED: Final = ("name_km", "name_en")
_NAMED: Final = (*_LONGEST, "phone_e164")


@dataclass(frozen=True, slots=True)
class Day:
    """Opening hours of one day as they stand in a form: (from, to) as typed, "" for nothing."""

    spans: Sequence[tuple[str, str]]
    is_closed: bool = False


Week = Mapping[str, Day]
"""By the names of WEEKDAYS, all of them."""


@dataclass(frozen=True, slots=True)
class CentreNames:
    """What a centre is called, and what of its facts nobody has confirmed yet ("": all are).

    The short names are for where one chooses among centres; "" for the whole name there too.
    `phone_e164` is the number under which agencies answer, as typed; "" for none.
    """

    name_km: str
    name_en: str
    to_confirm: str
    short_km: str = ""
    short_en: str = ""
    phone_e164: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """When something was last changed, and the name of who did it (None: nobody of the staff)."""

    at: datetime
    by: str | None


@dataclass(frozen=True, slots=True)
class CentrePage:
    """A centre as the desk shows it.

    `are_assumed` says that `week` shows the usual hours, since the centre has told none.
    `example_due` is until when a normal request of this moment should be answered. `places` are
    codes. The versions are what `set_hours` and `set_names` want back as `seen`.
    """

    centre: Centre
    week: Week
    are_assumed: bool
    hours_changed: Change | None
    example_due: datetime
    places: Sequence[str]
    hours_version: str
    names_version: str


def may_set_hours(visitor: Visitor) -> bool:
    """Whether they say when a centre that they may see is open."""
    return visitor.role in {"centre_manager", "administrator"}


def may_set_names(visitor: Visitor) -> bool:
    """Whether they say what centres are called and who takes the rest."""
    return visitor.role == "administrator"


async def list_visible(session: AsyncSession, visitor: Visitor) -> Sequence[Centre]:
    """The visitor's own centre, or all of them, by id."""
    query = select(Centre).order_by(Centre.id)
    if visitor.role != "administrator":
        query = query.where(Centre.id == visitor.centre_id)
    return (await session.scalars(query)).all()


async def get_page(
    session: AsyncSession, visitor: Visitor, centre_id: str, *, now: datetime
) -> CentrePage:
    """Raises UnknownCentre."""
    centre = await _get(session, visitor, centre_id)
    clock = await centre_clock.get(session, centre_id)
    areas = select(CentreArea.place_code).where(CentreArea.centre_id == centre_id)
    return CentrePage(
        centre=centre,
        week=show_week(centre.hours, centre.closed_hours),
        are_assumed=are_assumed(centre.hours),
        hours_changed=await _find_change(session, centre_id, "hours"),
        example_due=clock.after(now, TIME_TO_ANSWER["normal"]),
        places=(await session.scalars(areas.order_by(CentreArea.place_code))).all(),
        hours_version=_version(_hours_of(centre)),
        names_version=_version(_names_of(centre)),
    )


async def set_hours(
    session: AsyncSession,
    visitor: Visitor,
    centre_id: str,
    week: Week,
    *,
    seen: str,
    now: datetime,
) -> None:
    """Due times that are told already stay as they are; the next ones are reckoned anew.

    The same again changes nothing. Raises UnknownCentre, NotAllowed, ChangedMeanwhile and
    UnusableForm: by day (empty, half, time, order), or NEVER_OPEN under "week".
    """
    if not may_set_hours(visitor):
        raise NotAllowed
    told = {"hours": read_week(week), "closed_hours": read_closed(week)}
    centre = await _hold(session, visitor, centre_id)
    changed = [name for name in told if getattr(centre, name) != told[name]]
    if not changed:
        return
    if _version(_hours_of(centre)) != seen:
        raise ChangedMeanwhile
    for name in changed:
        setattr(centre, name, told[name])
    await _note(session, visitor, centre, changed, now)


async def set_names(
    session: AsyncSession,
    visitor: Visitor,
    centre_id: str,
    names: CentreNames,
    *,
    seen: str,
    now: datetime,
) -> None:
    """The same again changes nothing.

    Raises NotAllowed, UnknownCentre, ChangedMeanwhile and UnusableForm: name_km and name_en
    (missing, long), short_km, short_en and to_confirm (long), phone_e164 (number).
    """
    if not may_set_names(visitor):
        raise NotAllowed
    told = _read_names(names)
    centre = await _hold(session, visitor, centre_id)
    changed = [name for name in told if getattr(centre, name) != told[name]]
    if not changed:
        return
    if _version(_names_of(centre)) != seen:
        raise ChangedMeanwhile
    for name in changed:
        setattr(centre, name, told[name])
    await _note(session, visitor, centre, changed, now)


async def take_rest(
    session: AsyncSession, visitor: Visitor, centre_id: str, *, now: datetime
) -> None:
    """From now on this centre takes those whose home is no centre's; who came before stays.

    Raises NotAllowed and UnknownCentre.
    """
    if not may_set_names(visitor):
        raise NotAllowed
    query = select(Centre).order_by(Centre.id).with_for_update()
    found = await session.scalars(query.execution_options(populate_existing=True))
    known = {centre.id: centre for centre in found}
    if centre_id not in known:
        raise UnknownCentre
    if known[centre_id].takes_rest:
        return
    # Two may not take the rest at once, not even for a moment.
    for centre in known.values():
        if centre.takes_rest:
            centre.takes_rest = False
            await _note(session, visitor, centre, ("takes_rest",), now)
    known[centre_id].takes_rest = True
    await _note(session, visitor, known[centre_id], ("takes_rest",), now)


# Hours


def show_week(hours: Hours | None, closed: Hours | None = None) -> Week:
    """Hours as a form shows them, with two spans a day at least; the usual ones for none.

    `closed` are those that stand behind the ticks "closed".
    """
    told = DEFAULT_HOURS if hours is None or are_assumed(hours) else hours
    behind = closed or {}
    return {
        day: _show_day(told.get(day) or behind.get(day, ()), is_closed=not told.get(day))
        for day in WEEKDAYS
    }


def same_as_monday(week: Week) -> Week:
    """From Tuesday to Friday as on Monday, whatever was typed there."""
    as_monday = ("tue", "wed", "thu", "fri")
    return {day: week["mon" if day in as_monday else day] for day in WEEKDAYS}


def read_week(week: Week) -> dict[str, list[list[str]]]:
    """What a form means. Raises UnusableForm, as `set_hours` says."""
    hours: dict[str, list[list[str]]] = {}
    faults: dict[str, str] = {}
    for day in WEEKDAYS:
        try:
            spans = _read_day(day, week[day])
        except UnusableForm as error:
            faults |= error.faults
        else:
            if spans:
                hours[day] = spans
    if not hours and not faults:
        faults = {"week": NEVER_OPEN}
    if faults:
        raise UnusableForm(faults)
    return hours


def read_closed(week: Week) -> dict[str, list[list[str]]] | None:
    """What stands behind the ticks "closed", as far as it could be hours; None for nothing."""
    hours = {}
    for name in WEEKDAYS:
        if week[name].is_closed:
            with suppress(UnusableForm):
                hours[name] = _read_spans(name, week[name])
    return hours or None


def _show_day(spans: Sequence[Sequence[str]], *, is_closed: bool) -> Day:
    shown = [(opens, closes) for opens, closes in spans]
    return Day([*shown, *[("", "")] * (2 - len(shown))], is_closed)


def _read_day(name: str, day: Day) -> list[list[str]]:
    """Whoever ticks "closed" need not clear what stands there."""
    return [] if day.is_closed else _read_spans(name, day)


def _read_spans(name: str, day: Day) -> list[list[str]]:
    typed = [span for span in day.spans if any(moment.strip() for moment in span)]
    if not typed:
        raise UnusableForm({name: "empty"})
    if not all(moment.strip() for span in typed for moment in span):
        raise UnusableForm({name: "half"})
    spans = [[told for moment in span if (told := read_time(moment))] for span in typed]
    if any(len(span) < len(given) for span, given in zip(spans, typed, strict=True)):
        raise UnusableForm({name: "time"})
    try:
        parse_hours({name: spans})
    except UnusableHours:
        raise UnusableForm({name: "order"}) from None
    return spans


# What is kept


async def _get(session: AsyncSession, visitor: Visitor, centre_id: str) -> Centre:
    centre = await session.get(Centre, centre_id, populate_existing=True)
    if centre is None or not _may_see(visitor, centre_id):
        raise UnknownCentre
    return centre


async def _hold(session: AsyncSession, visitor: Visitor, centre_id: str) -> Centre:
    if not _may_see(visitor, centre_id):
        raise UnknownCentre
    held = await session.get(Centre, centre_id, with_for_update=True, populate_existing=True)
    if held is None:
        raise UnknownCentre
    return held


def _may_see(visitor: Visitor, centre_id: str) -> bool:
    return visitor.role == "administrator" or (
        visitor.role != "auditor" and visitor.centre_id == centre_id
    )


def _read_names(names: CentreNames) -> dict[str, str | None]:
    told = {name: clean_line(getattr(names, name)) for name in _LONGEST}
    faults = {name: "missing" for name in _NEEDED if not told[name]}
    faults |= {name: "long" for name, words in told.items() if len(words) > _LONGEST[name]}
    if names.phone_e164.strip():
        try:
            told["phone_e164"] = phone_numbers.parse(names.phone_e164).e164
        except phone_numbers.PhoneNumberError:
            faults["phone_e164"] = "number"
    if faults:
        raise UnusableForm(faults)
    return {name: told.get(name) or None for name in _NAMED}


def _hours_of(centre: Centre) -> object:
    return [centre.hours, centre.closed_hours]


def _names_of(centre: Centre) -> object:
    return [getattr(centre, name) for name in _NAMED]


def _version(value: object) -> str:
    """A name for what stood there when a page was made."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


async def _find_change(session: AsyncSession, centre_id: str, field: str) -> Change | None:
    query = (
        select(AuditRow)
        .where(
            AuditRow.subject == "centre",
            AuditRow.subject_id == centre_id,
            AuditRow.action == "changed",
            AuditRow.fields.contains([field]),
        )
        .order_by(AuditRow.id.desc())
        .limit(1)
    )
    row = (await session.scalars(query)).one_or_none()
    if row is None:
        return None
    by = UUID(row.actor_id) if row.actor == "staff" and row.actor_id else None
    return Change(row.at, (await list_names(session, {by})).get(by) if by else None)


async def _note(
    session: AsyncSession, visitor: Visitor, centre: Centre, fields: Sequence[str], now: datetime
) -> None:
    await session.flush()
    await audit.record_by(
        session,
        by=visitor.staff_id,
        action="changed",
        subject="centre",
        subject_id=centre.id,
        fields=fields,
        now=now,
    )
