"""Tells an open list that something new has come in, without moving what somebody reads.

The notice is a number and a link; the list stays as it is until its reader wants the new one.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Final

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.exceptions import HTTPException
from starlette.responses import Response

from desk.access import REQUEST_ROLES, page
from desk.rendering import render
from desk.request import DeskRequest
from services.desk_filters import Filters
from services.desk_news import is_signed_in
from services.desk_queue import count_new
from services.desk_search import MOST_COUNTED

LIVES: Final = timedelta(minutes=25)
"""Shorter than a session may be idle: a page that lies open must not keep anybody signed in."""
CALM_S: Final = 1.0
_LOOK_S: Final = 60.0
PING_S: Final = 25


async def live(request: DeskRequest) -> Response:
    """Server-sent events: `new` with the notice, `over` when the page has lain open for long.

    Then the notice says that nothing new is told any more.
    """
    since = read_moment(request.query_params.get("since", ""))
    if since is None or since > request.now():
        raise HTTPException(400)
    if request.now() - since >= LIVES:
        return Response(status_code=204)  # a browser asks no more after this
    filters = Filters.parse(request.query_params)
    return EventSourceResponse(_tell(request, filters, since), ping=PING_S)


async def _tell(
    request: DeskRequest, filters: Filters, since: datetime
) -> AsyncIterator[ServerSentEvent]:
    told = 0
    with request.parts.news.watch(request.visitor.centre_id) as changed:
        while request.now() - since < LIVES:
            changed.clear()
            async with request.acting() as session:
                if not await is_signed_in(session, request.visitor, now=request.now()):
                    break
                count = await count_new(session, request.visitor, filters, since=since)
            if count != told:
                told = count
                yield ServerSentEvent(_notice(request, count), event="new")
            await asyncio.sleep(CALM_S)  # many changes at once are one notice
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await changed.wait()
    yield ServerSentEvent(request.text("desk-queue-over"), event="new")
    yield ServerSentEvent("", event="over")


def _notice(request: DeskRequest, count: int) -> str:
    shown = render(request, "queue_new.html", count=count, most_counted=MOST_COUNTED)
    return bytes(shown.body).decode()


def read_moment(written: str) -> datetime | None:
    """When a page was made, as its address says; None for what is no moment."""
    try:
        return datetime.fromisoformat(written).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


ROUTES: Final = (page("/queue/live", live, roles=REQUEST_ROLES),)
