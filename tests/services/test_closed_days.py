"""Days that the calendar does not know, and what they do to the clock.

Friday is 20 November 2026; from Monday the 23rd to Wednesday the 25th is the Water Festival.
"""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import ClosedDay, Request
from services import centre_clock, closed_days, due_times, escalation
from services.accounts.types import Visitor
from services.closed_days import DayLine, DaysForm
from services.errors import NotAllowed, UnknownCentre, UnusableForm
from tests.services.centre_at_work import FRIDAY
from tests.services.desk_visitors import ask, audited, visit

MONDAY, WEDNESDAY, THURSDAY = date(2026, 11, 23), date(2026, 11, 25), date(2026, 11, 26)
FLOOD = DaysForm("pursat", THURSDAY, THURSDAY + timedelta(days=1), "ទឹកជំនន់")


async def _manager(session: AsyncSession, centre: str = "pursat") -> Visitor:
    return await visit(session, f"Boss {centre}", "centre_manager", centre)


async def _chief(session: AsyncSession) -> Visitor:
    return await visit(session, "Chief", "administrator", None)


async def _due_day(session: AsyncSession, centre: str = "pursat") -> date:
    """On which day a low request of Friday is due: 24 open hours later."""
    due = await due_times.get_due(session, centre)
    return due("low", FRIDAY).date()


async def _lines(session: AsyncSession, visitor: Visitor) -> list[DayLine]:
    lines = await closed_days.list_lines(session, visitor, "en", now=FRIDAY)
    return [line for line in lines if line.day < date(2026, 12, 1)]


async def test_a_day_on_which_a_centre_is_closed_moves_what_is_due_there(
    session: AsyncSession,
) -> None:
    before = await _due_day(session)
    other = await _due_day(session, "preah-vihear")
    manager = await _manager(session)
    for _ in range(2):
        await closed_days.close(session, manager, FLOOD, now=FRIDAY)
    assert before == date(2026, 11, 30)
    assert await _due_day(session) == date(2026, 12, 2)
    assert await _due_day(session, "preah-vihear") == other
    assert [row[0] for row in await audited(session)] == ["added", "added"]
    for _ in range(2):
        await closed_days.take_back(session, manager, "pursat", THURSDAY, now=FRIDAY)
    assert await _due_day(session) == date(2026, 12, 1)
    assert [row[0] for row in await audited(session)] == ["added", "added", "deleted"]


async def test_a_holiday_that_the_government_moves_is_struck_and_added(
    session: AsyncSession,
) -> None:
    chief = await _chief(session)
    for day in (MONDAY, MONDAY, THURSDAY, date(2026, 11, 9)):  # of these one is a holiday to come
        await closed_days.open_on(session, chief, day, now=FRIDAY)
    moved = DaysForm(None, THURSDAY, None, "Water Festival")
    await closed_days.close(session, chief, moved, now=FRIDAY)
    assert await _lines(session, await _manager(session, "preah-vihear")) == [
        DayLine(MONDAY, "Water Festival", "kingdom", is_open=True),
        DayLine(date(2026, 11, 24), "Water Festival", "calendar"),
        DayLine(WEDNESDAY, "Water Festival", "calendar"),
        DayLine(THURSDAY, "Water Festival", "kingdom"),
    ]
    clock = await centre_clock.get(session, "pursat")
    closed = [day for day in range(20, 28) if clock.is_closed_on(date(2026, 11, day))]
    assert closed == [24, 25, 26]
    listed = await closed_days.list_closed(session, "pursat", "en", now=FRIDAY)
    assert [day.day for day, _ in listed[:3]] == [24, 25, 26]
    await closed_days.take_back(session, chief, None, MONDAY, now=FRIDAY)
    assert (await centre_clock.get(session, "pursat")).is_closed_on(MONDAY)


async def test_what_was_promised_stays_and_what_is_overdue_climbs_by_the_new_days(
    session: AsyncSession,
) -> None:
    request = await ask(session)
    due = request.due_at
    assert due is not None
    flood = replace(FLOOD, first=due.date(), last=due.date() + timedelta(days=6))
    await closed_days.close(session, await _manager(session), flood, now=FRIDAY)
    await session.refresh(request)
    assert request.due_at == due
    assert await escalation.climb(session, due + timedelta(minutes=1))
    climbing = await session.scalar(select(Request.climb_at).where(Request.id == request.id))
    assert climbing is not None
    assert climbing.date() > due.date() + timedelta(days=6)


@pytest.mark.parametrize(
    ("changed", "faults"),
    [
        ({"first": None, "label": " \u202e"}, {"first": "missing", "label": "missing"}),
        ({"first": date(2026, 11, 19)}, {"first": "past"}),
        ({"first": date(2027, 11, 27), "last": None}, {"first": "far"}),
        ({"last": MONDAY}, {"last": "before"}),
        ({"last": date(2026, 12, 27)}, {"last": "many"}),
        ({"label": "x" * 101}, {"label": "long"}),
        ({"label": "Meeting"}, {"first": "said"}),
    ],
)
async def test_days_that_cannot_be_are_refused_by_their_field(
    session: AsyncSession, changed: dict[str, object], faults: dict[str, str]
) -> None:
    manager = await _manager(session)
    await closed_days.close(session, manager, replace(FLOOD, last=None), now=FRIDAY)
    with pytest.raises(UnusableForm) as refused:
        await closed_days.close(session, manager, replace(FLOOD, **changed), now=FRIDAY)  # type: ignore[arg-type]
    assert refused.value.faults == faults


async def test_who_may_say_what_of_which_centre(session: AsyncSession) -> None:
    manager, chief = await _manager(session), await _chief(session)
    other, worker = await _manager(session, "preah-vihear"), await visit(session)
    with pytest.raises(UnknownCentre):
        await closed_days.close(session, other, FLOOD, now=FRIDAY)
    with pytest.raises(UnknownCentre):
        await closed_days.close(session, chief, replace(FLOOD, centre_id="mars"), now=FRIDAY)
    for visitor in (worker, manager):
        with pytest.raises(NotAllowed):
            await closed_days.close(session, visitor, replace(FLOOD, centre_id=None), now=FRIDAY)
        with pytest.raises(NotAllowed):
            await closed_days.open_on(session, visitor, MONDAY, now=FRIDAY)
    with pytest.raises(NotAllowed):
        await closed_days.close(session, worker, FLOOD, now=FRIDAY)
    await closed_days.close(session, manager, FLOOD, now=FRIDAY)
    with pytest.raises(UnknownCentre):
        await closed_days.take_back(session, other, "pursat", THURSDAY, now=FRIDAY)
    assert not [line for line in await _lines(session, other) if line.source == "centre"]
    assert len([line for line in await _lines(session, chief) if line.source == "centre"]) == 2


async def test_what_has_passed_is_kept(session: AsyncSession) -> None:
    manager = await _manager(session)
    await closed_days.close(session, manager, FLOOD, now=FRIDAY)
    later = FRIDAY + timedelta(days=30)
    await closed_days.take_back(session, manager, "pursat", THURSDAY, now=later)
    lines = await closed_days.list_lines(session, manager, "en", now=later)
    assert [line.day for line in lines if line.is_over] == [FLOOD.first, FLOOD.last]
    assert len((await session.scalars(select(ClosedDay))).all()) == 2
