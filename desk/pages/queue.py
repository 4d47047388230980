"""The list of requests: what came in, whose it is, what is late; and many given at once.

Where somebody looks (tab, filters, page) is all in the address, so it can be gone back to and kept.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import Response

from desk.access import REQUEST_ROLES, page, redirect
from desk.pages.queue_address import CLOSING, QUEUE, Told, View
from desk.rendering import render
from desk.request import ADDRESS, DeskRequest
from desk.streams import read_moment
from services import centres, codes, phone_numbers
from services.acting import Session
from services.desk_bulk import assign_many
from services.desk_closing import Undoable, find_undoable
from services.desk_filters import LANGUAGES, TOPICS, Filters
from services.desk_queue import (
    TABS,
    QueueLine,
    count_tabs,
    find_by_code,
    find_first_tab,
    list_page,
)
from services.desk_requests import OUTCOMES, URGENCIES, note_refused
from services.desk_rows import Stand
from services.desk_search import WALKS
from services.errors import RequestNotFound
from services.giving import list_able
from services.places import CERTAIN, Place, label, load_gazetteer
from services.referrals import asking_back

CHANNELS: Final = ("telegram", "sms")
_MOST_PLACES: Final = 8


@dataclass(frozen=True, slots=True)
class Chosen:
    """The form below the list as it came: the requests that were ticked, and what for."""

    codes: Sequence[str] = ()
    to: str = ""
    outcome: str = ""
    is_incomplete: bool = False

    @classmethod
    async def read(cls, request: DeskRequest) -> "Chosen":
        ticked = await request.fields("code", most=codes.LENGTH)
        return cls(ticked, await request.field("to"), await request.field("outcome"))


async def show(request: DeskRequest) -> Response:
    """The list, or the choice of the places that a typed name may mean."""
    if request.query_params.get("tab") not in TABS:
        return await _open_first_tab(request)
    view = View.parse(request.query_params)
    if (address := await _find_exact(request, view)) is not None:
        return redirect(request, address)
    places = _find_places(view)
    if len(places) == 1:
        return redirect(request, view.address(place=places[0].code))
    return await _show(request, view, places)


async def _find_exact(request: DeskRequest, view: View) -> str | None:
    """Where to go for a whole code: its page, or a list that holds it; None to stay."""
    visitor = request.visitor
    try:
        async with request.acting() as session:
            found = await find_by_code(session, visitor, view.filters)
    except RequestNotFound:
        async with request.acting() as session:
            await note_refused(session, visitor, view.filters.code or "", now=request.now())
        return None
    if found is None:
        return None
    if found.can_open:
        return f"{ADDRESS}/requests/{found.code}"
    at = Filters(code=found.code, centre=view.filters.centre and found.centre_id)
    there = replace(view, tab=found.tab, filters=at, after=None, where="")
    return None if there == view else there.address()


async def _open_first_tab(request: DeskRequest) -> Response:
    async with request.acting() as session:
        tab = await find_first_tab(session, request.visitor)
    return redirect(request, f"{QUEUE}?{urlencode({**request.query_params, 'tab': tab})}")


async def go_back(request: DeskRequest) -> Response:
    """To the list: somebody who was shown what was wrong with a form asks for its address."""
    return redirect(request, View.parse(request.query_params).address())


async def assign(request: DeskRequest) -> Response:
    """Give the chosen ones to a colleague; the page says with which it could not be done."""
    chosen = await Chosen.read(request)
    try:
        to = UUID(chosen.to)
    except ValueError:
        return await _say_incomplete(request, chosen)
    if not chosen.codes:
        return await _say_incomplete(request, chosen)
    bulk = await assign_many(
        request.parts.new_session,
        request.visitor,
        chosen.codes,
        to,
        drawn=await _read_drawn(request),
        now=request.now(),
    )
    view = View.parse(request.query_params)
    return redirect(request, view.address(**view.page(), **Told.of(bulk).to_query()))


async def close(request: DeskRequest) -> Response:
    """Ask once more before the chosen ones are closed: `desk.pages.queue_closing`."""
    chosen = await Chosen.read(request)
    if not chosen.codes or chosen.outcome not in OUTCOMES:
        return await _say_incomplete(request, chosen)
    view = View.parse(request.query_params)
    asked = {"chosen": ",".join(chosen.codes), "outcome": chosen.outcome}
    return redirect(request, f"{CLOSING}?{view.query(**view.page(), **asked)}")


async def _read_drawn(request: DeskRequest) -> datetime:
    """When the page of this form was made; one that does not say so was never sent before."""
    return read_moment(await request.field("drawn")) or request.now()


async def _say_incomplete(request: DeskRequest, chosen: Chosen) -> Response:
    """What was ticked and chosen stays so."""
    view = View.parse(request.query_params)
    return await _show(request, view, chosen=replace(chosen, is_incomplete=True))


async def _show(
    request: DeskRequest,
    view: View,
    places: Sequence[Place] = (),
    *,
    chosen: Chosen = Chosen(),
) -> Response:
    visitor, now = request.visitor, request.now()
    async with request.acting() as session:
        shown = await list_page(session, visitor, view.tab, view.filters, now=now, after=view.after)
        counts = await count_tabs(session, visitor, view.filters, now=now)
        known_centres = await _name_centres(request, session)
        colleagues = await _list_colleagues(session, request, view, known_centres)
        told = Told.parse(request.query_params)
        to_tell = await asking_back.count_open(session, visitor)
        undoable = await _find_undoable(session, request, told)
        handed_to = await _name_other_centre(request, session, told)
    place = load_gazetteer().find_code(view.filters.place or "")
    place_name = None if place is None else label(place, request.language)
    said = {
        "topics": _said(request, "topic-", TOPICS),
        "urgencies": _said(request, "desk-urgency-", URGENCIES),
        "channels": _said(request, "desk-channel-", CHANNELS),
        "languages": _said(request, "desk-language-", LANGUAGES),
    }
    return render(
        request,
        "queue.html",
        view=view,
        lines=shown.lines,
        following=shown.following,
        is_cut=shown.is_cut,
        walked=sum(WALKS),
        counts=counts,
        colleagues=colleagues,
        known_centres=known_centres,
        place=place_name,
        narrowed=_narrowed(view.filters, place_name, said),
        places=[(label(one, request.language, with_parent=True), one.code) for one in places],
        told=told,
        undoable=undoable,
        handed_to=handed_to,
        to_tell=to_tell,
        chosen=chosen,
        drawn=now.isoformat(),
        live=_live_address(view, shown.lines, now),
        may_close=visitor.role != "administrator",
        tabs=TABS,
        topics=TOPICS,
        outcomes=OUTCOMES,
        said=said,
        display_code=codes.display,
    )


def _narrowed(
    filters: Filters, place: str | None, said: Mapping[str, Mapping[str, str]]
) -> Sequence[str]:
    """What the list was narrowed by, in words: the form that says it is folded away."""
    words = (
        filters.code,
        filters.name,
        filters.phone and phone_numbers.display(filters.phone),
        place,
        said["topics"].get(filters.topic or ""),
        said["urgencies"].get(filters.urgency or ""),
        said["channels"].get(filters.channel or ""),
        said["languages"].get(filters.language or ""),
    )
    return [one for one in words if one]


def _said(request: DeskRequest, family: str, values: Sequence[str]) -> Mapping[str, str]:
    return {value: request.text(family + value) for value in values}


def _find_places(view: View) -> Sequence[Place]:
    """What a typed place may mean: one that is certain, or some to choose from."""
    if not view.where:
        return ()
    found = load_gazetteer().find_any(view.where, limit=_MOST_PLACES)
    certain = [match.place for match in found if match.score >= CERTAIN]
    return certain or [match.place for match in found]


async def _name_other_centre(request: DeskRequest, session: Session, told: Told) -> str | None:
    """Which centre has what was handed over just now."""
    if told.handed_over is None:
        return None
    centre = await centres.find(session, told.handed_over[1])
    return None if centre is None else centre.short_name(request.language)


async def _name_centres(request: DeskRequest, session: Session) -> Mapping[str, str]:
    """By id, for who works for all of them; who works at one needs none named."""
    if request.visitor.centre_id is not None:
        return {}
    return {one.id: one.short_name(request.language) for one in await centres.list_all(session)}


async def _list_colleagues(
    session: Session, request: DeskRequest, view: View, known_centres: Mapping[str, str]
) -> Sequence[tuple[str, str]]:
    """Who may be given a request, by name, oneself first; where they work, when it is not plain."""
    centre = request.visitor.centre_id or view.filters.centre
    able = await list_able(session, request.visitor, centre)
    where = {one.id: known_centres.get(one.centre_id or "", "") for one in able}
    me = request.visitor.staff_id
    return [
        (str(one.id), f"{one.name} · {where[one.id]}" if where[one.id] else one.name)
        for one in sorted(able, key=lambda one: one.id != me)
    ]


async def _find_undoable(session: Session, request: DeskRequest, told: Told) -> Undoable | None:
    if not told.closed or told.drawn is None:
        return None
    return await find_undoable(
        session, request.visitor, told.closed, drawn=told.drawn, now=request.now()
    )


def _live_address(view: View, lines: Sequence[QueueLine], now: datetime) -> str:
    """Where the list hears what is new, and what becomes of its lines and tabs."""
    rows = [Stand.of(one.code, one.state, one.urgency, one.owner_id, one.due_at) for one in lines]
    told = {"since": now.isoformat(), "rows": ",".join(map(str, rows))}
    return f"{QUEUE}/live?{urlencode({**view.filters.to_query(), **told})}"


ROUTES: Final = (
    page("/queue", show, roles=REQUEST_ROLES),
    page("/queue/assign", assign, ["POST"], roles=REQUEST_ROLES),
    page("/queue/close", close, ["POST"], roles=REQUEST_ROLES),
    page("/queue/assign", go_back, roles=REQUEST_ROLES),
    page("/queue/close", go_back, roles=REQUEST_ROLES),
)
