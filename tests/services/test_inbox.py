"""The inbox as carriers and consumers see it: kept once, in order, by one consumer at a time."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from served_app import until
from sqlalchemy import text

from bot.consumer import InboxConsumer
from bot.supervision import Tasks
from db.models.address import address_index
from services import addresses, failures, inbox
from services.direct import direct_connection, own_connection
from services.inbox import InboxItem, OutgoingSms

NOW = datetime(2026, 11, 22, tzinfo=UTC)


async def store(db: Any, number: int, address: str = "1", channel: str = "telegram") -> bool:
    async with direct_connection(db.engine) as connection:
        return await inbox.store(connection, channel, str(number), address, b'{"n": %d}' % number)


async def rows(db: Any, what: str = "inbox") -> list[Any]:
    async with db.engine.connect() as connection:
        return list(await connection.execute(text(f"SELECT * FROM {what} ORDER BY id")))


async def open_count(db: Any) -> int:
    return sum(1 for row in await rows(db) if row.done_at is None and row.failed_at is None)


@contextlib.asynccontextmanager
async def consuming(
    db: Any, *handlers: inbox.Handler, poll_s: float = 0.05, concurrency: int = 32
) -> AsyncIterator[None]:
    stopping = asyncio.Event()
    tasks = Tasks()
    for handler in handlers:
        consumer = InboxConsumer(db.engine, handler, poll_s=poll_s, concurrency=concurrency)
        tasks.start(consumer.run(stopping), name="consumer")
    try:
        yield
    finally:
        stopping.set()
        await tasks.finish(5)


class Recorder:
    """A handler that remembers what it saw, and whether two of one address overlapped."""

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.overlapped = False
        self._at_work: set[int] = set()

    async def __call__(self, item: InboxItem) -> Sequence[OutgoingSms]:
        address = item.payload["n"] % 10
        self.overlapped |= address in self._at_work
        self._at_work.add(address)
        await asyncio.sleep(0)
        self._at_work.discard(address)
        self.seen.append(item.payload["n"])
        return []


async def test_a_second_delivery_is_told_apart(db: Any) -> None:
    assert await store(db, 1)
    assert not await store(db, 1)
    assert await store(db, 1, channel="sms")
    assert len(await rows(db)) == 2


async def test_an_address_is_due_when_its_oldest_update_is(db: Any) -> None:
    for number, address in enumerate(["waits", "waits", "second", "third", "second"]):
        await store(db, number, address)
    async with direct_connection(db.engine) as connection:
        await connection.execute("UPDATE inbox SET not_before = now() + '1h'::interval WHERE id=1")
        due = await inbox.list_due(connection, 10)
        assert due == [address_index("telegram", name) for name in ("second", "third")]
        assert await inbox.list_due(connection, 1) == due[:1]


async def test_a_handled_update_is_emptied(db: Any) -> None:
    recorder = Recorder()
    async with consuming(db, recorder):
        await store(db, 5)
        await until(lambda: recorder.seen)
    (row,) = await rows(db)
    assert row.done_at is not None
    assert row.payload is None


async def test_two_consumers_keep_the_order_of_every_address(db: Any) -> None:
    recorder = Recorder()
    async with consuming(db, recorder, recorder, poll_s=2.0):
        for number in range(200):
            await store(db, number, address=str(number % 10))
        await until(lambda: len(recorder.seen) == 200)
    assert not recorder.overlapped
    for address in range(10):
        mine = [number for number in recorder.seen if number % 10 == address]
        assert mine == sorted(mine)
    assert sorted(recorder.seen) == list(range(200))


async def test_what_waited_before_the_start_is_handled(db: Any) -> None:
    for number in range(3):
        await store(db, number, address=str(number))
    recorder = Recorder()
    async with consuming(db, recorder):
        await until(lambda: len(recorder.seen) == 3)


async def test_who_writes_much_does_not_keep_others_waiting(db: Any) -> None:
    for number in (10, 20, 30, 40):
        await store(db, number, address="busy")
    await store(db, 11, address="other")
    recorder = Recorder()
    async with consuming(db, recorder, concurrency=1, poll_s=60):
        await until(lambda: len(recorder.seen) == 5)
    assert recorder.seen.index(11) <= 1
    assert [number for number in recorder.seen if number != 11] == [10, 20, 30, 40]


async def test_an_sms_is_done_exactly_when_its_answer_is_in_the_outbox(db: Any) -> None:
    address_id = await make_address(db)

    async def handler(item: InboxItem) -> Sequence[OutgoingSms]:
        return [OutgoingSms(address_id, "ចម្លើយ", "dialog", f"answer:{item.id}")]

    async with consuming(db, handler):
        await store(db, 1, channel="sms")
        await until(lambda: rows(db, "outbox"))
    (answer,) = await rows(db, "outbox")
    assert (answer.address_id, answer.channel, answer.state) == (address_id, "sms", "waiting")
    assert "ចម្លើយ".encode() not in answer.body


async def make_address(db: Any, channel: str = "sms", value: str = "+85512345678") -> int:
    async with db.new_session.begin() as session:
        return int((await addresses.get_or_create(session, channel, value, now=NOW)).id)


async def test_a_failing_update_holds_its_address_and_is_given_up_at_last(
    db: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "_BACKOFF_S", (0.01, 0.01))
    tried: list[tuple[int, int]] = []

    async def handler(item: InboxItem) -> Sequence[OutgoingSms]:
        tried.append((item.payload["n"], item.attempt))
        if item.payload["n"] == 1:
            raise RuntimeError("no")
        return []

    await store(db, 1)
    await store(db, 2)
    async with consuming(db, handler):
        await until(lambda: len(tried) == 4)
    assert tried == [(1, 1), (1, 2), (1, 3), (2, 1)]
    first, second = await rows(db)
    assert first.failed_at is not None
    assert first.payload is not None, "what was acknowledged is not lost"
    assert first.error_id
    assert second.done_at is not None


async def test_what_is_tried_again_by_hand_is_known_to_have_failed(db: Any) -> None:
    await store(db, 1)
    key = address_index("telegram", "1")
    async with direct_connection(db.engine) as connection:
        first = await inbox.claim(connection, key)
        assert first is not None
        assert not first.open().has_failed
        for attempt in range(1, inbox.MAX_ATTEMPTS + 1):
            await inbox.put_off(connection, replace(first, attempt=attempt), "an id")
    async with db.new_session.begin() as session:
        assert await failures.retry_updates(session, [first.id]) == {first.id}
    async with direct_connection(db.engine) as connection:
        again = await inbox.claim(connection, key)
    assert again is not None
    assert (again.open().has_failed, again.attempt) == (True, 1)


async def test_a_fault_of_the_other_side_is_no_attempt(db: Any) -> None:
    attempts: list[int] = []

    async def handler(item: InboxItem) -> Sequence[OutgoingSms]:
        attempts.append(item.attempt)
        if len(attempts) <= inbox.MAX_ATTEMPTS + 2:
            raise inbox.PassingFault(after_s=0.0)
        return []

    async with consuming(db, handler):
        await store(db, 1)
        await until(lambda: len(attempts) > inbox.MAX_ATTEMPTS + 2)
    assert set(attempts) == {1}
    assert await open_count(db) == 0


async def test_after_an_hour_faults_count_so_that_nothing_blocks_an_address_for_ever(
    db: Any,
) -> None:
    recorder = Recorder()

    async def handler(item: InboxItem) -> Sequence[OutgoingSms]:
        if item.payload["n"] == 1:
            raise inbox.PassingFault(after_s=0.0)
        return await recorder(item)

    await store(db, 1)
    await store(db, 2)
    async with db.engine.begin() as connection:
        await connection.execute(
            text("UPDATE inbox SET received_at = now() - interval '2 hours' WHERE id = 1")
        )
    async with consuming(db, handler):
        await until(lambda: recorder.seen)
    assert recorder.seen == [2]
    first, _ = await rows(db)
    assert first.failed_at is not None


async def test_an_update_that_no_key_opens_does_not_stop_the_others(
    db: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "_BACKOFF_S", (0.01, 0.01))
    await store(db, 1)
    async with db.engine.begin() as connection:
        await connection.execute(text("UPDATE inbox SET payload = 'damaged'"))
    await store(db, 2)
    recorder = Recorder()
    async with consuming(db, recorder):
        await until(lambda: recorder.seen == [2])


async def test_a_stop_gives_back_what_it_interrupts(
    db: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.consumer._LAST_CHANCE_S", 0.01)
    begun = asyncio.Event()

    async def handler(_: InboxItem) -> Sequence[OutgoingSms]:
        begun.set()
        await asyncio.Event().wait()
        return []

    await store(db, 1)
    async with consuming(db, handler):
        await begun.wait()
    (row,) = await rows(db)
    assert (row.done_at, row.attempts) == (None, 0)


async def test_another_consumer_goes_on_when_the_locks_are_lost(db: Any) -> None:
    key_number = inbox._lock_number(inbox.address_index("telegram", "1"))
    async with own_connection(db.engine) as other:
        await other.execute("SELECT pg_advisory_lock($1)", key_number)
        recorder = Recorder()
        async with consuming(db, recorder):
            await store(db, 1, address="1")
            await store(db, 2, address="2")
            await until(lambda: recorder.seen == [2])
            other.terminate()
            await until(lambda: recorder.seen == [2, 1])


_KILLED = """
import asyncio, sys
from bot.consumer import InboxConsumer
from db.crypto import Keyring, derive_key, use_keyring
from db.engine import create_engine

