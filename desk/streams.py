"""The lines over which open pages hear what happens: how they end, whatever they tell.

A line that outlived its session would go on telling who was signed out, and one that outlived its
process would hold it up: both end at once, and the page learns which of the two it was.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Final

import anyio
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import Response

from desk.access import next_step, redirect, sign_in_address
from desk.request import DeskRequest
from services.accounts.endings import notice_of_end
from services.desk_news import is_signed_in

Events = AsyncGenerator[ServerSentEvent, None]

CALM_S: Final = 1.0
"""How long a line rests after each look: many changes at once are told as one."""
OVER: Final = "over"
SIGNED_OUT: Final = "signed-out"
_LIVES: Final = timedelta(minutes=25)
_BACK: Final = "back"
_PING_S: Final = 25
_FAREWELL_S: Final = 1.0
_EVENT_STREAM: Final = "text/event-stream"


def is_old(request: DeskRequest, since: datetime) -> bool:
    """Whether a page of this moment, at which nobody has looked since, hears no more.

    Sooner than a session may be idle: a page that lies open must not keep anybody signed in. A
    page that was hidden and is seen again says when (`back`), as far as it can say that at all.
    """
    seen = read_moment(request.query_params.get(_BACK, "")) or since
    return request.now() - max(since, seen) >= _LIVES


def read_moment(written: str) -> datetime | None:
    """When a page was made, as its address says; None for what is no moment."""
    try:
        return datetime.fromisoformat(written).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def stream(request: DeskRequest, events: Events) -> Response:
    """Server-sent events: those given, then `over`, or `signed-out` once the session has ended.

    When the process stops neither comes: the browser calls again, and finds the next process.
    """
    line = _Line(request, events)
    return EventSourceResponse(
        line.hear(),
        ping=_PING_S,
        data_sender_callable=line.tell,
        shutdown_event=line.stopping,
        shutdown_grace_period=_FAREWELL_S,
    )


async def say_signed_out(request: DeskRequest) -> Response:
    """The answer to a page that calls again after its session: it knows what to do with its words.

    Led to the sign-in, as others are, it would read that page for a line and call again for ever.
    """
    if _EVENT_STREAM not in request.headers.get("accept", ""):
        visitor = request.find_visitor()
        return redirect(request, sign_in_address(None) if visitor is None else next_step(visitor))
    return EventSourceResponse(_only(ServerSentEvent("", event=SIGNED_OUT)))


class _Line:
    """One page that listens."""

    def __init__(self, request: DeskRequest, events: Events) -> None:
        self.stopping = anyio.Event()
        self._request = request
        self._events = events
        self._said: asyncio.Queue[ServerSentEvent | None] = asyncio.Queue(1)

    async def hear(self) -> AsyncIterator[ServerSentEvent]:
        while (event := await self._said.get()) is not None:
            yield event

    async def tell(self) -> None:
        """Pass on what happens, until any of what ends a line does."""
        async with anyio.create_task_group() as group:
            for work in (self._pass_on, self._wait_for_end, self.stopping.wait):
                group.start_soon(_then_cancel, group.cancel_scope, work)
        if not self.stopping.is_set():
            last = OVER if await self._is_signed_in() else SIGNED_OUT
            await self._said.put(ServerSentEvent("", event=last))
        await self._said.put(None)

    async def _pass_on(self) -> None:
        async with aclosing(self._events) as events:
            async for event in events:
                await self._said.put(event)

    async def _wait_for_end(self) -> None:
        visitor = self._request.visitor
        with self._request.parts.news.watch(notice_of_end(visitor.staff_id)) as told:
            while await self._is_signed_in():
                await told.wait()
                told.clear()

    async def _is_signed_in(self) -> bool:
        async with self._request.acting() as session:
            return await is_signed_in(session, self._request.visitor, now=self._request.now())


async def _then_cancel(scope: anyio.CancelScope, work: Callable[[], Awaitable[None]]) -> None:
    await work()
    scope.cancel()


async def _only(event: ServerSentEvent) -> AsyncIterator[ServerSentEvent]:
    yield event
