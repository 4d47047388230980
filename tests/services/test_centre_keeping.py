"""What staff say of their centre: hours as they type them, names, and who takes the rest."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Centre
from services import centre_keeping, centres
from services.accounts.types import Visitor
from services.centre_keeping import CentreNames, Day, Week
from services.errors import ChangedMeanwhile, NotAllowed, UnknownCentre, UnusableForm
from services.office_hours import WEEKDAYS
from tests.services.centre_at_work import FRIDAY
from tests.services.desk_visitors import ask, audited, see_as, visit

LATER = FRIDAY + timedelta(hours=1)
CLOSED = Day([("", ""), ("", "")], is_closed=True)


def week(**days: Sequence[tuple[str, str]]) -> Week:
    """Closed but on these days."""
    return {name: Day(days[name]) if name in days else CLOSED for name in WEEKDAYS}


async def _manager(session: AsyncSession, centre: str = "pursat") -> Visitor:
    return await visit(session, f"Boss {centre}", "centre_manager", centre)


async def _set(session: AsyncSession, visitor: Visitor, told: Week) -> None:
    shown = await centre_keeping.get_page(session, visitor, "pursat", now=LATER)
    await centre_keeping.set_hours(
        session, visitor, "pursat", told, seen=shown.hours_version, now=LATER
    )


async def test_the_usual_hours_are_shown_as_assumed_until_the_centre_tells_its_own(
    session: AsyncSession,
) -> None:
    manager = await _manager(session)
    await see_as(session, manager)
    page = await centre_keeping.get_page(session, manager, "pursat", now=FRIDAY)
    assert (page.are_assumed, page.hours_changed, page.places) == (True, None, ["15"])
    assert page.week["mon"].spans == [("08:00", "12:00"), ("13:30", "17:00")]
    assert page.week["sun"] == CLOSED
    before = page.example_due
    await _set(session, manager, week(mon=[("7:00", "11")], sat=[("០៧:៣០", "0930"), ("", "")]))
    page = await centre_keeping.get_page(session, manager, "pursat", now=FRIDAY)
    assert (await session.get_one(Centre, "pursat")).hours == {
        "mon": [["07:00", "11:00"]],
        "sat": [["07:30", "09:30"]],
    }
    assert not page.are_assumed
    assert page.week["sat"] == Day([("07:30", "09:30"), ("", "")])
    assert page.hours_changed
    assert (page.hours_changed.by, page.hours_changed.at) == ("Boss pursat", LATER)
    assert page.example_due > before
    assert await audited(session) == [("changed", "centre", "pursat", ["hours"])]


@pytest.mark.parametrize(
    ("spans", "fault"),
    [
        ([("", ""), (" ", "")], "empty"),
        ([("08:00", ""), ("", "")], "half"),
        ([("08:00", "12:00"), ("", "17:00")], "half"),
        ([("early", "12:00")], "time"),
        ([("08:00", "25:00")], "time"),
        ([("12:00", "08:00")], "order"),
        ([("08:00", "12:00"), ("11:00", "17:00")], "order"),
        ([("08:00", "08:00")], "order"),
    ],
)
async def test_hours_that_cannot_be_are_refused_by_their_day(
    session: AsyncSession, spans: Sequence[tuple[str, str]], fault: str
) -> None:
    manager = await _manager(session)
    with pytest.raises(UnusableForm) as refused:
        await _set(session, manager, week(mon=[("08:00", "12:00")], tue=spans))
    assert refused.value.faults == {"tue": fault}
    assert (await session.get_one(Centre, "pursat")).hours is None


async def test_a_centre_is_open_at_some_time(session: AsyncSession) -> None:
    with pytest.raises(UnusableForm) as refused:
        await _set(session, await _manager(session), week())
    assert refused.value.faults == {"week": "never_open"}


def test_whoever_ticks_closed_need_not_clear_what_stands_there() -> None:
    told = {**week(mon=[("08:00", "12:00")]), "tue": Day([("08:00", "")], is_closed=True)}
    assert centre_keeping.read_week(told) == {"mon": [["08:00", "12:00"]]}


async def test_what_stands_behind_closed_is_kept_to_open_again_by(session: AsyncSession) -> None:
    manager = await _manager(session)
    told = dict(week(mon=[("08:00", "12:00")]))
    told["tue"] = Day([("8", "11"), ("", "")], is_closed=True)
    told["wed"] = Day([("8", "?"), ("", "")], is_closed=True)
    for _ in range(2):
        await _set(session, manager, told)
    centre = await session.get_one(Centre, "pursat")
    assert centre.hours == {"mon": [["08:00", "12:00"]]}
    shown = (await centre_keeping.get_page(session, manager, "pursat", now=LATER)).week
    assert shown["tue"] == Day([("08:00", "11:00"), ("", "")], is_closed=True)
    assert shown["wed"] == CLOSED
    assert await audited(session) == [("changed", "centre", "pursat", ["hours", "closed_hours"])]


def test_the_days_to_friday_may_be_as_monday() -> None:
    typed = centre_keeping.same_as_monday(week(mon=[("08:00", "?")], sat=[("09:00", "10:00")]))
    assert [typed[day].spans for day in ("tue", "wed", "thu", "fri")] == [[("08:00", "?")]] * 4
    assert (typed["sat"].spans, typed["sun"]) == ([("09:00", "10:00")], CLOSED)


async def test_of_two_who_set_hours_at_once_the_second_is_told(session: AsyncSession) -> None:
    manager = await _manager(session)
    page = await centre_keeping.get_page(session, manager, "pursat", now=FRIDAY)
    first, second = week(mon=[("08:00", "12:00")]), week(mon=[("08:00", "11:00")])
    for told in (first, first):
        await centre_keeping.set_hours(
            session, manager, "pursat", told, seen=page.hours_version, now=LATER
        )
    with pytest.raises(ChangedMeanwhile):
        await centre_keeping.set_hours(
            session, manager, "pursat", second, seen=page.hours_version, now=LATER
        )
    assert len(await audited(session)) == 1


async def test_what_was_told_to_people_stays_when_hours_change(session: AsyncSession) -> None:
    request = await ask(session)
    due = request.due_at
    await _set(session, await _manager(session), week(sat=[("08:00", "09:00")]))
    await session.refresh(request)
    assert request.due_at == due is not None


async def test_who_may_see_and_say_what(session: AsyncSession) -> None:
    told = week(mon=[("08:00", "12:00")])
    other, worker = await _manager(session, "preah-vihear"), await visit(session)
    chief = await visit(session, "Chief", "administrator", None)
    auditor = await visit(session, "Auditor", "auditor", None)
    for stranger in (other, auditor):
        with pytest.raises(UnknownCentre):
            await centre_keeping.get_page(session, stranger, "pursat", now=LATER)
    with pytest.raises(UnknownCentre):
        await centre_keeping.set_hours(session, other, "pursat", told, seen="", now=LATER)
    with pytest.raises(NotAllowed):
        await centre_keeping.set_hours(session, worker, "pursat", told, seen="", now=LATER)
    with pytest.raises(UnknownCentre):
        await centre_keeping.get_page(session, chief, "nowhere", now=LATER)
    await _set(session, chief, told)
    assert [one.id for one in await centre_keeping.list_visible(session, other)] == ["preah-vihear"]
    assert len(await centre_keeping.list_visible(session, chief)) == 3
    assert await centre_keeping.list_visible(session, auditor) == []


async def test_an_administrator_says_what_a_centre_is_called(session: AsyncSession) -> None:
    chief = await visit(session, "Chief", "administrator", None)
    seen = (await centre_keeping.get_page(session, chief, "pursat", now=LATER)).names_version
    names = CentreNames("មជ្ឈមណ្ឌល", " MRC \u202e Pursat ", "", "ពោធិ៍សាត់", "")
    for _ in range(2):
        await centre_keeping.set_names(session, chief, "pursat", names, seen=seen, now=LATER)
    centre = await session.get_one(Centre, "pursat")
    assert (centre.name_en, centre.to_confirm) == ("MRC Pursat", None)
    assert [centre.short_name(language) for language in ("km", "en")] == ["ពោធិ៍សាត់", "MRC Pursat"]
    other = CentreNames("មជ្ឈមណ្ឌល", "Centre", "phone")
    with pytest.raises(ChangedMeanwhile):
        await centre_keeping.set_names(session, chief, "pursat", other, seen=seen, now=LATER)
    empty = CentreNames("", "x" * 201, "x" * 501, "x" * 41)
    with pytest.raises(UnusableForm) as refused:
        await centre_keeping.set_names(session, chief, "pursat", empty, seen=seen, now=LATER)
    assert refused.value.faults == {
        "name_km": "missing",
        **dict.fromkeys(("name_en", "short_km", "to_confirm"), "long"),
    }
    with pytest.raises(NotAllowed):
        await centre_keeping.set_names(
            session, await _manager(session), "pursat", names, seen=seen, now=LATER
        )
    assert await audited(session) == [
        ("changed", "centre", "pursat", ["name_km", "name_en", "short_en", "to_confirm"])
    ]


async def test_one_centre_takes_the_rest(session: AsyncSession) -> None:
    chief = await visit(session, "Chief", "administrator", None)
    for _ in range(2):
        await centre_keeping.take_rest(session, chief, "preah-vihear", now=LATER)
    assert (await centres.centre_for(session, None)).id == "preah-vihear"
    assert await audited(session) == [
        ("changed", "centre", "pursat", ["takes_rest"]),
        ("changed", "centre", "preah-vihear", ["takes_rest"]),
    ]
    with pytest.raises(UnknownCentre):
        await centre_keeping.take_rest(session, chief, "nowhere", now=LATER)
    with pytest.raises(NotAllowed):
        await centre_keeping.take_rest(session, await _manager(session), "pursat", now=LATER)
