"""The limits that processes share: never over a carrier's second, and dialogs before bulk."""

import asyncio
import heapq
import json
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from structlog.testing import capture_logs

from bot import metrics, send_limits
from bot.send_limits import CHAT_BURST, LimitedError, SharedScripts, SmsLimits, TelegramLimits
from db.crypto import current_keyring
from services.outbox import BULK, CLAIM_S, DIALOG

TOKEN = "1:t"


@dataclass
class Clock:
    """A clock that is turned by hand; whoever sleeps turns it."""

    now: float = 1_800_000_000.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as client:
        yield client


def scripts(redis: Redis, clock: Clock) -> SharedScripts:
    return SharedScripts(redis, current_keyring(), clock=clock, now=clock, sleep=clock.sleep)


def telegram(redis: Redis, clock: Clock, per_s: int = 30) -> TelegramLimits:
    """What one process has."""
    return TelegramLimits(scripts(redis, clock), TOKEN, per_s)


def sms(redis: Redis, clock: Clock, per_s: int = 10) -> SmsLimits:
    return SmsLimits(scripts(redis, clock), "2580", per_s)


@dataclass
class Sender:
    """Somebody who sends one message after the other, as fast as allowed, or now and then."""

    ask: Callable[[str], object]
    lane: int
    every_s: float = 0.0
    sent: list[float] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)


async def simulate(clock: Clock, senders: list[Sender], seconds: float) -> None:
    """Let them all send side by side; each comes back when it was told to."""
    end = clock.now + seconds
    turns = [(clock.now, number, clock.now) for number in range(len(senders))]
    count = 0
    while turns:
        clock.now, number, wanted = heapq.heappop(turns)
        if clock.now >= end:
            continue
        sender, count = senders[number], count + 1
        wait = await sender.ask(f"m{count}")  # type: ignore[misc]
        if wait > 0:
            heapq.heappush(turns, (clock.now + wait, number, wanted))
            continue
        sender.sent.append(clock.now)
        sender.waited.append(clock.now - wanted)
        again = max(clock.now, wanted + sender.every_s)
        heapq.heappush(turns, (again, number, again))


def telegram_sender(limits: TelegramLimits, lane: int, every_s: float = 0.0) -> Sender:
    return Sender(lambda message: limits.ask(lane, message), lane, every_s)


def most_within_a_second(moments: list[float]) -> int:
    ordered = sorted(moments)
    return max(
        sum(1 for other in ordered[first:] if other < moment + 1)
        for first, moment in enumerate(ordered)
    )


async def test_the_sum_of_all_processes_never_exceeds_any_second(redis: Redis) -> None:
    clock = Clock()
    senders = [telegram_sender(telegram(redis, clock), BULK) for _ in range(3)]
    senders += [telegram_sender(telegram(redis, clock), DIALOG, every_s=0.4) for _ in range(3)]
    await simulate(clock, senders, 20)
    sent = [moment for sender in senders for moment in sender.sent]
    assert most_within_a_second(sent) <= 30


async def test_bulk_gets_all_that_dialogs_leave(redis: Redis) -> None:
    clock = Clock()
    bulk = [telegram_sender(telegram(redis, clock), BULK) for _ in range(2)]
    dialogs = [telegram_sender(telegram(redis, clock), DIALOG, every_s=0.2) for _ in range(2)]
    await simulate(clock, [*bulk, *dialogs], 3)  # the first second is the one after a new start
    before = sum(len(sender.sent) for sender in bulk), sum(len(d.sent) for d in dialogs)
    await simulate(clock, [*bulk, *dialogs], 30)
    got = sum(len(sender.sent) for sender in bulk) - before[0]
    taken = sum(len(sender.sent) for sender in dialogs) - before[1]
    assert taken >= 300 - 2
    assert got >= 0.99 * (30 * 30 - taken)


async def test_a_dialog_hardly_waits_while_bulk_runs(redis: Redis) -> None:
    clock = Clock()
    bulk = [telegram_sender(telegram(redis, clock), BULK) for _ in range(4)]
    dialogs = [telegram_sender(telegram(redis, clock), DIALOG, every_s=0.37) for _ in range(5)]
    await simulate(clock, [*bulk, *dialogs], 20)
    waited = sorted(wait for sender in dialogs for wait in sender.waited)
    assert waited[int(len(waited) * 0.95)] < 0.3
    assert waited[-1] < 1


async def test_bulk_gives_way_when_dialogs_need_everything(redis: Redis) -> None:
    clock = Clock()
    bulk = telegram_sender(telegram(redis, clock), BULK)
    dialogs = [telegram_sender(telegram(redis, clock), DIALOG) for _ in range(4)]
    await simulate(clock, [bulk, *dialogs], 3)
    before = len(bulk.sent)
    await simulate(clock, [bulk, *dialogs], 10)
    assert len(bulk.sent) - before <= 10, "one may slip in where a whole second becomes free"
    assert sum(len(sender.sent) for sender in dialogs) >= 0.99 * 30 * 12


