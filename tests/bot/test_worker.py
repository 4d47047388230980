"""A worker while the database is away: patient, nearly silent, and back at work by itself."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot import worker
from bot.worker import keep_working
from db.engine import create_engine


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long it would have waited each time; nobody really waits."""
    waited: list[float] = []

    async def note(_stopping: asyncio.Event, seconds: float) -> None:
        waited.append(seconds)
        await asyncio.sleep(0)

    monkeypatch.setattr(worker, "wait_for", note)
    return waited


class Failing:
    """A worker's loop that fails at once, and what happens before it fails."""

    def __init__(self, times: int, meanwhile: Callable[[], None] = lambda: None) -> None:
        self.runs = 0
        self._times = times
        self._meanwhile = meanwhile

    async def run(self, stopping: asyncio.Event) -> None:
        self.runs += 1
        if self.runs > self._times:
            stopping.set()
            return
        self._meanwhile()
        raise ConnectionError("lost")


async def test_an_outage_is_two_lines_and_growing_pauses(
    db: Any, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = create_engine("postgresql://nobody@127.0.0.1:1/none", pool_size=0)

    class Away:
        """Nothing answers at the first seven questions."""

        def __getattr__(self, name: str) -> Any:
            return getattr(nowhere if len(pauses) <= 7 else db.engine, name)

    work = Failing(times=1)
    with capture_logs() as logs:
        await keep_working(Away(), work.run, asyncio.Event())  # type: ignore[arg-type]
    assert work.runs == 2
    assert [line["event"] for line in logs] == ["worker_interrupted", "worker_goes_on"]
    assert pauses == [1, 2, 4, 8, 15, 15, 15, 15]
    await nowhere.dispose()


async def test_a_loop_that_fails_for_another_reason_slows_down_too(
    db: Any, pauses: list[float]
) -> None:
    await keep_working(db.engine, Failing(times=6).run, asyncio.Event())
    assert pauses == [1, 2, 4, 8, 15, 15]


async def test_a_worker_stops_at_once_while_the_database_is_away() -> None:
    nowhere = create_engine("postgresql://nobody@127.0.0.1:1/none", pool_size=0)
    stopping = asyncio.Event()
    work = Failing(times=9, meanwhile=stopping.set)
    async with asyncio.timeout(5):
        await keep_working(nowhere, work.run, stopping)
    assert work.runs == 1
    await nowhere.dispose()
