"""What happens to a request while its page lies open comes to that page by itself.

Only the thread, the marks above it and the buttons that need nothing else are written anew: a form
that somebody is filling in stays. Of what nobody else did, the page makes no news.
"""

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sse_starlette import ServerSentEvent
from starlette.exceptions import HTTPException
from starlette.responses import Response

from desk.access import REQUEST_ROLES, page
from desk.pages.centre_parts import number_of
from desk.pages.request import at_request, view
from desk.rendering import render
from desk.request import DeskRequest
from desk.streams import CALM_S, Events, is_old, read_moment, say_signed_out, stream
from services import desk_requests
from services.desk_news import is_signed_in
from services.desk_requests.changes import find_state, has_news, is_deleted
from services.errors import RequestNotFound

_LOOK_S: Final = 10.0
_LOOK_SOON_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class _Look:
    """What a look at the request found; `digest` and `is_moving` as in `State`."""

    digest: str = ""
    is_moving: bool = False
    pushed: ServerSentEvent | None = None
    is_last: bool = False


async def live(request: DeskRequest) -> Response:
    """Server-sent events: `lines` with the thread as it is now."""
    async with at_request(request) as (session, code):
        await find_state(session, request.visitor, code)
    since = read_moment(request.query_params.get("since", ""))
    if since is None:
        raise HTTPException(400)
    read = number_of(request.query_params.get("read", "0"))
    return stream(request, _tell(request, since, read))


async def _tell(request: DeskRequest, since: datetime, read: int) -> Events:
    digest = request.query_params.get("digest", "")
    with request.parts.news.watch(request.visitor.centre_id) as changed:
        while True:
            changed.clear()
            look = await _look(request, digest, read)
            # Outside the transaction: who hears slowly must not hold it open.
            if look.pushed is not None:
                yield look.pushed
            if look.is_last or is_old(request, since):
                break
            digest = look.digest
            await asyncio.sleep(CALM_S)  # many changes at once are one
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SOON_S if look.is_moving else _LOOK_S):
                    await changed.wait()


async def _look(request: DeskRequest, digest: str, read: int) -> _Look:
    """`read` is the latest event that the page had when it was opened."""
    code = request.path_params["code"]
    async with request.acting() as session:
        if not await is_signed_in(session, request.visitor, now=request.now()):
            return _Look(is_last=True)
        try:
            state = await find_state(session, request.visitor, code)
        except RequestNotFound:
            is_gone = await is_deleted(session, code)
            gone = _push(request, "request_gone.html", is_deleted=is_gone)
            return _Look(pushed=gone, is_last=True)
        if state.digest == digest:
            return _Look(digest, state.is_moving)
        shown = await desk_requests.get_page(session, request.visitor, code, now=request.now())
        is_news = await has_news(session, request.visitor, shown.request, read)
        values = view(request, shown) | {"is_pushed": True, "is_news": is_news}
        pushed = _push(request, "request_pushed.html", **values)
    return _Look(shown.digest, state.is_moving, pushed)


def _push(request: DeskRequest, template: str, **values: Any) -> ServerSentEvent:
    """What takes the place of the thread, or of the whole page."""
    return ServerSentEvent(bytes(render(request, template, **values).body).decode(), event="lines")


ROUTES: Final = (page("/requests/{code}/live", live, roles=REQUEST_ROLES, lapsed=say_signed_out),)
