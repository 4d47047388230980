"""The list of requests: what came in, whose it is, what is late; and many done at once.

Where somebody looks (tab, filters, page) is all in the address, so it can be gone back to and kept.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import Response

from desk.access import REQUEST_ROLES, page, redirect
from desk.rendering import render
from desk.request import ADDRESS, DeskRequest
from services import centres, codes, staff
from services.acting import Session
from services.desk_bulk import Bulk, assign_many, close_many
from services.desk_cursor import Position
from services.desk_filters import LANGUAGES, TOPICS, Filters
from services.desk_queue import MOST_COUNTED, TABS, count_tabs, list_page
from services.desk_requests import OUTCOMES, URGENCIES
from services.errors import MoveNotAllowed, RequestNotFound, UnknownOutcome
from services.places import CERTAIN, Place, label, load_gazetteer

QUEUE: Final = f"{ADDRESS}/queue"
UNDONE: Final = ("gone", "changed", "not_allowed")
CHANNELS: Final = ("telegram", "sms")
_MOST_PLACES: Final = 8


@dataclass(frozen=True, slots=True)
class View:
    """Which part of the list somebody looks at; `where` is a place as it was typed."""

    tab: str
    filters: Filters
    where: str = ""
    after: Position | None = None

    @classmethod
    def parse(cls, given: Mapping[str, str]) -> "View":
        tab = given.get("tab", "")
        return cls(
            tab if tab in TABS else TABS[0],
            Filters.parse(given),
            given.get("where", "").strip()[:100],
            Position.parse(given.get("after", "")),
        )

    def address(self, **changed: str) -> str:
        """Of the same list from its beginning; an empty value leaves something out."""
        return f"{QUEUE}?{self.query(**changed)}"

    def query(self, **changed: str) -> str:
        parts = {"tab": self.tab, **self.filters.to_query(), **changed}
        return urlencode({name: value for name, value in parts.items() if value})


async def show(request: DeskRequest) -> Response:
    """The list, or the choice of the places that a typed name may mean."""
    view = View.parse(request.query_params)
    places = _find_places(view)
    if len(places) == 1:
        return redirect(request, view.address(place=places[0].code))
    return await _show(request, view, places)


async def assign(request: DeskRequest) -> Response:
    """Give the chosen ones to a colleague; the page says with which it could not be done."""
    try:
        to = UUID(await request.field("to"))
    except ValueError:
        return await _show(request, View.parse(request.query_params), nothing_chosen=True)
    bulk = await assign_many(
        request.parts.new_session, request.visitor, await _chosen(request), to, now=request.now()
    )
    return await _show(request, View.parse(request.query_params), bulk=bulk)


async def close(request: DeskRequest) -> Response:
    """Close the chosen ones with one outcome."""
    try:
        bulk = await close_many(
            request.parts.new_session,
            request.visitor,
            await _chosen(request),
            await request.field("outcome"),
            words=request.parts.words,
            now=request.now(),
        )
    except UnknownOutcome:
        return await _show(request, View.parse(request.query_params), nothing_chosen=True)
    return await _show(request, View.parse(request.query_params), bulk=bulk)


async def _show(
    request: DeskRequest,
    view: View,
    places: Sequence[Place] = (),
    *,
    bulk: Bulk | None = None,
    nothing_chosen: bool = False,
) -> Response:
    visitor, now = request.visitor, request.now()
    async with request.acting() as session:
        shown = await list_page(session, visitor, view.tab, view.filters, now=now, after=view.after)
        counts = await count_tabs(session, visitor, view.filters, now=now)
        colleagues = await _list_colleagues(session, visitor.centre_id or view.filters.centre)
        known_centres = () if visitor.centre_id else await centres.list_all(session)
    place = load_gazetteer().find_code(view.filters.place or "")
    return render(
        request,
        "queue.html",
        view=view,
        lines=shown.lines,
        following=shown.following,
        counts=counts,
        most_counted=MOST_COUNTED,
        colleagues=colleagues,
        known_centres={
            one.id: one.name_km if request.language == "km" else one.name_en
            for one in known_centres
        },
        place=None if place is None else label(place, request.language),
        places=[(label(one, request.language, with_parent=True), one.code) for one in places],
        undone=_say_undone(bulk),
        done_count=None if bulk is None else len(bulk.done),
        nothing_chosen=nothing_chosen or (bulk is not None and not bulk.done and not bulk.undone),
        live=f"{QUEUE}/live?{urlencode({'since': now.isoformat(), **_centre(view)})}",
        may_close=visitor.role != "administrator",
        tabs=TABS,
        topics=TOPICS,
        outcomes=OUTCOMES,
        said={
            "topics": _said(request, "topic-", TOPICS),
            "urgencies": _said(request, "desk-urgency-", URGENCIES),
            "channels": _said(request, "desk-channel-", CHANNELS),
            "languages": _said(request, "desk-language-", LANGUAGES),
        },
        display_code=codes.display,
    )


def _said(request: DeskRequest, family: str, values: Sequence[str]) -> Mapping[str, str]:
    return {value: request.text(family + value) for value in values}


def _find_places(view: View) -> Sequence[Place]:
    """What a typed place may mean: one that is certain, or some to choose from."""
    if not view.where:
        return ()
    found = load_gazetteer().find_any(view.where, limit=_MOST_PLACES)
    certain = [match.place for match in found if match.score >= CERTAIN]
    return certain or [match.place for match in found]


async def _list_colleagues(session: Session, centre: str | None) -> Sequence[tuple[UUID, str]]:
    """Who may be given a request, by name."""
    found = await staff.list_staff(session, centre or "all")
    able = [one for one in found if one.role in REQUEST_ROLES]
    return [(one.id, one.name) for one in able]


async def _chosen(request: DeskRequest) -> list[str]:
    return await request.fields("code", most=codes.LENGTH)


def _say_undone(bulk: Bulk | None) -> Sequence[tuple[str, str]]:
    """(code, one of UNDONE) of what could not be done."""
    if bulk is None:
        return ()
    kinds = {RequestNotFound: "gone", MoveNotAllowed: "changed"}
    return [(one.code, kinds.get(type(one.error), "not_allowed")) for one in bulk.undone]


def _centre(view: View) -> dict[str, str]:
    return {"centre": view.filters.centre} if view.filters.centre else {}


ROUTES: Final = (
    page("/queue", show, roles=REQUEST_ROLES),
    page("/queue/assign", assign, ["POST"], roles=REQUEST_ROLES),
    page("/queue/close", close, ["POST"], roles=REQUEST_ROLES),
)
