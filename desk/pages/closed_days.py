"""The days on which centres are closed: those of the calendar, and what people know better."""

from collections.abc import Mapping
from datetime import date
from typing import Final

from babel.dates import format_date
from starlette.responses import Response

from desk.access import REQUEST_ROLES, Forged, page, redirect
from desk.pages.centre_parts import SECTIONS, WRONG, at_centre, one_of
from desk.rendering import CAMBODIA, render
from desk.request import ADDRESS, DeskRequest
from services import centre_keeping, closed_days
from services.closed_days import LOOK_AHEAD, DayLine, DaysForm
from services.errors import UnusableForm

DAYS: Final = f"{ADDRESS}/days"
DONE: Final = ("closed", "open", "back")
FAULTS: Final = ("missing", "long", "day", "past", "far", "before", "many", "said")
_KEEPERS: Final = ("centre_manager", "administrator")
_ADMINISTRATOR: Final = ("administrator",)
_FIELDS: Final = ("centre", "first", "last", "label")


async def show(request: DeskRequest) -> Response:
    return await _show(request, dict.fromkeys(_FIELDS, ""))


async def close(request: DeskRequest) -> Response:
    """Close a centre, or all of them, on a day or on several that follow one another."""
    typed = {name: await request.field(name) for name in _FIELDS}
    centre_id = typed["centre"] or request.visitor.centre_id
    try:
        first, last = _read_day(typed, "first"), _read_day(typed, "last")
        form = DaysForm(centre_id, first, last, typed["label"])
        async with at_centre(request, centre_id) as session:
            await closed_days.close(session, request.visitor, form, now=request.now())
    except UnusableForm as error:
        return await _show(request, typed, faults=error.faults)
    return _back(request, "closed")


async def open_on(request: DeskRequest) -> Response:
    """Say of a holiday of the calendar that offices are open."""
    day = await _day(request)
    async with at_centre(request, None) as session:
        await closed_days.open_on(session, request.visitor, day, now=request.now())
    return _back(request, "open")


async def take_back(request: DeskRequest) -> Response:
    centre_id, day = await request.field("centre") or None, await _day(request)
    async with at_centre(request, centre_id) as session:
        await closed_days.take_back(session, request.visitor, centre_id, day, now=request.now())
    return _back(request, "back")


async def _show(
    request: DeskRequest, typed: Mapping[str, str], *, faults: Mapping[str, str] | None = None
) -> Response:
    visitor, language, now = request.visitor, request.language, request.now()
    async with request.acting() as session:
        lines = await closed_days.list_lines(session, visitor, language, now=now)
        visible = await centre_keeping.list_visible(session, visitor)
    today = now.astimezone(CAMBODIA).date()
    return render(
        request,
        "closed_days.html",
        status=WRONG if faults else 200,
        sections=SECTIONS,
        lines=[line for line in lines if not line.is_over],
        past=[line for line in reversed(lines) if line.is_over],
        typed=typed,
        faults=faults or {},
        may_close=closed_days.may_close(visitor),
        may_correct=closed_days.may_correct(visitor),
        centres={one.id: one.short_name(language) for one in visible},
        say=lambda line: _say(line, language),
        today=today.isoformat(),
        furthest=(today + LOOK_AHEAD).isoformat(),
        done=one_of(request.query_params.get("done", ""), DONE),
    )


def _say(line: DayLine, language: str) -> str:
    said: str = format_date(line.day, "cccc d MMMM y", locale=language)
    return said


def _read_day(typed: Mapping[str, str], name: str) -> date | None:
    """Raises UnusableForm."""
    told = typed[name].strip()
    try:
        return date.fromisoformat(told) if told else None
    except ValueError:
        raise UnusableForm({name: "day"}) from None


async def _day(request: DeskRequest) -> date:
    """The day of a button of ours."""
    try:
        return date.fromisoformat(await request.field("day"))
    except ValueError:
        raise Forged from None


def _back(request: DeskRequest, done: str) -> Response:
    return redirect(request, f"{DAYS}?done={done}")


ROUTES: Final = (
    page("/days", show, roles=REQUEST_ROLES),
    page("/days", close, ["POST"], roles=_KEEPERS),
    page("/days/open", open_on, ["POST"], roles=_ADMINISTRATOR),
    page("/days/back", take_back, ["POST"], roles=_KEEPERS),
)
