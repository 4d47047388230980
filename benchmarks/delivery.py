"""What one delivery worker can carry, and who goes first when the carrier sets the pace.

First with no limit, against a sink that takes everything at once: messages a second and processor
time of each, on Telegram and by SMS. Then with Telegram's limit, against a sink that enforces it,
while people talk with the bot: how much of what their dialogs leave the bulk gets, and how long
they wait. Run it with `python -m benchmarks.delivery` (`--write` puts the table into
docs/benchmarks.md); it takes about three minutes and leaves nothing behind.
"""

import argparse
import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import uvloop

from benchmarks import delivery_report, systems
from benchmarks.delivery_report import Limited, Unlimited
from benchmarks.delivery_sink import COUNTED
from benchmarks.people import People
from benchmarks.sink import TooManyRequestsError, serve_sink
from benchmarks.systems import POSTGRES, VALKEY, Running
from benchmarks.turns import own_servers
from bot.embedded.paths import postgres_url
from db.crypto import Keyring, derive_key, use_keyring
from db.engine import create_engine, new_session_factory
from services import addresses, outbox
from simulator.telegram.limits import PER_SECOND, Limits

TOO_LONG_S = 600
WARM_UP = 300
DIALOGS_PER_S = 5.0
_SETTLE_S = 3.0
_LOOK_S = 0.05
_FIRST_BULK_CHAT = 8_000_000_000
_WORDS = "សួស្ដីបង! មានពិព័រណ៍ការងារនៅសំរោង។"
_COUNTED_BY_TELEGRAM = ("sendMessage", "editMessageText", "editMessageReplyMarkup")
NO_LIMIT = {"TELEGRAM_PER_S": "0", "SMS_PARTS_PER_S": "0"}
TWILIO = {
    "TWILIO_ACCOUNT_SID": "AC" + "b" * 32,
    "TWILIO_AUTH_TOKEN": "b" * 32,
    "SMS_SENDER": "2580",
}


async def promise(data_dir: Path, channel: str, messages: int) -> None:
    """Promise a message to each of so many people, all in one transaction."""
    engine = create_engine(postgres_url(data_dir), pool_size=1)
    now = datetime.now(UTC)
    async with new_session_factory(engine).begin() as session:
        for number in range(messages):
            to = f"+8551{number:07}" if channel == "sms" else str(_FIRST_BULK_CHAT + number)
            address = await addresses.get_or_create(session, channel, to, now=now)
            await outbox.enqueue(
                session,
                address_id=address.id,
                channel=channel,
                text=_WORDS,
                purpose="reply",
                lane=outbox.BULK,
            )
    await engine.dispose()


# --- no limit ---


@contextlib.asynccontextmanager
async def sink_process() -> AsyncIterator[str]:
    """The address of the sink that runs as a process."""
    sink = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.delivery_sink", stdout=asyncio.subprocess.PIPE
    )
    assert sink.stdout is not None
    try:
        yield (await sink.stdout.readline()).decode().strip()
    finally:
        sink.terminate()
        await sink.wait()


@dataclass(frozen=True)
class Sink:
    """What the sink tells of itself."""

    http: aiohttp.ClientSession
    url: str

    async def counted(self) -> dict[str, float]:
        async with self.http.get(self.url + COUNTED) as answer:
            found: dict[str, float] = await answer.json()
            return found

    async def has(self, messages: int) -> dict[str, float]:
        """Wait until it took so many."""
        found = await self.counted()
        while found["taken"] < messages:
            await asyncio.sleep(_LOOK_S)
            found = await self.counted()
        return found


async def measure_unlimited(data_dir: Path, url: str, channel: str, messages: int) -> Unlimited:
    """One worker sends to the sink as fast as it can; the first few hundred warm it up."""
    async with aiohttp.ClientSession() as http, started(data_dir, url, NO_LIMIT) as running:
        sink = Sink(http, url)
        before = int((await sink.counted())["taken"])
        await promise(data_dir, channel, WARM_UP + messages)
        began = await sink.has(before + WARM_UP)
        spent = running.cpu_seconds()
        ended = await sink.has(before + WARM_UP + messages)
        # Its last words to the database belong to the messages too.
        await asyncio.sleep(10 * _LOOK_S)
        done = running.cpu_seconds()
        sent = before + WARM_UP + messages - began["taken"]
        cpu_ms = {name: 1000 * (done[name] - spent[name]) / sent for name in spent}
        return Unlimited(
            channel=channel,
            messages=messages,
            per_second=sent / (ended["last"] - began["last"]),
            worker_ms=cpu_ms["delivery"],
            postgres_ms=cpu_ms[POSTGRES],
            valkey_ms=cpu_ms[VALKEY],
            megabytes=running.megabytes()["delivery"],
        )


