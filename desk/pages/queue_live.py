"""Tells an open list what is not so any more, without moving what somebody reads.

What has come in is a number and a link; the list stays as it is until its reader wants the new one.
What has become of a request that stands there (a colleague took it, it is urgent now) is said in
its own line, over what is true no more.
"""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from sse_starlette import ServerSentEvent
from starlette.exceptions import HTTPException
from starlette.responses import Response

from desk.access import REQUEST_ROLES, page
from desk.rendering import render
from desk.request import DeskRequest
from desk.streams import CALM_S, Events, is_old, read_moment, say_signed_out, stream
from services import codes
from services.desk_filters import Filters
from services.desk_news import is_signed_in
from services.desk_queue import count_new
from services.desk_rows import Changed, Stand, list_changed
from services.desk_search import MOST_COUNTED

_LOOK_S: Final = 60.0
_UNKNOWN: Final = "?"


async def live(request: DeskRequest) -> Response:
    """Server-sent events: `new` with the notice, `row-…` with what became of the request of a code.

    When the page has lain open for long, it says that nothing new is told any more.
    """
    since = read_moment(request.query_params.get("since", ""))
    if since is None or since > request.now():
        raise HTTPException(400)
    filters = Filters.parse(request.query_params)
    drawn = Stand.parse_all(request.query_params.get("rows", ""))
    return stream(request, _tell(request, filters, since, drawn))


async def _tell(
    request: DeskRequest, filters: Filters, since: datetime, drawn: Sequence[Stand]
) -> Events:
    # A page may have called before: what it last heard, over a line that broke, nobody knows.
    told: int | None = None
    rows = {one.code: _UNKNOWN for one in drawn}
    with request.parts.news.watch(request.visitor.centre_id) as changed:
        while True:
            changed.clear()
            async with request.acting() as session:
                if not await is_signed_in(session, request.visitor, now=request.now()):
                    return
                count = await count_new(session, request.visitor, filters, since=since)
                changed_rows = await list_changed(session, request.visitor, drawn)
            if count != told:
                told = count
                yield ServerSentEvent(_notice(request, count), event="new")
            for event in _tell_rows(request, changed_rows, rows):
                yield event
            if is_old(request, since):
                break
            await asyncio.sleep(CALM_S)  # many changes at once are one notice
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await changed.wait()
    yield ServerSentEvent(request.text("desk-queue-over"), event="new")


def _tell_rows(
    request: DeskRequest, changed: Sequence[Changed], told: dict[str, str]
) -> Iterator[ServerSentEvent]:
    """What was not told of a row yet; one that stands again as it was drawn falls silent."""
    now = {one.code: _say(request, one) for one in changed}
    for code in {**told, **now}:
        words = now.get(code, "")
        if told.get(code, "") != words:
            yield ServerSentEvent(words, event=f"row-{code}")
    told.clear()
    told.update(now)


def _say(request: DeskRequest, changed: Changed) -> str:
    code = codes.display(changed.code)
    shown = render(request, "queue_changed.html", changed=changed, code=code)
    return " ".join(bytes(shown.body).decode().split())


def _notice(request: DeskRequest, count: int) -> str:
    if count == 0:
        return ""
    shown = render(request, "queue_new.html", count=count, most_counted=MOST_COUNTED)
    return bytes(shown.body).decode()


ROUTES: Final = (page("/queue/live", live, roles=REQUEST_ROLES, lapsed=say_signed_out),)
