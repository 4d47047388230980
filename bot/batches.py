"""What many tasks want of the database at the same moment, in one statement.

Alone each would wait for the disk by itself: a worker could mark and finish some hundred messages a
second. Whoever comes while a statement runs goes with the next one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from bot.supervision import Tasks

Given = TypeVar("Given")
Got = TypeVar("Got")


class Batches(Generic[Given, Got]):
    """Hands what is given on in batches; ``run`` answers for each, in their order.

    ``linger_s`` is how long a batch waits for company, for what is in no hurry.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Given]], Awaitable[Sequence[Got]]],
        tasks: Tasks,
        *,
        name: str,
        linger_s: float = 0.0,
    ) -> None:
        self._run = run
        self._linger_s = linger_s
        self._tasks = tasks
        self._name = name
        self._waiting: list[tuple[Given, asyncio.Future[Got]]] = []
        self._running = False

    async def do(self, given: Given) -> Got:
        """Raises what ``run`` raised for the batch."""
        future: asyncio.Future[Got] = asyncio.get_running_loop().create_future()
        self._waiting.append((given, future))
        if not self._running:
            self._running = True
            self._tasks.start(self._work(), name=self._name)
        return await future

    async def _work(self) -> None:
        try:
            while self._waiting:
                if self._linger_s:
                    await asyncio.sleep(self._linger_s)
                batch, self._waiting = self._waiting, []
                await self._settle(batch)
        finally:
            self._running = False
            for _, future in self._waiting:
                future.cancel()
            self._waiting = []

    async def _settle(self, batch: Sequence[tuple[Given, asyncio.Future[Got]]]) -> None:
        try:
            results = await self._run([given for given, _ in batch])
        except Exception as error:
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        except asyncio.CancelledError:
            for _, future in batch:
                future.cancel()
            raise
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)