async def test_late_arrivals_keep_their_place_for_longer(redis: Redis) -> None:
    """However long each message is on its way, none of the carrier's seconds has more than 30."""
    clock = Clock()
    limits = telegram(redis, clock)
    chance = random.Random(5)
    arrived: list[float] = []
    await limits.ask(BULK, "new start")
    clock.now += 1.1
    while len(arrived) < 300:
        async with limits.passing(None, BULK):
            left = clock.now
            clock.now = left + 0.001 + chance.choice([0, 0, 0, 0.3])
            arrived.append(clock.now)
        clock.now = left + 0.001  # the next one does not wait for this answer
    assert most_within_a_second(arrived) <= 30


async def test_the_first_messages_of_a_process_may_be_the_late_ones(redis: Redis) -> None:
    """They open connections: what follows is quicker, and must not arrive beside them."""
    clock = Clock()
    limits = telegram(redis, clock)
    arrived: list[float] = []
    for number in range(60):
        async with limits.passing(None, DIALOG):
            left = clock.now
            clock.now = left + (0.08 if number < 10 else 0.001)
            arrived.append(clock.now)
        clock.now = left + 0.001
    assert most_within_a_second(arrived) <= 30


async def test_a_new_start_lets_bulk_wait_for_a_second(redis: Redis) -> None:
    """Redis that was emptied does not know what has just gone out."""
    clock = Clock()
    limits = telegram(redis, clock)
    sender = telegram_sender(limits, BULK)
    await simulate(clock, [sender], 4)
    await redis.flushdb()
    await simulate(clock, [sender], 4)
    assert most_within_a_second(sender.sent) <= 30
    assert await limits.ask(DIALOG, "d") == 0


async def test_a_chat_gets_one_a_second_after_a_burst_and_bulk_no_burst(redis: Redis) -> None:
    clock = Clock()
    limits = telegram(redis, clock)
    for _ in range(CHAT_BURST):
        async with limits.passing("42", DIALOG):
            pass
    assert clock.slept == []
    async with limits.passing("42", DIALOG):
        pass
    assert clock.slept == [pytest.approx(1.0)]
    with pytest.raises(LimitedError) as raised:
        async with limits.passing("42", BULK):
            pass
    assert not raised.value.for_everybody, "others may go on"
    async with limits.passing("43", DIALOG):
        pass
    assert len(clock.slept) == 1


async def test_bulk_to_one_chat_keeps_a_second_apart(redis: Redis) -> None:
    clock = Clock()
    limits = telegram(redis, clock)
    moments = []
    for _ in range(3):
        async with limits.passing("42", BULK):
            moments.append(clock.now)
    assert moments[1] - moments[0] >= 1
    assert moments[2] - moments[1] >= 1


async def test_sms_are_counted_in_parts(redis: Redis) -> None:
    clock = Clock()
    bulk = Sender(lambda _: first.ask(3, BULK), BULK)
    dialogs = Sender(lambda _: second.ask(2, DIALOG), DIALOG, every_s=1.3)
    first, second = sms(redis, clock), sms(redis, clock)
    await simulate(clock, [bulk, dialogs], 30)
    parts = 3 * len(bulk.sent) + 2 * len(dialogs.sent)
    assert 0.98 * 300 <= parts <= 303
    assert max(dialogs.waited) <= 0.3 + 0.03, "at most one message goes before an answer"


async def test_patience_that_is_asked_for_once_holds_everybody(redis: Redis) -> None:
    clock = Clock()
    told, other = telegram(redis, clock), telegram(redis, clock)
    async with other.passing("1", DIALOG):
        pass
    await told.pause(3)
    assert await other.ask(DIALOG, "d") == pytest.approx(3)
    async with other.passing("1", DIALOG):
        assert clock.slept[0] == pytest.approx(3)
    await told.pause(40)
    with pytest.raises(LimitedError) as raised:
        async with other.passing("1", DIALOG):
            pass
    assert raised.value.for_everybody
    assert raised.value.after_s == pytest.approx(40)


class Away:
    """A Redis that can be cut off."""

    def __init__(self, redis: Redis) -> None:
        self.gone = True
        self._redis = redis

    def register_script(self, script: str) -> Callable[..., object]:
        known = self._redis.register_script(script)

        async def run(**arguments: object) -> object:
            if self.gone:
                raise RedisConnectionError("gone")
            return await known(**arguments)  # type: ignore[arg-type]

        return run


async def test_without_redis_a_process_takes_a_small_share_and_says_so_once(redis: Redis) -> None:
    clock, away = Clock(), Away(redis)
    limits = telegram(away, clock)  # type: ignore[arg-type]
    bulk, dialogs = telegram_sender(limits, BULK), telegram_sender(limits, DIALOG)
    with capture_logs() as logs:
        await simulate(clock, [bulk, dialogs], 10)
        assert metrics.SEND_LIMIT_LOCAL._value.get() == 1
        assert most_within_a_second(bulk.sent + dialogs.sent) <= 30 // 5
        assert len(dialogs.sent) >= 30
        away.gone = False
        clock.now += send_limits._AGAIN_AFTER_S
        sender = telegram_sender(limits, DIALOG)
        await simulate(clock, [sender], 5)
    assert [line["event"] for line in logs] == ["send_limit_is_local", "send_limit_is_shared"]
    assert metrics.SEND_LIMIT_LOCAL._value.get() == 0
    assert len(sender.sent) >= 100


