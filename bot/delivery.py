"""Sends what the outbox promises: never two messages of one address at once, none of them twice."""

import asyncio
import time
from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import structlog
from asyncpg import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from bot import metrics
from bot.supervision import Tasks, wait_for, waking
from services import outbox
from services.direct import direct_connection, own_connection
from services.outbox import OutboxItem
from services.outcomes import Outcome, Refused, Sent, Uncertain, Unreachable

log = structlog.get_logger(__name__)

_MOST_PER_CLAIM = 32
_LAST_CHANCE_S = 8.0
_SEND_LIMIT_S = 45.0  # well inside the lease
_RECONCILE_AT_ONCE = 20


class Sender(Protocol):
    """A carrier's door out."""

    async def send(self, item: OutboxItem) -> Outcome: ...


@runtime_checkable
class Reconciler(Protocol):
    """A carrier that can be asked what it has."""

    async def find_sent(self, item: OutboxItem) -> list[Sent]: ...


class Delivery:
    """Sends messages until told to stop. ``poll_s`` is how often it looks without being woken."""

    def __init__(
        self,
        engine: AsyncEngine,
        senders: Mapping[str, Sender],
        *,
        concurrency: int = 32,
        poll_s: float = 2.0,
    ) -> None:
        self._engine = engine
        self._senders = senders
        self._concurrency = concurrency
        self._poll_s = poll_s
        self._wake = asyncio.Event()
        self._tasks = Tasks()

    async def run(self, stopping: asyncio.Event) -> None:
        """Send until ``stopping`` is set, then let what is being sent end.

        Raises OSError or a database error; it may then be run again.
        """
        async with own_connection(self._engine) as listener, waking(stopping, self._wake):
            listener.add_termination_listener(lambda _: self._wake.set())
            await listener.add_listener(outbox.CHANNEL, self._on_notice)
            try:
                await self._deliver(listener, stopping)
            finally:
                await self._tasks.finish(_LAST_CHANCE_S)
            if listener.is_closed() and not stopping.is_set():
                raise ConnectionError("the connection that listens was lost")

    async def _deliver(self, listener: Connection, stopping: asyncio.Event) -> None:
        next_sweep = 0.0
        while not (stopping.is_set() or listener.is_closed()):
            if time.monotonic() >= next_sweep:
                await self._sweep()
                next_sweep = time.monotonic() + self._poll_s
            self._wake.clear()
            await self._claim()
            await wait_for(self._wake, max(0.0, next_sweep - time.monotonic()))

    def _on_notice(self, _connection: Connection, _pid: int, _channel: str, _load: object) -> None:
        self._wake.set()

    async def _claim(self) -> None:
        free = min(self._concurrency - len(self._tasks), _MOST_PER_CLAIM)
        if free <= 0:
            return
        async with direct_connection(self._engine) as connection:
            items = await outbox.claim(connection, free)
        for item in items:
            self._tasks.start(self._send(item), name="outbox message")

    async def _send(self, item: OutboxItem) -> None:
        try:
            began = time.perf_counter()
            outcome = await self._try(item)
            metrics.SENDING.labels(item.channel).observe(time.perf_counter() - began)
            async with direct_connection(self._engine) as connection:
                await outbox.record(connection, item, outcome)
            metrics.OUTCOMES.labels(item.channel, type(outcome).__name__.lower()).inc()
            _tell(item, outcome)
        finally:
            self._wake.set()  # the next message of this address may go now

    async def _try(self, item: OutboxItem) -> Outcome:
        sender = self._senders.get(item.channel)
        if sender is None:
            return Refused("channel not set up")
        if item.silent:
            return Unreachable("known as unreachable")
        try:
            async with asyncio.timeout(_SEND_LIMIT_S):
                return await sender.send(item)
        except TimeoutError:
            return Uncertain("too slow")
        except Exception:
            log.exception("sending_failed", item=item.id, channel=item.channel)
            return Uncertain("error")

    async def _sweep(self) -> None:
        async with direct_connection(self._engine) as connection:
            await outbox.mark_abandoned(connection)
            for channel, sender in self._senders.items():
                if isinstance(sender, Reconciler):
                    for item in await outbox.list_to_reconcile(
                        connection, channel, _RECONCILE_AT_ONCE
                    ):
                        self._tasks.start(self._reconcile(item, sender), name="outbox question")

    async def _reconcile(self, item: OutboxItem, sender: Reconciler) -> None:
        """Ask the carrier for a message whose answer never came."""
        candidates = await sender.find_sent(item)
        async with direct_connection(self._engine) as connection:
            known = await outbox.known_elsewhere(
                connection, item, [sent.provider_id for sent in candidates]
            )
            found = next((sent for sent in candidates if sent.provider_id not in known), None)
            if found is not None:
                await outbox.settle(connection, item, found.provider_id, found.parts)
                log.info("message_found_at_carrier", item=item.id, channel=item.channel)


def _tell(item: OutboxItem, outcome: Outcome) -> None:
    name = type(outcome).__name__.lower()
    if isinstance(outcome, Sent):
        log.debug("message_sent", item=item.id, channel=item.channel, parts=outcome.parts)
    else:
        reason = outcome.code if isinstance(outcome, Refused) else outcome.reason
        log.warning(
            "message_not_sent", item=item.id, channel=item.channel, outcome=name, reason=reason
        )
