"""The one place that starts background tasks.

A bare ``asyncio.create_task`` loses its task to the garbage collector, its exception to nobody and
its work to the next shutdown. Here every task is kept, a crash is logged with its name, and
stopping waits before it cancels.
"""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import structlog

log = structlog.get_logger(__name__)

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 15.0
_STEADY_AFTER_S = 60.0

Work = Callable[[], Coroutine[Any, Any, None]]


class Tasks:
    """A set of running tasks with one orderly end."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._running)

    def start(self, work: Coroutine[Any, Any, None], *, name: str) -> asyncio.Task[None]:
        """Run a coroutine in the background; what it raises is logged."""
        task = asyncio.create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def keep(self, work: Work, *, name: str) -> asyncio.Task[None]:
        """Run something that must never end; it starts again with a growing pause."""
        return self.start(_kept(work, name), name=name)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("task_crashed", task=task.get_name(), exc_info=task.exception())

    async def finish(self, within_s: float) -> None:
        """Wait for the tasks to end by themselves, then cancel those that have not."""
        if self._running:
            await asyncio.wait(set(self._running), timeout=within_s)
        await self.cancel()

    async def cancel(self) -> None:
        """Cancel every task and wait until each has cleaned up."""
        for task in tuple(self._running):
            task.cancel()
        while self._running:
            await asyncio.wait(set(self._running))


async def _kept(work: Work, name: str) -> None:
    loop = asyncio.get_running_loop()
    pause = _FIRST_PAUSE_S
    while True:
        began = loop.time()
        try:
            await work()
        except Exception:
            log.exception("task_restarts", task=name, pause_s=pause)
        if loop.time() - began > _STEADY_AFTER_S:
            pause = _FIRST_PAUSE_S
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_S)


@contextlib.asynccontextmanager
async def stop_signals() -> AsyncIterator[asyncio.Event]:
    """An event that SIGTERM or SIGINT sets; the signals are ours only inside the block."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT)
    for number in signals:
        loop.add_signal_handler(number, stopping.set)
    try:
        yield stopping
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


async def wait_for(event: asyncio.Event, timeout_s: float) -> None:
    """Return when the event is set or the time is over, whichever comes first."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            await event.wait()


@contextlib.asynccontextmanager
async def waking(event: asyncio.Event, also: asyncio.Event) -> AsyncIterator[None]:
    """Inside the block, setting ``event`` sets ``also``: a loop then waits for one thing only."""

    async def pass_on() -> None:
        await event.wait()
        also.set()

    tasks = Tasks()
    tasks.start(pass_on(), name="waking")
    try:
        yield
    finally:
        await tasks.cancel()
