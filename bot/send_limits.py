"""What carriers allow, shared by all processes: dialogs first, bulk gets what is left.

A carrier counts when a message arrives, we when it leaves. A burst that was late on its way would
arrive together with the next one, so a message that took longer than the fastest keeps its place
in the second for that much longer. That holds the sliding second without giving any of it away.
"""

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final

import structlog
from redis.asyncio import Redis
from redis.commands.core import AsyncScript
from redis.exceptions import RedisError

from bot import metrics, send_scripts
from bot.local_limits import LocalChats, LocalParts, LocalWindow
from db.crypto import Keyring
from services.outbox import BULK

log = structlog.get_logger(__name__)

LONGEST_WAIT_S: Final = 5.0
# In all, with the place in the queue: a claim in the outbox lasts a little longer.
LONGEST_TURN_S: Final = 8.0
# So little before its turn a message gets ready; it does not stay so for long without one.
_SOON_S: Final = 0.1
_LONGEST_READY_S: Final = 0.5
_STARVED_AGAIN_S: Final = 1.0
CHAT_BURST: Final = 15
_GUARD_S = 0.002
_ANSWER_LIMIT_S = 1.0
_AGAIN_AFTER_S = 2.0
_FORGETS = 1.0002
# The first ones open connections: before so many nobody knows how long the way takes.
_WAYS_TO_KNOW = 20

Ready = Callable[[], Awaitable[None]]
Sleep = Callable[[float], Awaitable[None]]


class LimitedError(Exception):
    """It would take too long: come again after ``after_s``.

    ``for_everybody`` says that nobody gets anything before, not only this chat.
    """

    def __init__(self, after_s: float, *, for_everybody: bool) -> None:
        super().__init__(f"again in {after_s:.1f} s")
        self.after_s = after_s
        self.for_everybody = for_everybody


