"""Background tasks: none lost, none silent, all ended."""

import asyncio

import pytest

from bot import supervision
from bot.supervision import Tasks, wait_for, waking


async def test_what_must_never_end_starts_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "_FIRST_PAUSE_S", 0.0)
    enough = asyncio.Event()
    runs: list[int] = []

    async def work() -> None:
        runs.append(1)
        if len(runs) == 3:
            enough.set()
            await asyncio.Event().wait()
        raise RuntimeError

    tasks = Tasks()
    tasks.keep(work, name="work")
    await wait_for(enough, 5)
    assert len(runs) == 3
    await tasks.cancel()
    assert len(tasks) == 0


async def test_finishing_waits_before_it_cancels() -> None:
    ended: list[str] = []

    async def quick() -> None:
        await asyncio.sleep(0)
        ended.append("quick")

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("endless")

    tasks = Tasks()
    tasks.start(quick(), name="quick")
    tasks.start(endless(), name="endless")
    await tasks.finish(0.05)
    assert ended == ["quick", "endless"]


async def test_one_event_wakes_another_only_inside_the_block() -> None:
    event, also = asyncio.Event(), asyncio.Event()
    async with waking(event, also):
        event.set()
        await wait_for(also, 5)
    assert also.is_set()
