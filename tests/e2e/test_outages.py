"""PostgreSQL restarted, Redis emptied and gone, while people write and messages wait.

What was acknowledged to a carrier is answered, what was promised arrives once or is marked, and
nobody has to restart anything.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import aiohttp
import pytest
import redis
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.embedded import start_postgres, start_valkey, stop_postgres, stop_valkey
from db.engine import create_engine, new_session_factory
from services.direct import DATABASE_ERRORS
from tests.e2e.counting_carrier import CountingCarrier
from tests.e2e.line_processes import NO_LIMIT, Between, between_carriers
from tests.e2e.outbox_rows import (
    Promised,
    has_ended,
    let_leases_end,
    list_states,
    promise_to_many,
    tally,
)
from tests.e2e.whole_line import end_servers
from tests.served_app import private_message, until

WRITERS = 4
PATIENCE_S = 180.0
_IDS = count(1)


@dataclass
class Load:
    """People who write at their own pace and messages that are promised, until told to stop.

    ``acknowledged`` counts by address what the line answered 200 to. A carrier comes back with what
    was not acknowledged; so do we.
    """

    line: Between
    engine: AsyncEngine
    pause_s: float
    acknowledged: Counter[str] = field(default_factory=Counter)
    promised: list[Promised] = field(default_factory=list)
    refused: int = 0
    _stop: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            for number in range(WRITERS):
                group.create_task(self._write(f"+8551277{number:04}"))
                group.create_task(self._write(str(9_300_000_000 + number)))
            group.create_task(self._promise())
            try:
                yield
            finally:
                self._stop.set()

    async def last(self, seconds: float) -> None:
        """Go on like this for a while."""
        await asyncio.sleep(seconds)

    async def _write(self, to: str) -> None:
        while not self._stop.is_set():
            number = next(_IDS)
            while not await self._is_taken(to, number):
                self.refused += 1
                await asyncio.sleep(self.pause_s)
            self.acknowledged[to] += 1
            await asyncio.sleep(self.pause_s)

    async def _is_taken(self, to: str, number: int) -> bool:
        doors = self.line.doors
        try:
            if to.startswith("+"):
                return (await doors.sms(f"SMin{number}", to, "MENU"))[0] == 200
            return await doors.update(private_message(number, int(to), "/menu")) == 200
        except aiohttp.ClientError:
            return False

    async def _promise(self) -> None:
        """A message counts as promised when its transaction was committed."""
        new_session = new_session_factory(self.engine)
        for number in count():
            if self._stop.is_set():
                return
            try:
                async with new_session.begin() as session:
                    made = await promise_to_many(session, people=6, each=1, first=number)
                self.promised += made
            except DATABASE_ERRORS:
                self.refused += 1
            await asyncio.sleep(self.pause_s)

    @property
    def is_answered(self) -> bool:
        """Whether everybody was shown as much as they wrote."""
        carrier = self.line.carrier
        return all(
            (len(carrier.texts(to)) if to.startswith("+") else carrier.shown[to]) >= times
            for to, times in self.acknowledged.items()
        )

    def assert_answered_once(self) -> None:
        """An SMS costs money: as many answers as questions, none twice."""
        for to, times in self.acknowledged.items():
            if to.startswith("+"):
                assert len(self.line.carrier.texts(to)) == times, to


@dataclass(frozen=True)
class Servers:
    """A PostgreSQL and a Valkey of the test's own, to be taken away."""

    folder: Path
    database_url: str
    redis_url: str

    async def restart_postgres(self) -> None:
        await asyncio.to_thread(stop_postgres, self.folder)
        await asyncio.to_thread(start_postgres, self.folder, durable=False)

    async def flush_redis(self) -> None:
        def flush() -> None:
            with redis.Redis.from_url(self.redis_url) as client:
                client.flushall()

        await asyncio.to_thread(flush)

    async def take_redis_away(self, load: Load, seconds: float) -> None:
        await asyncio.to_thread(stop_valkey, self.folder)
        await load.last(seconds)
        await asyncio.to_thread(start_valkey, self.folder)


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncIterator[Servers]:
    folder = tmp_path / "servers"
    try:
        yield Servers(
            folder,
            await asyncio.to_thread(start_postgres, folder, durable=False),
            await asyncio.to_thread(start_valkey, folder),
        )
    finally:
        await asyncio.to_thread(end_servers, folder)


@asynccontextmanager
async def line_under_load(
    servers: Servers, folder: Path, *, pause_s: float
) -> AsyncIterator[tuple[Load, AsyncEngine]]:
    """Web, inbox and outbox between the carriers."""
    carrier = CountingCarrier(answers_after_s=0.01)
    addresses = (servers.database_url, servers.redis_url)
    async with between_carriers(*addresses, folder, carrier, **NO_LIMIT) as line:
        assert await (await line.start("release")).ended() == 0
        await line.start_web()
        for queue in ("inbox", "outbox"):
            await line.start("worker", queue)
        await both_workers_work(line)
        engine = create_engine(servers.database_url, pool_size=2)
        try:
            yield Load(line, engine, pause_s), engine
        finally:
            await engine.dispose()


async def both_workers_work(line: Between) -> None:
    """An SMS is answered by way of both."""
    assert (await line.doors.sms("SMfirst", "+85512660000", "MENU"))[0] == 200
    await line.carrier.until(1, PATIENCE_S)


async def all_is_well(load: Load, engine: AsyncEngine) -> str:
    """Wait until nothing is left to do, and hold both sides against one another."""
    await until(lambda: load.is_answered, PATIENCE_S)
    await until(lambda: has_ended(engine), PATIENCE_S)
    load.assert_answered_once()
    found = tally(load.promised, await list_states(engine), load.line.carrier.copies())
    assert (found.twice, found.never, found.others) == (0, 0, {}), str(found)
    assert found.sent + found.uncertain_arrived + found.uncertain_lost == len(load.promised)
    return (
        f"{load.acknowledged.total()} updates acknowledged and answered, {load.refused} refused "
        f"meanwhile; {len(load.promised)} messages promised: {found}"
    )


async def test_people_are_answered_after_short_outages(servers: Servers, tmp_path: Path) -> None:
    async with line_under_load(servers, tmp_path, pause_s=0.2) as (load, engine):
        async with load.running():
            await load.last(1)
            await servers.flush_redis()
            await load.last(0.5)
            await servers.restart_postgres()
            await load.last(1)
            await servers.take_redis_away(load, seconds=1.5)
            await load.last(1)
        await let_leases_end(engine)
        await all_is_well(load, engine)


@pytest.mark.soak
async def test_people_are_answered_after_long_outages(
    servers: Servers, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    async with line_under_load(servers, tmp_path, pause_s=0.5) as (load, engine):
        async with load.running():
            for _ in range(3):
                await load.last(5)
                await servers.restart_postgres()
                await load.last(5)
                await servers.flush_redis()
            await servers.take_redis_away(load, seconds=60)
            await load.last(10)
        record_property("table", await all_is_well(load, engine))