class SharedScripts:
    """Runs scripts in Redis. While it is away each caller is told so at once, and looks after
    itself; an outage is two lines in the log.

    ``now`` replaces the clock of Redis in tests.
    """

    def __init__(
        self,
        redis: Redis,
        keyring: Keyring,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.clock = clock
        self.sleep = sleep
        self._redis = redis
        self._keyring = keyring
        self._now = now
        self._scripts: dict[str, AsyncScript] = {}
        self._away_until: float | None = None

    def key(self, name: str) -> str:
        """Where something is kept: nobody can read a number or a chat out of it."""
        return "limit:" + self._keyring.blind_index("limit " + name)[:12].hex()

    async def run(self, script: str, keys: Sequence[str], *arguments: float | str) -> int | None:
        """The answer of a script that takes the time; None while Redis is away."""
        return await self.run_timeless(script, keys, self._now() if self._now else "", *arguments)

    async def run_timeless(
        self, script: str, keys: Sequence[str], *arguments: float | str
    ) -> int | None:
        if self._away_until is not None and self.clock() < self._away_until:
            return None
        known = self._scripts.get(script)
        if known is None:
            known = self._scripts[script] = self._redis.register_script(script)
        try:
            async with asyncio.timeout(_ANSWER_LIMIT_S):
                answer = await known(keys=keys, args=arguments)
        except (RedisError, OSError, TimeoutError) as error:
            self._note_away(error)
            return None
        self._note_back()
        return int(answer)

    def _note_away(self, error: Exception) -> None:
        if self._away_until is None:
            log.warning("send_limit_is_local", error=type(error).__name__)
            metrics.SEND_LIMIT_LOCAL.set(1)
        self._away_until = self.clock() + _AGAIN_AFTER_S

    def _note_back(self) -> None:
        if self._away_until is not None:
            log.info("send_limit_is_shared")
            metrics.SEND_LIMIT_LOCAL.set(0)
            self._away_until = None


class _Limit:
    """What both carriers have in common: lanes, each with one who asks, and pauses."""

    def __init__(self, scripts: SharedScripts, carrier: str, sender: str) -> None:
        self._scripts = scripts
        self._carrier = carrier
        # Braces: a cluster keeps the keys of one limit together.
        self._key = "{" + scripts.key(f"{carrier} {sender}") + "}"
        self._waiting_key = self._key + ":waiting"
        self._me = secrets.token_hex(4)
        self._turns = {False: asyncio.Lock(), True: asyncio.Lock()}
        self._paused_until = 0.0

    async def pause(self, after_s: float) -> None:
        """The carrier asked for patience: no process sends anything before."""
        metrics.THROTTLED.labels(self._carrier).inc()
        self._paused_until = max(self._paused_until, self._scripts.clock() + after_s)
        await self._scripts.run(send_scripts.PAUSE, [self._key], after_s)

    async def _wait_turn(
        self, ask: Callable[[], Awaitable[float]], ready: Ready | None, *, since: float, bulk: bool
    ) -> float:
        """One of each lane asks at a time: those behind it would only be told to wait longer.

        Getting ready takes the time of the last wait, where there is one, and else comes after the
        place is granted; returns for how many seconds that place was held without anything sent.
        """
        clock = self._scripts.clock
        patient_until = since + LONGEST_TURN_S
        async with self._turns[bulk]:
            while clock() <= patient_until:
                wait = await ask()
                if wait <= 0:
                    break
                if wait > LONGEST_WAIT_S:
                    raise LimitedError(wait, for_everybody=True)
                wait_until = clock() + wait
                if ready is not None and wait <= _SOON_S:
                    await ready()
                    ready, patient_until = None, clock() + _LONGEST_READY_S
                await self._scripts.sleep(max(0.0, wait_until - clock()))
            else:
                raise LimitedError(_STARVED_AGAIN_S, for_everybody=False)
        granted = clock()
        lane = "bulk" if bulk else "dialog"
        metrics.LIMIT_WAIT.labels(self._carrier, lane).observe(granted - since)
        if ready is not None:
            await ready()
        return clock() - granted

    def _local_pause(self) -> float:
        return max(0.0, self._paused_until - self._scripts.clock())


class TelegramLimits(_Limit):
    """Messages a second of one bot, and one a second in each chat after a burst.

    ``per_s`` 0 means that there is no limit. One of these per process.
    """

    def __init__(self, scripts: SharedScripts, token: str, per_s: int) -> None:
        super().__init__(scripts, "telegram", token.partition(":")[0])
        self._per_s = per_s
        self._log_key = self._key + ":log"
        self._local = LocalWindow(per_s, scripts.clock)
        self._local_chats = LocalChats(scripts.clock)
        self._fastest_s = float("inf")
        self._arrived = 0
        self._count = 0

    @contextlib.asynccontextmanager
    async def passing(
        self, chat: str | None, lane: int, ready: Ready | None = None
    ) -> AsyncIterator[None]:
        """Enter when a message may go to the chat; send it inside the block.

        ``ready`` is awaited when its turn has come, shortly before. Without a chat only the limit
        of all counts (for changing what was sent). Raises LimitedError.
        """
        if self._per_s == 0:
            if ready is not None:
                await ready()
            yield
            return
        since = self._scripts.clock()
        chat_key = None
        if chat is not None:
            chat_key = self._key + self._scripts.key(f"chat {self._key} {chat}")
            await self._wait_for_chat(chat_key, 1 if lane == BULK else CHAT_BURST)
        self._count += 1
        message = f"{self._me}{self._count}"
        began = 0.0

        async def ask() -> float:
            nonlocal began
            began = self._scripts.clock()
            return await self.ask(lane, message, chat_key)

        held_s = await self._wait_turn(ask, ready, since=since, bulk=lane == BULK)
        try:
            yield
        finally:
            await self._note_arrival(message, self._scripts.clock() - began - held_s, held_s)

    async def ask(self, lane: int, message: str, chat_key: str | None = None) -> float:
        """Seconds to wait before asking again; 0 when the message may go and is counted."""
        keys = [self._key, self._waiting_key, self._log_key]
        answer = await self._scripts.run(
            send_scripts.SLOT,
            keys if chat_key is None else [*keys, chat_key],
            self._per_s,
            1 + _GUARD_S,
            "bulk" if lane == BULK else "dialog",
            self._me,
            message,
        )
        if answer is None:
            return self._local_pause() or self._local.ask(bulk=lane == BULK)
        return answer / 1e6

    async def _wait_for_chat(self, key: str, burst: int) -> None:
        answer = await self._scripts.run(send_scripts.CHAT, [key], burst, LONGEST_WAIT_S)
        if answer is None:
            wait = self._local_chats.ask(key, burst, LONGEST_WAIT_S)
        else:
            wait = answer / 1e6
        if wait > LONGEST_WAIT_S:
            raise LimitedError(wait, for_everybody=False)
        if wait > 0:
            await self._scripts.sleep(wait)

    async def _note_arrival(self, message: str, took_s: float, held_s: float) -> None:
        """The fastest is let go of slowly: the way to the carrier may have become longer.

        What was held before it was sent is late in any case: messages of others are not held.
        """
        self._arrived += 1
        self._fastest_s = min(took_s, self._fastest_s * _FORGETS)
        usual_s = self._fastest_s if self._arrived > _WAYS_TO_KNOW else 0.0
        late_s = held_s + took_s - usual_s
        if late_s > _GUARD_S:
            await self._scripts.run_timeless(
                send_scripts.DELAY, [self._log_key], message, min(late_s, 1.0)
            )


class SmsLimits(_Limit):
    """Parts a second of one sender. ``per_s`` 0 means that there is no limit."""

    def __init__(self, scripts: SharedScripts, sender: str, per_s: int) -> None:
        super().__init__(scripts, "sms", sender)
        self._per_s = per_s
        self._local = LocalParts(per_s, scripts.clock)

    async def wait(self, parts: int, lane: int, ready: Ready | None = None) -> None:
        """Return when a message of so many parts may go. Raises LimitedError."""
        if self._per_s == 0:
            if ready is not None:
                await ready()
            return
        await self._wait_turn(
            lambda: self.ask(parts, lane),
            ready,
            since=self._scripts.clock(),
            bulk=lane == BULK,
        )

    async def ask(self, parts: int, lane: int) -> float:
        """Seconds to wait before asking again; 0 when the message may go and is counted."""
        answer = await self._scripts.run(
            send_scripts.PARTS,
            [self._key, self._waiting_key],
            self._per_s,
            parts,
            "bulk" if lane == BULK else "dialog",
            self._me,
        )
        if answer is None:
            return self._local_pause() or self._local.ask(parts)
        return answer / 1e6
