"""Tells an open list what is not so any more, without moving what somebody reads.

What has come in is a number and a link; the list stays as it is until its reader wants the new one.
What has become of a request that stands there (a colleague took it, it is urgent now, its deadline
is another one) is said in its own line, over what is true no more. The numbers of the tabs follow.
"""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

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
from services.desk_queue import TABS, Arrived, count_new, count_tabs
from services.desk_rows import Changed, Stand, list_changed
from services.desk_search import MOST_COUNTED, Count

_LOOK_S: Final = 60.0
_UNKNOWN: Final = "?"


async def live(request: DeskRequest) -> Response:
    """Server-sent events: `new` with the notice, `row-…` with what became of the request of a code,
    `due-…` with its deadline if that is another one, and `tab-…` with how many a tab holds.

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
    arrived: Arrived | None = None
    drawn_codes = [one.code for one in drawn]
    told = {
        **{f"row-{code}": _UNKNOWN for code in drawn_codes},
        **{f"due-{code}": _UNKNOWN for code in drawn_codes},
        **{f"tab-{name}": _UNKNOWN for name in TABS},
    }
    with request.parts.news.watch(request.visitor.centre_id) as changed:
        while True:
            changed.clear()
            async with request.acting() as session:
                if not await is_signed_in(session, request.visitor, now=request.now()):
                    return
                new = await count_new(session, request.visitor, filters, since=since)
                rows = await list_changed(
                    session, request.visitor, drawn, since=since, now=request.now()
                )
                counts = await count_tabs(session, request.visitor, filters, now=request.now())
            if new != arrived:
                arrived = new
                yield ServerSentEvent(_notice(request, new), event="new")
            for event in _tell_news(
                {**_say_rows(request, rows), **_say_tabs(request, counts)}, told
            ):
                yield event
            if is_old(request, since):
                break
            await asyncio.sleep(CALM_S)  # many changes at once are one notice
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await changed.wait()
    yield ServerSentEvent(request.text("desk-queue-over"), event="new")


def _tell_news(now: Mapping[str, str], told: dict[str, str]) -> Iterator[ServerSentEvent]:
    """What was not told yet; a row that stands again as it was drawn falls silent."""
    for name in {**told, **now}:
        words = now.get(name, "")
        if told.get(name, "") != words:
            yield ServerSentEvent(words, event=name)
    told.clear()
    told.update(now)


def _say_rows(request: DeskRequest, changed: Sequence[Changed]) -> Mapping[str, str]:
    said: dict[str, str] = {}
    for one in changed:
        if not one.is_only_due:
            code = codes.display(one.code)
            said[f"row-{one.code}"] = _draw(request, "queue_changed.html", changed=one, code=code)
        if one.deadline is not None:
            said[f"due-{one.code}"] = _draw(request, "queue_deadline.html", deadline=one.deadline)
    return said


def _say_tabs(request: DeskRequest, counts: Mapping[str, Count]) -> Mapping[str, str]:
    return {
        f"tab-{tab}": _draw(request, "queue_count.html", tab=tab, count=counts[tab]) for tab in TABS
    }


def _notice(request: DeskRequest, new: Arrived) -> str:
    if new.number == 0:
        return ""
    return _draw(request, "queue_new.html", new=new, most_counted=MOST_COUNTED)


def _draw(request: DeskRequest, template: str, **parts: Any) -> str:
    """On one line, as an event holds it."""
    return " ".join(bytes(render(request, template, **parts).body).decode().split())


ROUTES: Final = (page("/queue/live", live, roles=REQUEST_ROLES, lapsed=say_signed_out),)