async def test_without_redis_chats_parts_and_pauses_are_kept_too(redis: Redis) -> None:
    clock = Clock()
    away = scripts(Away(redis), clock)  # type: ignore[arg-type]
    chats, parts = TelegramLimits(away, TOKEN, 30), SmsLimits(away, "2580", 10)
    async with chats.passing("42", BULK):
        pass
    async with chats.passing("42", BULK):
        assert clock.slept == [pytest.approx(1.0)]
    assert await parts.ask(2, DIALOG) == 0
    assert await parts.ask(2, DIALOG) == pytest.approx(1.0)
    await chats.pause(2)
    assert await chats.ask(DIALOG, "d") == pytest.approx(2)


async def test_nobody_can_read_a_chat_or_a_number_in_redis(redis: Redis) -> None:
    clock = Clock()
    async with telegram(redis, clock).passing("4242424242", DIALOG):
        pass
    await SmsLimits(scripts(redis, clock), "+85512345678", 10).wait(1, DIALOG)
    kept = [key.decode() for key in await redis.keys("*")]
    assert kept
    assert not any(secret in json.dumps(kept) for secret in ("4242", "12345678", TOKEN))


async def test_who_is_ready_is_told_when_the_turn_has_come(redis: Redis) -> None:
    """Delivery marks a message as being sent there: only one of those that wait is marked."""
    clock = Clock()
    limits = telegram(redis, clock, per_s=5)
    marked: list[int] = []
    sent: list[int] = []

    async def send(number: int) -> None:
        async def mark() -> None:
            marked.append(number)
            assert len(marked) <= len(sent) + 1

        async with limits.passing(None, DIALOG, mark):
            sent.append(number)

    async with asyncio.TaskGroup() as group:
        for number in range(12):
            group.create_task(send(number))
    assert sent == list(range(12))


@pytest.mark.parametrize("carrier", ["telegram", "sms"])
@pytest.mark.parametrize(("wait", "times_ready"), [(0.05, 1), (0.5, 0)])
async def test_who_never_gets_a_turn_comes_again_later(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, carrier: str, wait: float, times_ready: int
) -> None:
    """Dialogs take every place: bulk does not stand ready for long, nor beyond its claim."""
    clock = Clock()
    began = clock.now
    limits = telegram(redis, clock) if carrier == "telegram" else sms(redis, clock)
    ready: list[float] = []

    async def ask(*_: object) -> float:
        return wait

    async def note() -> None:
        ready.append(clock.now)

    monkeypatch.setattr(limits, "ask", ask)
    with pytest.raises(LimitedError) as raised:
        if isinstance(limits, TelegramLimits):
            await limits.passing("42", BULK, note).__aenter__()
        else:
            await limits.wait(1, BULK, note)
    assert len(ready) == times_ready
    assert all(clock.now - moment < 1.2 for moment in ready)
    assert not raised.value.for_everybody, "dialogs go on"
    assert clock.now - began < CLAIM_S, "the message is still in the same hands"


async def test_what_gets_ready_after_its_place_was_granted_is_late(redis: Redis) -> None:
    """However long the database takes, none of the carrier's seconds has more than 30."""
    clock = Clock()
    delivery, dialogs = telegram(redis, clock), telegram(redis, clock)
    arrived: list[float] = []
    began = clock.now

    async def mark() -> None:
        clock.now += 0.2

    for _ in range(30):
        clock.now = began  # side by side
        async with delivery.passing(None, DIALOG, mark):
            arrived.append(clock.now)
    clock.now = began + 1.01
    for _ in range(30):
        async with dialogs.passing(None, DIALOG):
            arrived.append(clock.now)
    assert most_within_a_second(arrived) <= 30


async def test_who_waits_for_a_place_is_ready_when_it_is_there(redis: Redis) -> None:
    clock = Clock()
    limits = sms(redis, clock)
    ready: list[float] = []

    async def note() -> None:
        ready.append(clock.now)

    began = clock.now
    await limits.wait(10, DIALOG, note)
    await limits.wait(1, DIALOG, note)
    assert [moment - began for moment in ready] == [0, pytest.approx(1.0)]


async def test_no_limit_asks_nobody() -> None:
    nowhere = SharedScripts(Redis.from_url("redis://127.0.0.1:1/0"), current_keyring())
    async with TelegramLimits(nowhere, TOKEN, 0).passing("1", BULK):
        pass
    await SmsLimits(nowhere, "2580", 0).wait(9, BULK)
