"""Sends what the outbox promises: never two messages of one address at once, none of them twice.

A message is claimed, weighed by the contact policy with what is known now, marked as being sent in
the moment when its turn with the carrier has come, and sent. Each lane has places of its own: a
thousand messages of bulk never stand before an answer.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol, runtime_checkable

import structlog
from asyncpg import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from bot import metrics
from bot.batches import Batches
from bot.supervision import Tasks, wait_for, waking
from services import contact_policy, outbox
from services.contact_policy import Allowed, Facts, Forbidden, NotNow, Purpose
from services.direct import DATABASE_ERRORS, direct_connection, own_connection
from services.outbox import BULK, DIALOG, Dropped, OutboxItem
from services.outcomes import Later, Outcome, Refused, Sent, Uncertain, Unreachable

log = structlog.get_logger(__name__)

_LANES = (DIALOG, BULK)
_PURPOSES = frozenset(Purpose)
_LAST_CHANCE_S = 8.0
_SEND_LIMIT_S = 45.0  # well inside the lease
_RECONCILE_AT_ONCE = 20
_LINGER_S = 0.005  # a database that writes down several outcomes at once has half the work

Ready = Callable[[], Awaitable[None]]
Clock = Callable[[], datetime]
Result = Outcome | Dropped


class NoLongerOursError(Exception):
    """The claim ended before the message's turn came: somebody else has it, or nobody yet."""


