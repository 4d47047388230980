"""Takes updates out of the inbox: many addresses at once, one address by one consumer, in order.

The locks that say "mine" live with one connection of this process. When the process dies, however
it dies, PostgreSQL frees them at once and another consumer goes on: nobody waits for a lease.
"""

import asyncio
import secrets
import time
from collections.abc import Sequence

import structlog
from asyncpg import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from bot import metrics
from bot.supervision import Tasks, wait_for, waking
from services import inbox
from services.direct import direct_connection, own_connection
from services.inbox import Claimed, Handler, OutgoingSms, PassingFault

log = structlog.get_logger(__name__)

_HANDLER_LIMIT_S = 60.0
_SWEEP = 1000
_LAST_CHANCE_S = 8.0


class LocksLostError(Exception):
    """The connection that held this process's locks is gone: others may handle its addresses."""


class InboxConsumer:
    """Handles updates until told to stop. ``poll_s`` is how often it looks without being woken."""

    def __init__(
        self, engine: AsyncEngine, handler: Handler, *, concurrency: int = 32, poll_s: float = 2.0
    ) -> None:
        self._engine = engine
        self._handler = handler
        self._concurrency = concurrency
        self._poll_s = poll_s
        self._reset()

    def _reset(self) -> None:
        self._wake = asyncio.Event()
        self._tasks = Tasks()
        self._wanted: dict[bytes, None] = {}  # in the order in which they asked
        self._busy: dict[bytes, bool] = {}  # held by us; True when something new came meanwhile
        self._finished: list[bytes] = []

    async def run(self, stopping: asyncio.Event) -> None:
        """Consume until ``stopping`` is set, then let what is being handled end.

        Raises LocksLostError, OSError or a database error; it may then be run again.
        """
        self._reset()
        async with own_connection(self._engine) as locks, waking(stopping, self._wake):
            locks.add_termination_listener(lambda _: self._wake.set())
            await locks.add_listener(inbox.CHANNEL, self._on_notice)
            try:
                await self._consume(locks, stopping)
                if stopping.is_set():
                    await self._tasks.finish(_LAST_CHANCE_S)
            finally:
                await self._tasks.cancel()
            if locks.is_closed() and not stopping.is_set():
                raise LocksLostError

    async def _consume(self, locks: Connection, stopping: asyncio.Event) -> None:
        next_sweep = 0.0
        while not (stopping.is_set() or locks.is_closed()):
            if time.monotonic() >= next_sweep:
                await self._sweep()
                next_sweep = time.monotonic() + self._poll_s
            self._wake.clear()
            await self._assign(locks)
            await wait_for(self._wake, max(0.0, next_sweep - time.monotonic()))

    def _on_notice(
        self, _connection: Connection, _pid: int, _channel: str, payload: object
    ) -> None:
        self._want(bytes.fromhex(str(payload)))
        self._wake.set()

    def _want(self, key: bytes) -> None:
        if key in self._busy:
            self._busy[key] = True
        else:
            self._wanted[key] = None

    async def _sweep(self) -> None:
        async with direct_connection(self._engine) as connection:
            for key in await inbox.list_due(connection, _SWEEP):
                self._wanted.setdefault(key)

    async def _assign(self, locks: Connection) -> None:
        """Give up finished addresses and take wanted ones, as many as there are free hands."""
        if self._finished:
            done, self._finished = self._finished, []
            await inbox.unlock_addresses(locks, done)
            for key in done:
                if self._busy.pop(key):
                    self._wanted[key] = None
        free = self._concurrency - len(self._busy)
        chosen = [key for key in self._wanted if key not in self._busy][: max(free, 0)]
        if not chosen:
            return
        for key in chosen:
            # Busy before the lock is asked for: what arrives during the question is not missed.
            self._busy[key] = False
            del self._wanted[key]
        ours = await inbox.lock_addresses(locks, chosen)
        for key in chosen:
            if key in ours:
                self._tasks.start(self._serve(key), name="inbox address")
            else:
                del self._busy[key]

    async def _serve(self, key: bytes) -> None:
        """Handle what waits for one address, oldest first, then hand the address back."""
        try:
            claimed = await self._claim(key)
            while claimed is not None:
                claimed = await self._handle(key, claimed)
        finally:
            self._finished.append(key)
            self._wake.set()

    async def _claim(self, key: bytes) -> Claimed | None:
        async with direct_connection(self._engine) as connection:
            return await inbox.claim(connection, key)

    async def _handle(self, key: bytes, claimed: Claimed) -> Claimed | None:
        began = time.perf_counter()
        try:
            answers = await self._answers(claimed)
        except asyncio.CancelledError:
            await self._give_back(claimed)
            raise
        except PassingFault as fault:
            await self._postpone(claimed, fault)
            return None
        except Exception:
            return await self._failed(key, claimed)
        metrics.HANDLED.labels(claimed.channel).inc()
        metrics.HANDLING.labels(claimed.channel).observe(time.perf_counter() - began)
        return await self._finish(key, claimed, answers)

    async def _finish(
        self, key: bytes, claimed: Claimed, answers: Sequence[OutgoingSms]
    ) -> Claimed | None:
        """Go on with the address, unless others wait: who answers at once would starve them."""
        async with direct_connection(self._engine) as connection:
            finished = await inbox.finish(
                connection, key, claimed.id, answers, go_on=not self._wanted
            )
        if finished.more and finished.claimed is None:
            self._busy[key] = True
        return finished.claimed

    async def _answers(self, claimed: Claimed) -> Sequence[OutgoingSms]:
        if claimed.attempt > inbox.MAX_ATTEMPTS:
            raise RuntimeError("the process ended each time while handling this")
        async with asyncio.timeout(_HANDLER_LIMIT_S):
            return await self._handler(claimed.open())

    async def _give_back(self, claimed: Claimed) -> None:
        async with direct_connection(self._engine) as connection:
            await inbox.give_back(connection, claimed)

    async def _postpone(self, claimed: Claimed, fault: PassingFault) -> None:
        cause = type(fault.__cause__).__name__
        log.warning("update_postponed", item=claimed.id, channel=claimed.channel, cause=cause)
        async with direct_connection(self._engine) as connection:
            await inbox.postpone(connection, claimed, fault.after_s)

    async def _failed(self, key: bytes, claimed: Claimed) -> Claimed | None:
        """Put a failed update off, holding its address, or give it up and go on."""
        error_id = secrets.token_hex(4)
        metrics.FAILED.labels(claimed.channel).inc()
        async with direct_connection(self._engine) as connection:
            again = await inbox.put_off(connection, claimed, error_id)
            log.exception(
                "update_failed",
                item=claimed.id,
                channel=claimed.channel,
                attempt=claimed.attempt,
                error_id=error_id,
                again=again,
            )
            return None if again else await inbox.claim(connection, key)
