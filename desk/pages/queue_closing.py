"""Many requests closed at once: looked at before, and taken back after.

Whoever ticks a whole page has not looked at each. So the page says what would be closed unanswered
and who would be asked what, and waits for a second press.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from starlette.responses import Response

from desk.access import REQUEST_ROLES, page, redirect
from desk.pages.queue_address import CLOSING, Told, View, find_why, read_codes
from desk.rendering import render
from desk.request import DeskRequest
from desk.streams import read_moment
from services import codes
from services.desk_closing import ClosingLine, close_many, count_asked, look, undo_many
from services.desk_filters import TOPICS
from services.desk_requests import OUTCOMES, note_refused
from services.errors import RequestNotFound

GROUPS: Final = ("plain", "agency", "unreached", "unanswered")


async def ask(request: DeskRequest) -> Response:
    """What closing the chosen ones would do."""
    return await _ask(request)


async def close(request: DeskRequest) -> Response:
    """Close those that are ticked; without one the page asks again."""
    ticked = await request.fields("code", most=codes.LENGTH)
    outcome = request.query_params.get("outcome", "")
    if not ticked or outcome not in OUTCOMES:
        return await _ask(request, is_incomplete=True)
    drawn = read_moment(await request.field("drawn")) or request.now()
    bulk = await close_many(
        request.parts.new_session,
        request.visitor,
        ticked,
        outcome,
        words=request.parts.words,
        drawn=drawn,
        now=request.now(),
    )
    told = Told.of(bulk)
    return _tell(request, Told(told.done, told.undone, closed=bulk.done, drawn=drawn))


async def undo(request: DeskRequest) -> Response:
    """Take a closing back, as far as nothing has come of it."""
    bulk = await undo_many(
        request.parts.new_session,
        request.visitor,
        await request.fields("code", most=codes.LENGTH),
        drawn=read_moment(await request.field("drawn")) or request.now(),
        now=request.now(),
    )
    told = Told.of(bulk)
    return _tell(request, Told(undone=told.undone, reopened=told.done))


async def go_back(request: DeskRequest) -> Response:
    """To the list: somebody asks for the address of a form."""
    return redirect(request, View.parse(request.query_params).address())


def _tell(request: DeskRequest, told: Told) -> Response:
    view = View.parse(request.query_params)
    return redirect(request, view.address(**view.page(), **told.to_query()))


async def _ask(request: DeskRequest, *, is_incomplete: bool = False) -> Response:
    view, outcome = View.parse(request.query_params), request.query_params.get("outcome", "")
    chosen = read_codes(request.query_params.get("chosen", ""))
    if not chosen or outcome not in OUTCOMES:
        return redirect(request, view.address())
    async with request.acting() as session:
        closing = await look(session, request.visitor, chosen, now=request.now())
        for one in closing.undone:
            if isinstance(one.error, RequestNotFound):
                await note_refused(session, request.visitor, one.code, now=request.now())
    asked = {"chosen": ",".join(chosen), "outcome": outcome}
    return render(
        request,
        "queue_closing.html",
        groups=_group(closing.lines),
        asked=count_asked([line for line in closing.lines if line.is_plain]),
        has_later=any(line.is_later for line in closing.lines),
        undone=[(one.code, find_why(one)) for one in closing.undone],
        outcome=outcome,
        send_to=f"{CLOSING}?{view.query(**view.page(), **asked)}",
        back_to=view.address(**view.page()),
        drawn=request.now().isoformat(),
        is_incomplete=is_incomplete,
        topics=TOPICS,
        display_code=codes.display,
    )


def _group(lines: Sequence[ClosingLine]) -> Mapping[str, Sequence[ClosingLine]]:
    """What needs no second look, and what does: an agency waits, or the person was not answered."""
    groups: dict[str, list[ClosingLine]] = {name: [] for name in GROUPS}
    for line in lines:
        groups[_find_group(line)].append(line)
    return groups


def _find_group(line: ClosingLine) -> str:
    if line.is_answered:
        return "plain" if line.is_plain else "agency"
    return "unreached" if line.was_rung else "unanswered"


ROUTES: Final = (
    page("/queue/closing", ask, roles=REQUEST_ROLES),
    page("/queue/closing", close, ["POST"], roles=REQUEST_ROLES),
    page("/queue/undo", undo, ["POST"], roles=REQUEST_ROLES),
    page("/queue/undo", go_back, roles=REQUEST_ROLES),
)