class Sender(Protocol):
    """A carrier's door out.

    ``ready`` is awaited right before anything of the message can reach the carrier; what it raises
    ends the attempt.
    """

    async def send(self, item: OutboxItem, ready: Ready) -> Outcome: ...


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
        concurrency: int = 64,
        poll_s: float = 2.0,
        now: Clock = lambda: datetime.now(UTC),
    ) -> None:
        self._engine = engine
        self._senders = senders
        self._concurrency = concurrency
        self._poll_s = poll_s
        self._now = now
        self._wake = asyncio.Event()
        self._tasks = Tasks()
        self._in_hand: dict[int, set[int]] = {DIALOG: set(), BULK: set()}
        self._due = set(_LANES)
        self._notices = 0
        self._closed_until: dict[str, float] = {}
        self._unrecorded: list[tuple[OutboxItem, Result]] = []
        self._writers = Tasks()
        self._starts = Batches(self._start_all, self._writers, name="outbox starts")
        self._records = Batches(
            self._record_all, self._writers, name="outbox records", linger_s=_LINGER_S
        )

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
                await self._writers.finish(_LAST_CHANCE_S)
            if listener.is_closed() and not stopping.is_set():
                raise ConnectionError("the connection that listens was lost")

    async def _deliver(self, listener: Connection, stopping: asyncio.Event) -> None:
        next_sweep = 0.0
        while not (stopping.is_set() or listener.is_closed()):
            if time.monotonic() >= next_sweep:
                await self._sweep()
                next_sweep = time.monotonic() + self._poll_s
                self._due.update(_LANES)
            self._wake.clear()
            due, self._due = self._due, set()
            for lane in sorted(due):
                await self._claim(lane)
            await wait_for(self._wake, max(0.0, next_sweep - time.monotonic()))

    def _on_notice(self, _connection: Connection, _pid: int, _channel: str, notice: object) -> None:
        if notice == outbox.BULK_NOTICE:
            self._look_at(BULK)
        else:
            self._notices += 1
            self._look_at(DIALOG)

    def _look_at(self, *lanes: int) -> None:
        self._due.update(lanes)
        self._wake.set()

    # --- claiming and weighing ---

    async def _claim(self, lane: int) -> None:
        free = self._concurrency - len(self._in_hand[lane])
        if free < (self._concurrency // 2 if lane == BULK else 1):
            return  # bulk comes in armfuls: a statement for each place that becomes free is dear
        async with direct_connection(self._engine) as connection:
            claimed = await outbox.claim(connection, lane, free, without=self._list_closed())
            if not claimed:
                return
            items, dropped = await self._weigh(connection, claimed)
            if dropped:
                await outbox.drop(connection, dropped)
        for item in items:
            self._in_hand[lane].add(item.id)
            self._tasks.start(self._send(item), name="outbox message")
        if dropped:
            _tell_dropped(dropped)
            self._look_at(*_LANES)

    def _list_closed(self) -> list[str]:
        """Channels whose carrier asked for patience: claiming would only move rows about."""
        now = time.monotonic()
        self._closed_until = {name: at for name, at in self._closed_until.items() if at > now}
        return list(self._closed_until)

    async def _weigh(
        self, connection: Connection, items: Sequence[OutboxItem]
    ) -> tuple[list[OutboxItem], list[Dropped]]:
        """Part what may go out now, worded as it may, from what may not."""
        asked = [item.id for item in items if item.purpose != Purpose.DIALOG]
        now = self._now()
        facts = await contact_policy.load_facts(connection, asked, at=now) if asked else {}
        goes: list[OutboxItem] = []
        stays: list[Dropped] = []
        for item in items:
            weighed = self._weigh_one(item, facts.get(item.id), now)
            (stays if isinstance(weighed, Dropped) else goes).append(weighed)  # type: ignore[arg-type]
        return goes, stays

    def _weigh_one(
        self, item: OutboxItem, facts: Facts | None, now: datetime
    ) -> OutboxItem | Dropped:
        if item.channel not in self._senders:
            return Dropped(item, "failed", "channel not set up")
        if item.silent:
            return Dropped(item, "unreachable", "known as unreachable")
        return item if facts is None else _ask_policy(item, facts, now)

    # --- sending ---

    async def _send(self, item: OutboxItem) -> None:
        notices = self._notices
        try:
            result = await self._try(item)
            if result is not None:
                await self._record(item, result)
        finally:
            self._in_hand[item.lane].discard(item.id)
            # The next message of this address may go now; an answer behind bulk came with a notice.
            self._look_at(*((BULK,) if item.lane == BULK and notices == self._notices else _LANES))

    async def _try(self, item: OutboxItem) -> Result | None:
        """None when nothing is known of it and nothing was sent: then its claim just ends."""
        began = 0.0

        async def ready() -> None:
            nonlocal began
            if not await self._starts.do(item):
                raise NoLongerOursError
            began = time.perf_counter()

        outcome: Outcome | None
        try:
            async with asyncio.timeout(_SEND_LIMIT_S):
                outcome = await self._senders[item.channel].send(item, ready)
        except NoLongerOursError:
            return Dropped(item, "waiting")
        except Exception as error:
            outcome = _explain(item, error) if began else _explain_not_begun(item, error)
        if outcome is None:
            return None
        self._note(item, outcome)
        if not began:
            return _put_back(item, outcome, self._now())
        metrics.SENDING.labels(item.channel).observe(time.perf_counter() - began)
        return outcome

    def _note(self, item: OutboxItem, outcome: Outcome) -> None:
        if isinstance(outcome, Later) and outcome.for_everybody:
            self._closed_until[item.channel] = time.monotonic() + outcome.after_s
        metrics.OUTCOMES.labels(item.channel, type(outcome).__name__.lower()).inc()
        _tell(item, outcome)

    async def _start_all(self, items: Sequence[OutboxItem]) -> Sequence[bool]:
        async with direct_connection(self._engine) as connection:
            started = await outbox.start(connection, items)
        return [item.id in started for item in items]

    # --- recording ---

    async def _record(self, item: OutboxItem, result: Result) -> None:
        """What is known is kept until the database takes it: else it would become uncertain."""
        try:
            await self._records.do((item, result))
        except DATABASE_ERRORS as error:
            log.warning("outcome_not_recorded", item=item.id, error=type(error).__name__)
            self._unrecorded.append((item, result))

    async def _record_all(self, done: Sequence[tuple[OutboxItem, Result]]) -> Sequence[None]:
        sent = [(item, result) for item, result in done if isinstance(result, Sent)]
        dropped = [result for _, result in done if isinstance(result, Dropped)]
        async with direct_connection(self._engine) as connection:
            if sent:
                await outbox.record_sent(connection, sent)
            if dropped:
                await outbox.drop(connection, dropped)
            for item, result in done:
                if not isinstance(result, Sent | Dropped):
                    await outbox.record(connection, item, result)
        return [None] * len(done)

    async def _sweep(self) -> None:
        if self._unrecorded:
            late = self._unrecorded
            await self._record_all(late)
            self._unrecorded = self._unrecorded[len(late) :]
        async with direct_connection(self._engine) as connection:
            await outbox.mark_abandoned(connection)
            for channel, sender in self._senders.items():
                if isinstance(sender, Reconciler):
                    uncertain = await outbox.list_to_reconcile(
                        connection, channel, _RECONCILE_AT_ONCE
                    )
                    for items in _by_address(uncertain):
                        self._tasks.start(self._reconcile(items, sender), name="outbox question")

    async def _reconcile(self, items: Sequence[OutboxItem], sender: Reconciler) -> None:
        """Ask the carrier for messages of one address whose answers never came, in their order.

        Each sees what the one before it was found to be: their words may be the same.
        """
        for item in items:
            found = await sender.find_sent(item)
            async with direct_connection(self._engine) as connection:
                if found and await outbox.settle(connection, item, found):
                    log.info("message_found_at_carrier", item=item.id, channel=item.channel)


def _by_address(items: Sequence[OutboxItem]) -> Iterable[Sequence[OutboxItem]]:
    grouped: dict[str, list[OutboxItem]] = {}
    for item in items:
        grouped.setdefault(item.address, []).append(item)
    return grouped.values()


def _ask_policy(item: OutboxItem, facts: Facts, now: datetime) -> OutboxItem | Dropped:
    if item.purpose not in _PURPOSES:
        return Dropped(item, "withheld", "unknown purpose")
    match contact_policy.decide(Purpose(item.purpose), facts, now):
        case Forbidden(reason):
            return Dropped(item, "withheld", reason)
        case NotNow(until):
            return Dropped(item, "waiting", until=until)
        case Allowed(neutral):
            return _make_neutral(item) if neutral else item


def _make_neutral(item: OutboxItem) -> OutboxItem | Dropped:
    """What others may read: never a file, and nothing at all without such words.

    Buttons stay where the neutral words ask too: without them they could not be answered. Nobody
    answers what they could not read.
    """
    if item.neutral is None:
        return Dropped(item, "withheld", "no neutral words")
    markup = None if item.asks_in_full else item.reply_markup
    return replace(item, text=item.neutral, document=None, reply_markup=markup)


def _explain(item: OutboxItem, error: Exception) -> Outcome:
    """It failed after something of it may have reached the carrier."""
    if isinstance(error, TimeoutError):
        return Uncertain("too slow")
    log.exception("sending_failed", item=item.id, channel=item.channel)
    return Uncertain("error")


def _explain_not_begun(item: OutboxItem, error: Exception) -> Outcome | None:
    """Nothing of it can be with the carrier. Without a database its claim just ends."""
    if isinstance(error, DATABASE_ERRORS):
        log.warning("message_not_begun", item=item.id, error=type(error).__name__)
        return None
    log.error("sending_failed", item=item.id, channel=item.channel, exc_info=error)
    return Refused("error")


def _put_back(item: OutboxItem, outcome: Outcome, now: datetime) -> Result:
    """What becomes of a message of which nothing was sent, as long as it is still ours."""
    match outcome:
        case Later(after_s, reason):
            return Dropped(item, "waiting", reason, now + timedelta(seconds=after_s))
        case Refused(reason) | Uncertain(reason) | Unreachable(reason):
            return Dropped(item, "failed", reason)
        case Sent():
            return outcome


def _tell_dropped(dropped: Sequence[Dropped]) -> None:
    for one in dropped:
        metrics.OUTCOMES.labels(one.item.channel, one.state).inc()
        log.info(
            "message_held_back",
            item=one.item.id,
            channel=one.item.channel,
            state=one.state,
            reason=one.code,
        )


def _tell(item: OutboxItem, outcome: Outcome) -> None:
    name = type(outcome).__name__.lower()
    if isinstance(outcome, Sent):
        log.debug("message_sent", item=item.id, channel=item.channel, parts=outcome.parts)
    else:
        reason = outcome.code if isinstance(outcome, Refused) else outcome.reason
        log.warning(
            "message_not_sent", item=item.id, channel=item.channel, outcome=name, reason=reason
        )
