"""Tells an open list that something new has come in, without moving what somebody reads.

The notice is a number and a link; the list stays as it is until its reader wants the new one.
"""

import asyncio
import contextlib
from datetime import datetime
from typing import Final

from sse_starlette import ServerSentEvent
from starlette.exceptions import HTTPException
from starlette.responses import Response

from desk.access import REQUEST_ROLES, page
from desk.rendering import render
from desk.request import DeskRequest
from desk.streams import CALM_S, Events, is_old, read_moment, say_signed_out, stream
from services.desk_filters import Filters
from services.desk_news import is_signed_in
from services.desk_queue import count_new
from services.desk_search import MOST_COUNTED

_LOOK_S: Final = 60.0


async def live(request: DeskRequest) -> Response:
    """Server-sent events: `new` with the notice.

    When the page has lain open for long, it says that nothing new is told any more.
    """
    since = read_moment(request.query_params.get("since", ""))
    if since is None or since > request.now():
        raise HTTPException(400)
    filters = Filters.parse(request.query_params)
    return stream(request, _tell(request, filters, since))


async def _tell(request: DeskRequest, filters: Filters, since: datetime) -> Events:
    told = 0
    with request.parts.news.watch(request.visitor.centre_id) as changed:
        while True:
            changed.clear()
            async with request.acting() as session:
                if not await is_signed_in(session, request.visitor, now=request.now()):
                    return
                count = await count_new(session, request.visitor, filters, since=since)
            if count != told:
                told = count
                yield ServerSentEvent(_notice(request, count), event="new")
            if is_old(request, since):
                break
            await asyncio.sleep(CALM_S)  # many changes at once are one notice
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await changed.wait()
    yield ServerSentEvent(request.text("desk-queue-over"), event="new")


def _notice(request: DeskRequest, count: int) -> str:
    shown = render(request, "queue_new.html", count=count, most_counted=MOST_COUNTED)
    return bytes(shown.body).decode()


ROUTES: Final = (page("/queue/live", live, roles=REQUEST_ROLES, lapsed=say_signed_out),)
