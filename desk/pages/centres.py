"""When a centre is open, what it is called, whom it serves.

The hours are a form that anybody can fill in on a phone: it says beside the day what cannot be, and
keeps whatever was typed.
"""

import dataclasses
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Final

from babel.dates import format_datetime, get_day_names
from starlette.responses import Response

from desk.access import REQUEST_ROLES, page, redirect
from desk.pages.centre_parts import CHANGED, SECTIONS, WRONG, at_centre, one_of, say_day
from desk.rendering import CAMBODIA, render
from desk.request import ADDRESS, DeskRequest
from services import centre_keeping, closed_days
from services.acting import Session
from services.agencies import display_phone
from services.centre_keeping import CentreNames, CentrePage, Day, Week, same_as_monday, show_week
from services.due_times import TIME_TO_ANSWER
from services.errors import ChangedMeanwhile, UnusableForm
from services.office_hours import WEEKDAYS, are_assumed, in_rows
from services.places import label, load_gazetteer

CENTRES: Final = f"{ADDRESS}/centres"
DONE: Final = ("hours", "names", "rest")
NOTES: Final = ("copied", "changed")
DAY_FAULTS: Final = ("empty", "half", "time", "order")
NAME_FAULTS: Final = ("missing", "long")
_KEEPERS: Final = ("centre_manager", "administrator")
_ADMINISTRATOR: Final = ("administrator",)
_MOST_SPANS: Final = 4
_LONGEST_TIME: Final = 20
_SHOWN_DAYS: Final = 3


async def list_centres(request: DeskRequest) -> Response:
    """All of them, or at once the only one that somebody may see."""
    async with request.acting() as session:
        visible = await centre_keeping.list_visible(session, request.visitor)
    if len(visible) == 1:
        return redirect(request, f"{CENTRES}/{visible[0].id}")
    return render(
        request,
        "centres.html",
        sections=SECTIONS,
        lines=[(one, _say_week(show_week(one.hours))) for one in visible],
        are_assumed=are_assumed,
        day_names=_day_names(request.language),
    )


async def show(request: DeskRequest) -> Response:
    return await _show(request)


async def set_hours(request: DeskRequest) -> Response:
    """Keep the hours, or put Monday's into the days to Friday without keeping anything yet."""
    week = await _read_week(request)
    if await request.field("do") == "same":
        return await _show(request, week=same_as_monday(week), note="copied")
    seen = await request.field("seen")
    try:
        async with _at_centre(request) as session:
            await centre_keeping.set_hours(
                session, request.visitor, _centre_id(request), week, seen=seen, now=request.now()
            )
    except UnusableForm as error:
        return await _show(request, week=week, faults=error.faults)
    except ChangedMeanwhile:
        return await _show(request, week=week, note="changed")
    return _back(request, "hours")


async def set_names(request: DeskRequest) -> Response:
    names = CentreNames(
        **{one.name: await request.field(one.name) for one in dataclasses.fields(CentreNames)}
    )
    seen = await request.field("seen")
    try:
        async with _at_centre(request) as session:
            await centre_keeping.set_names(
                session, request.visitor, _centre_id(request), names, seen=seen, now=request.now()
            )
    except UnusableForm as error:
        return await _show(request, names=names, faults=error.faults)
    except ChangedMeanwhile:
        return await _show(request, names=names, note="changed")
    return _back(request, "names")


async def take_rest(request: DeskRequest) -> Response:
    """Make this centre the one of people whose home is no centre's."""
    async with _at_centre(request) as session:
        await centre_keeping.take_rest(
            session, request.visitor, _centre_id(request), now=request.now()
        )
    return _back(request, "rest")