def started(
    data_dir: Path, url: str, more: dict[str, str]
) -> contextlib.AbstractAsyncContextManager[Running]:
    """Our processes with both carriers at one address."""
    program = systems.tralob(data_dir, url)
    environment = {**program.environment, **TWILIO, "TWILIO_API_URL": url, **more}
    return systems.started(replace(program, environment=environment), data_dir)


# --- Telegram's limit ---


class LimitedApi:
    """A Bot API with Telegram's limits, for people who talk and for those who only receive."""

    def __init__(self, crowd: People) -> None:
        self._crowd = crowd
        self._limits = Limits()
        self._changes = count(1)
        self.bulk = 0
        self.dialogs = 0
        self.refused = 0

    def call(self, method: str, fields: dict[str, Any]) -> Any:
        if method in _COUNTED_BY_TELEGRAM:
            self._count(int(fields["chat_id"]), is_new=method == "sendMessage")
        return self._crowd.call(method, fields)

    def _count(self, chat_id: int, *, is_new: bool) -> None:
        """A changed message counts for the bot, but not for the chat: it rings no bell."""
        if wait := self._limits.wait(chat_id if is_new else -next(self._changes)):
            self.refused += 1
            raise TooManyRequestsError(wait)
        if chat_id >= _FIRST_BULK_CHAT:
            self.bulk += 1
        else:
            self.dialogs += 1


async def measure_limited(data_dir: Path, seconds: float) -> Limited:
    """Bulk that never ends, and people who register meanwhile at a steady pace."""
    crowd = People()
    api = LimitedApi(crowd)
    server, url = await serve_sink(api.call)
    try:
        async with started(data_dir, url, {}) as running:
            webhook = running.program.webhook
            await promise(data_dir, "telegram", int(PER_SECOND * (seconds + 5 * _SETTLE_S)))
            await crowd.register_steadily(webhook, DIALOGS_PER_S, _SETTLE_S)
            bulk, dialogs, began = api.bulk, api.dialogs, time.perf_counter()
            turns = await crowd.register_steadily(webhook, DIALOGS_PER_S, seconds)
            lasted = time.perf_counter() - began
            return Limited(
                seconds=lasted,
                bulk_per_second=(api.bulk - bulk) / lasted,
                dialogs_per_second=(api.dialogs - dialogs) / lasted,
                limit=PER_SECOND,
                refused=api.refused,
                turns_s=sorted(turns),
            )
    finally:
        server.close()


async def measure(
    messages: int, seconds: float, parts: list[str]
) -> tuple[list[Unlimited], Limited | None]:
    use_keyring(Keyring([systems.ENCRYPTION_KEY], derive_key(systems.SECRET_KEY, b"blind-index")))
    with own_servers() as data_dir:
        environment = systems.tralob_environment(data_dir, "http://127.0.0.1:9")
        systems.run_to_end(data_dir, environment, "-m", "bot", "release")
        free, limited = [], None
        for channel in ("telegram", "sms"):
            if channel in parts:
                async with sink_process() as url:
                    free.append(await measure_unlimited(data_dir, url, channel, messages))
                print(f"{channel}: {free[-1].per_second:.0f} messages/s", file=sys.stderr)
        if "limit" in parts:
            limited = await measure_limited(data_dir, seconds)
        return free, limited


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000, help="with no limit")
    parser.add_argument("--seconds", type=float, default=60.0, help="with the limit")
    parts = ["telegram", "sms", "limit"]
    parser.add_argument("--only", choices=parts, nargs="*", default=parts)
    parser.add_argument("--write", action="store_true", help="into docs/benchmarks.md")
    given = parser.parse_args()

    async def within_bounds() -> tuple[list[Unlimited], Limited | None]:
        async with asyncio.timeout(TOO_LONG_S):
            return await measure(given.messages, given.seconds, given.only)

    found = delivery_report.describe(*uvloop.run(within_bounds()))
    print(found)
    if given.write:
        delivery_report.write(found)


if __name__ == "__main__":
    main()
