"""What happens to a request while its page lies open comes to that page by itself.

Only the thread and the marks above it are written anew: a form that somebody is filling in stays.
"""

import asyncio
import contextlib
from datetime import datetime
from typing import Any, Final

from sse_starlette import ServerSentEvent
from starlette.exceptions import HTTPException
from starlette.responses import Response

from desk.access import REQUEST_ROLES, page
from desk.pages.request import at_request, view
from desk.rendering import render
from desk.request import DeskRequest
from desk.streams import CALM_S, Events, is_old, read_moment, say_signed_out, stream
from services import desk_requests
from services.desk_news import is_signed_in
from services.desk_requests.changes import find_state, is_deleted
from services.errors import RequestNotFound

_LOOK_S: Final = 10.0
_LOOK_SOON_S: Final = 2.0


async def live(request: DeskRequest) -> Response:
    """Server-sent events: `lines` with the thread as it is now."""
    async with at_request(request) as (session, code):
        await find_state(session, request.visitor, code)
    since = read_moment(request.query_params.get("since", ""))
    if since is None:
        raise HTTPException(400)
    return stream(request, _tell(request, since))


async def _tell(request: DeskRequest, since: datetime) -> Events:
    digest = request.query_params.get("digest", "")
    code = request.path_params["code"]
    with request.parts.news.watch(request.visitor.centre_id) as changed:
        while True:
            changed.clear()
            pushed = None
            async with request.acting() as session:
                if not await is_signed_in(session, request.visitor, now=request.now()):
                    break
                try:
                    state = await find_state(session, request.visitor, code)
                except RequestNotFound:
                    is_gone = await is_deleted(session, code)
                    yield _push(request, "request_gone.html", is_deleted=is_gone)
                    break
                if state.digest != digest:
                    shown = await desk_requests.get_page(
                        session, request.visitor, code, now=request.now()
                    )
                    digest = shown.digest
                    parts = view(request, shown)
                    pushed = _push(request, "request_pushed.html", **parts, is_pushed=True)
            if pushed is not None:
                yield pushed
            if is_old(request, since):
                break
            await asyncio.sleep(CALM_S)  # many changes at once are one
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SOON_S if state.is_moving else _LOOK_S):
                    await changed.wait()


def _push(request: DeskRequest, template: str, **values: Any) -> ServerSentEvent:
    """What takes the place of the thread, or of the whole page."""
    return ServerSentEvent(bytes(render(request, template, **values).body).decode(), event="lines")


ROUTES: Final = (page("/requests/{code}/live", live, roles=REQUEST_ROLES, lapsed=say_signed_out),)