async def _show(
    request: DeskRequest,
    *,
    week: Week | None = None,
    names: CentreNames | None = None,
    faults: Mapping[str, str] | None = None,
    note: str | None = None,
) -> Response:
    """The page; with what was typed as long as it is not kept."""
    visitor, language = request.visitor, request.language
    async with _at_centre(request) as session:
        shown = await centre_keeping.get_page(
            session, visitor, _centre_id(request), now=request.now()
        )
        closed = await closed_days.list_closed(
            session, shown.centre.id, language, now=request.now()
        )
    status = WRONG if faults else CHANGED if note == "changed" else 200
    return render(
        request,
        "centre.html",
        status=status,
        sections=SECTIONS,
        shown=shown,
        centre=shown.centre,
        own=f"{CENTRES}/{shown.centre.id}",
        week=week or shown.week,
        kept_week=_say_week(shown.week),
        names=names or _names_of(shown),
        faults=faults or {},
        note=note,
        is_about_names=names is not None,
        done=one_of(request.query_params.get("done", ""), DONE),
        may_set_hours=centre_keeping.may_set_hours(visitor),
        may_set_names=centre_keeping.may_set_names(visitor),
        is_one_of_many=visitor.centre_id is None,
        display_phone=display_phone,
        day_names=_day_names(language),
        open_hours={name: _hours(time) for name, time in TIME_TO_ANSWER.items()},
        example_due=_say_moment(shown, language),
        closed_days=[
            (one.name, say_day(one.first, language), say_day(one.last, language))
            for one in in_rows(closed)[:_SHOWN_DAYS]
        ],
        places=_say_places(shown, language),
    )


def _hours(time: timedelta) -> int:
    return round(time / timedelta(hours=1))


def _say_week(week: Week) -> Mapping[str, str]:
    """By day: "08:00–12:00, 13:30–17:00", "" for closed."""
    return {day: "" if told.is_closed else _say_spans(told) for day, told in week.items()}


def _say_spans(told: Day) -> str:
    return ", ".join(f"{opens}–{closes}" for opens, closes in told.spans if opens)


def _say_moment(shown: CentrePage, language: str) -> str:
    at = shown.example_due.astimezone(CAMBODIA)
    said: str = format_datetime(at, "cccc d MMMM HH:mm", locale=language)
    return said


def _say_places(shown: CentrePage, language: str) -> list[str]:
    known = load_gazetteer()
    places = [known.find_code(code) for code in shown.places]
    return [label(place, language, with_parent=True) for place in places if place is not None]


def _day_names(language: str) -> Mapping[str, str]:
    names = get_day_names("wide", "stand-alone", locale=language)
    return {day: names[number] for number, day in enumerate(WEEKDAYS)}


def _names_of(shown: CentrePage) -> CentreNames:
    centre = shown.centre
    names = CentreNames(
        **{one.name: getattr(centre, one.name) or "" for one in dataclasses.fields(CentreNames)}
    )
    return dataclasses.replace(names, phone_e164=display_phone(names.phone_e164))


async def _read_week(request: DeskRequest) -> Week:
    return {day: await _read_day(request, day) for day in WEEKDAYS}


async def _read_day(request: DeskRequest, day: str) -> Day:
    form = await request.form()
    spans = [
        (
            await request.field(f"{day}-{n}-from", most=_LONGEST_TIME),
            await request.field(f"{day}-{n}-to", most=_LONGEST_TIME),
        )
        for n in range(_MOST_SPANS)
        if f"{day}-{n}-from" in form
    ]
    return Day(spans, is_closed=await request.field(f"{day}-closed") != "")


def _at_centre(request: DeskRequest) -> AbstractAsyncContextManager[Session]:
    return at_centre(request, _centre_id(request))


def _centre_id(request: DeskRequest) -> str:
    return str(request.path_params["centre"])


def _back(request: DeskRequest, done: str) -> Response:
    return redirect(request, f"{CENTRES}/{_centre_id(request)}?done={done}")


ROUTES: Final = (
    page("/centres", list_centres, roles=REQUEST_ROLES),
    page("/centres/{centre}", show, roles=REQUEST_ROLES),
    page("/centres/{centre}/hours", set_hours, ["POST"], roles=_KEEPERS),
    page("/centres/{centre}/names", set_names, ["POST"], roles=_ADMINISTRATOR),
    page("/centres/{centre}/rest", take_rest, ["POST"], roles=_ADMINISTRATOR),
)