async def handler(item):
    print(item.id, flush=True)
    await asyncio.Event().wait()

async def main():
    use_keyring(Keyring([b"k" * 32], derive_key("secret of the tests", b"blind-index")))
    await InboxConsumer(create_engine(sys.argv[1]), handler).run(asyncio.Event())

asyncio.run(main())
"""


async def test_kill_9_of_a_consumer_loses_nothing_and_nobody_waits(db: Any) -> None:
    await store(db, 1)
    await store(db, 2)
    victim = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _KILLED, db.url, stdout=asyncio.subprocess.PIPE
    )
    assert victim.stdout is not None
    assert await victim.stdout.readline()
    recorder = Recorder()
    async with consuming(db, recorder):
        os.kill(victim.pid, signal.SIGKILL)
        await victim.wait()
        await until(lambda: recorder.seen == [1, 2])
    assert await open_count(db) == 0


async def test_what_is_claimed_knows_the_time_of_the_database(db: Any) -> None:
    key = address_index("telegram", "1")
    for number in (1, 2):
        await store(db, number)
    async with direct_connection(db.engine) as connection:
        first = await inbox.claim(connection, key)
        assert first is not None
        second = (await inbox.finish(connection, key, first.id, [], go_on=True)).claimed
        assert second is not None
        for claimed in (first, second):
            item = claimed.open()
            now = await connection.fetchval("SELECT clock_timestamp()")
            assert item.received_at is not None
            assert item.received_at < item.claimed_at < now
            assert abs((now - item.time_of_database()).total_seconds()) < 1
