"""The agencies to which people can be referred: everybody reads them, administrators keep them."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from starlette.responses import Response

from desk.access import REQUEST_ROLES, page, redirect
from desk.pages.centre_parts import (
    CHANGED,
    SECTIONS,
    WRONG,
    at_subject,
    number_of,
    one_of,
    say_day,
    seen_at,
)
from desk.rendering import CAMBODIA, render
from desk.request import ADDRESS, DeskRequest
from services import agencies
from services.agencies import PURPOSES, AgencyForm, AgencyLine
from services.errors import ChangedMeanwhile, UnusableForm
from services.places import label, load_gazetteer

AGENCIES: Final = f"{ADDRESS}/agencies"
DONE: Final = ("added", "changed", "ended", "taken_up")
FAULTS: Final = ("missing", "long", "taken", "unknown", "number", "future", "other_number", "day")
PHONE_STATES: Final = ("none", "unconfirmed", "confirmed", "stale")
_ADMINISTRATOR: Final = ("administrator",)


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the form; `day` is `confirmed_on` as it was typed."""

    form: AgencyForm
    day: str = ""
    seen: datetime | None = None


async def list_agencies(request: DeskRequest) -> Response:
    """Those to whom people can be referred; the ended ones behind a link."""
    asked = request.query_params
    purpose = one_of(asked.get("purpose", ""), PURPOSES)
    is_ended = asked.get("ended") == "yes"
    async with request.acting() as session:
        if is_ended:
            lines = await agencies.list_ended(session)
        else:
            lines = await agencies.list_for(session, purpose)
    return render(
        request,
        "agencies.html",
        sections=SECTIONS,
        lines=[line for line in lines if line.fits],
        purpose=purpose,
        is_ended=is_ended,
        purposes=PURPOSES,
        may_keep=agencies.may_keep(request.visitor),
        done=one_of(asked.get("done", ""), DONE),
        say_place=_place_sayer(request.language),
        say_day=lambda day: say_day(day, request.language),
        display_phone=agencies.display_phone,
        moment_now=request.now(),
    )


async def show_new(request: DeskRequest) -> Response:
    return _form(request, Typed(AgencyForm("", "")))


async def add(request: DeskRequest) -> Response:
    return await _save(request, None)


async def show(request: DeskRequest) -> Response:
    async with at_subject(request, "agency", _agency_id(request)) as session:
        line = await agencies.get(session, _agency_id(request))
    return _form(request, _typed_of(line), line=line)


async def change(request: DeskRequest) -> Response:
    return await _save(request, _agency_id(request))


async def end(request: DeskRequest) -> Response:
    async with at_subject(request, "agency", _agency_id(request)) as session:
        await agencies.end(session, request.visitor, _agency_id(request), now=request.now())
    return redirect(request, f"{AGENCIES}?done=ended")


async def take_up(request: DeskRequest) -> Response:
    async with at_subject(request, "agency", _agency_id(request)) as session:
        await agencies.take_up(session, request.visitor, _agency_id(request), now=request.now())
    return redirect(request, f"{AGENCIES}?done=taken_up")


async def _save(request: DeskRequest, agency_id: int | None) -> Response:
    """Keep what was typed; of two who write at once, the second decides anew."""
    typed = await _read(request)
    line = None
    if agency_id is not None:
        async with at_subject(request, "agency", agency_id) as session:
            line = await agencies.get(session, agency_id)
    try:
        form = replace(typed.form, confirmed_on=_read_day(typed.day))
        async with at_subject(request, "agency", agency_id) as session:
            await agencies.save(
                session, request.visitor, agency_id, form, seen=typed.seen, now=request.now()
            )
    except UnusableForm as error:
        return _form(request, typed, line=line, faults=error.faults)
    except ChangedMeanwhile:
        assert line is not None
        again = replace(typed, seen=line.updated_at)
        return _form(request, again, line=line, is_changed=True)
    return redirect(request, f"{AGENCIES}?done={'added' if line is None else 'changed'}")


def _form(
    request: DeskRequest,
    typed: Typed,
    *,
    line: AgencyLine | None = None,
    faults: Mapping[str, str] | None = None,
    is_changed: bool = False,
) -> Response:
    language = request.language
    return render(
        request,
        "agency.html",
        status=WRONG if faults else CHANGED if is_changed else 200,
        sections=SECTIONS,
        typed=typed.form,
        day=typed.day,
        seen=typed.seen.isoformat() if typed.seen else "",
        line=line,
        faults=faults or {},
        is_changed=is_changed,
        purposes=PURPOSES,
        choices=_place_choices(typed.form.places, language),
        today=request.now().astimezone(CAMBODIA).date().isoformat(),
        say_place=_place_sayer(language),
        say_day=lambda day: say_day(day, language),
        display_phone=agencies.display_phone,
        moment_now=request.now(),
    )


async def _read(request: DeskRequest) -> Typed:
    form = AgencyForm(
        name_km=await request.field("name_km"),
        name_en=await request.field("name_en"),
        purposes=await request.fields("purposes"),
        places=await request.fields("places"),
        phone=await request.field("phone"),
        note=await request.field("note"),
        is_sensitive=await request.field("is_sensitive") != "",
        is_called=await request.field("is_called") != "",
    )
    return Typed(form, await request.field("confirmed_on"), await seen_at(request))


def _read_day(typed: str) -> date | None:
    """Raises UnusableForm."""
    if not typed.strip():
        return None
    try:
        return date.fromisoformat(typed.strip())
    except ValueError:
        raise UnusableForm({"confirmed_on": "day"}) from None


def _typed_of(line: AgencyLine) -> Typed:
    form = AgencyForm(
        line.name_km,
        line.name_en,
        purposes=line.purposes,
        places=line.places,
        phone=agencies.display_phone(line.phone) if line.phone else "",
        note=line.note or "",
        is_sensitive=line.is_sensitive,
    )
    day = line.confirmed_on.isoformat() if line.confirmed_on else ""
    return Typed(form, day, line.updated_at)


def _place_choices(chosen: Collection[str], language: str) -> list[tuple[str, str]]:
    """(code, name) of every province, and of what else was chosen already."""
    known = load_gazetteer()
    provinces = [(place.code, place.name(language)) for place in known.likely_provinces(language)]
    smaller = [known.find_code(code) for code in chosen]
    return provinces + [
        (place.code, label(place, language, with_parent=True))
        for place in smaller
        if place is not None and place.parent is not None
    ]


def _place_sayer(language: str) -> Callable[[str], str]:
    known = load_gazetteer()
    return lambda code: label(known.get(code), language, with_parent=True, kind=False)


def _agency_id(request: DeskRequest) -> int:
    return number_of(request.path_params["agency"])


ROUTES: Final = (
    page("/agencies", list_agencies, roles=REQUEST_ROLES),
    page("/agencies/new", show_new, roles=_ADMINISTRATOR),
    page("/agencies/new", add, ["POST"], roles=_ADMINISTRATOR),
    page("/agencies/{agency}", show, roles=_ADMINISTRATOR),
    page("/agencies/{agency}", change, ["POST"], roles=_ADMINISTRATOR),
    page("/agencies/{agency}/end", end, ["POST"], roles=_ADMINISTRATOR),
    page("/agencies/{agency}/take-up", take_up, ["POST"], roles=_ADMINISTRATOR),
)
