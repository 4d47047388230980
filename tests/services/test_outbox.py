"""The outbox: nothing lost, nothing sent twice, each chat in order, no report moving backwards."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from served_app import until
from sqlalchemy import text

from bot.delivery import Delivery, Ready
from bot.supervision import Tasks
from bot.worker import keep_working
from services import addresses, outbox, outbox_sql
from services.direct import direct_connection
from services.outbox import OutboxItem
from services.outcomes import Later, Outcome, Refused, Sent, Uncertain, Unreachable

NOW = datetime(2026, 11, 22, tzinfo=UTC)
NOON = datetime(2026, 11, 22, 5, tzinfo=UTC)  # in Phnom Penh
NIGHT = datetime(2026, 11, 22, 15, tzinfo=UTC)


class FakeCarrier:
    """A carrier with a memory: answers as told, then takes everything."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.script = list(outcomes)
        self.sent: list[tuple[str, str]] = []
        self.has: list[Sent] = []
        self.hold: asyncio.Event | None = None
        self.hold_texts: set[str] | None = None
        self.items: list[OutboxItem] = []
        self.overlapped = False
        self._busy: set[str] = set()

    async def send(self, item: OutboxItem, ready: Ready) -> Outcome:
        await ready()
        self.overlapped |= item.address in self._busy
        self._busy.add(item.address)
        self.sent.append((item.address, item.text))
        self.items.append(item)
        if self.hold_texts is not None and item.text in self.hold_texts and self.hold is None:
            self.hold = asyncio.Event()
        if self.hold is not None and (self.hold_texts is None or item.text in self.hold_texts):
            await self.hold.wait()
        await asyncio.sleep(0)
        self._busy.discard(item.address)
        return self.script.pop(0) if self.script else Sent(f"SM{len(self.sent)}", 1)

    def release(self) -> None:
        """What is held may go on."""
        assert self.hold is not None
        self.hold.set()

    async def find_sent(self, item: OutboxItem) -> list[Sent]:
        return self.has


async def make_address(db: Any, value: str = "+85512000001", channel: str = "sms") -> int:
    async with db.new_session.begin() as session:
        return int((await addresses.get_or_create(session, channel, value, now=NOW)).id)


async def promise(db: Any, address_id: int, words: str, **more: Any) -> int | None:
    async with db.new_session.begin() as session:
        return await outbox.enqueue(
            session,
            address_id=address_id,
            channel=more.pop("channel", "sms"),
            text=words,
            purpose=more.pop("purpose", "dialog"),
            **more,
        )


async def rows(db: Any) -> list[Any]:
    async with db.engine.connect() as connection:
        return list(await connection.execute(text("SELECT * FROM outbox ORDER BY id")))


async def states(db: Any) -> list[str]:
    return [row.state for row in await rows(db)]


async def change(db: Any, statement: str) -> None:
    async with db.engine.begin() as connection:
        await connection.execute(text(statement))


@contextlib.asynccontextmanager
async def delivering(
    db: Any,
    carrier: FakeCarrier,
    workers: int = 1,
    *,
    at: datetime = NOON,
    patient: bool = False,
    poll_s: float = 0.05,
    **more: Any,
) -> AsyncIterator[None]:
    """Workers at work; patient ones begin again when the database fails them."""
    stopping = asyncio.Event()
    tasks = Tasks()
    for _ in range(workers):
        delivery = Delivery(db.engine, {"sms": carrier}, poll_s=poll_s, now=lambda: at, **more)
        work = (
            keep_working(db.engine, delivery.run, stopping) if patient else delivery.run(stopping)
        )
        tasks.start(work, name="delivery")
    try:
        yield
    finally:
        stopping.set()
        await tasks.finish(5)


async def all_ended(db: Any) -> bool:
    return not {"waiting", "sending"} & set(await states(db))


async def test_a_message_goes_out_once_its_cause_is_committed(db: Any) -> None:
    address = await make_address(db)
    carrier = FakeCarrier()
    async with delivering(db, carrier):
        async with db.new_session() as session:
            await outbox.enqueue(
                session, address_id=address, channel="sms", text="never", purpose="dialog"
            )
            await session.rollback()
        await promise(db, address, "ជំរាបសួរ")
        await until(lambda: all_ended(db))
    assert carrier.sent == [("+85512000001", "ជំរាបសួរ")]
    (row,) = await rows(db)
    assert (row.state, row.provider_id, row.parts, row.attempts) == ("sent", "SM1", 1, 1)


async def test_an_equal_key_is_promised_once(db: Any) -> None:
    address = await make_address(db)
    assert await promise(db, address, "a", dedup_key="k") is not None
    assert await promise(db, address, "b", dedup_key="k") is None
    assert len(await rows(db)) == 1


async def test_two_workers_keep_each_chat_in_order(db: Any) -> None:
    numbers = [f"+8551200000{digit}" for digit in range(5)]
    ids = [await make_address(db, number) for number in numbers]
    for turn in range(8):
        for address in ids:
            await promise(db, address, str(turn))
    carrier = FakeCarrier()
    async with delivering(db, carrier, workers=2):
        await until(lambda: all_ended(db), 20)
    assert not carrier.overlapped
    assert len(carrier.sent) == 40
    for number in numbers:
        assert [words for to, words in carrier.sent if to == number] == list("01234567")


async def test_bulk_waits_for_what_a_person_waits_for(db: Any) -> None:
    address = await make_address(db)
    await promise(db, address, "bulk", lane=outbox.BULK)
    await promise(db, address, "answer")
    carrier = FakeCarrier()
    async with delivering(db, carrier):
        await until(lambda: all_ended(db))
    assert [words for _, words in carrier.sent] == ["answer", "bulk"]


async def test_a_message_planned_for_later_holds_nothing_back(db: Any) -> None:
    address = await make_address(db)
    later = datetime.now(UTC) + timedelta(days=1)
    await promise(db, address, "tomorrow", not_before=later)
    await promise(db, address, "now")
    carrier = FakeCarrier()
    async with delivering(db, carrier):
        await until(lambda: carrier.sent)
    assert await states(db) == ["waiting", "sent"]


async def test_nobody_walks_over_all_that_is_planned_for_later(db: Any) -> None:
    await make_address(db)
    await change(
        db,
        "INSERT INTO outbox (address_id, channel, purpose, lane, not_before)"
        " SELECT id, 'sms', 'news', 1, now() + n * interval '1 s'"
        " FROM address, generate_series(1, 5000) AS n",
    )
    asked = outbox_sql.CLAIM
    for name, value in (("$1", "1"), ("$2", "64"), ("$3", "10"), ("$4", "'{}'")):
        asked = asked.replace(name, value)
    async with direct_connection(db.engine) as connection:
        plan = await connection.fetch(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {asked}")
    lines = [line["QUERY PLAN"] for line in plan]
    first = next(n for n, line in enumerate(lines) if "on outbox o" in line)
    assert "ix_outbox_waiting" in lines[first]
    assert "not_before <= now()" in lines[first + 1]
    assert not any("Rows Removed" in line for line in lines)


async def test_a_retry_holds_back_what_comes_after_it(db: Any) -> None:
    address = await make_address(db)
    await promise(db, address, "first")
    await promise(db, address, "second")
    carrier = FakeCarrier(Later(0.05, "throttled", throttled=True))
    async with delivering(db, carrier):
        await until(lambda: all_ended(db))
    assert [words for _, words in carrier.sent] == ["first", "first", "second"]
    assert (await rows(db))[0].attempts == 1, "patience that was asked for is no failure"


async def test_failures_are_tried_again_and_given_up_at_last(
    db: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "_LONGEST_BACKOFF_S", 0.01)
    address = await make_address(db)
    await promise(db, address, "x")
    carrier = FakeCarrier(*[Later(0, "http 500")] * 20)
    async with delivering(db, carrier):
        await until(lambda: all_ended(db))
    (row,) = await rows(db)
    assert (row.state, row.error_code) == ("failed", "http 500")
    assert len(carrier.sent) == outbox.MAX_ATTEMPTS


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Refused("21617"), "failed"),
        (Unreachable("stopped"), "unreachable"),
        (Uncertain("no answer"), "uncertain"),
    ],
)
async def test_a_final_outcome_is_never_sent_again(db: Any, outcome: Outcome, state: str) -> None:
    await promise(db, await make_address(db), "x")
    carrier = FakeCarrier(outcome)
    async with delivering(db, carrier):
        await until(lambda: all_ended(db))
    assert await states(db) == [state]
    assert len(carrier.sent) == 1


async def test_an_unreachable_address_is_left_alone_until_the_person_writes(db: Any) -> None:
    address = await make_address(db)
    await promise(db, address, "one")
    carrier = FakeCarrier(Unreachable("stopped"))
    async with delivering(db, carrier):
        await until(lambda: all_ended(db))
        await promise(db, address, "two")
        await until(lambda: all_ended(db))
        assert [words for _, words in carrier.sent] == ["one"]
        await change(db, "UPDATE address SET last_in_at = now() + interval '1 second'")
        await promise(db, address, "three")
        await until(lambda: all_ended(db))
    assert [words for _, words in carrier.sent] == ["one", "three"]


async def test_what_a_dead_worker_was_sending_becomes_uncertain_and_is_looked_up(db: Any) -> None:
    await promise(db, await make_address(db), "x")
    async with direct_connection(db.engine) as connection:
        items = await outbox.claim(connection, outbox.DIALOG, 10)
        assert await outbox.start(connection, items) == {items[0].id}
    await change(db, "UPDATE outbox SET leased_until = now() - interval '1 second'")
    carrier = FakeCarrier()
    carrier.has = [Sent("SM9", 2)]
    async with delivering(db, carrier):
        await until(lambda: _is(db, "sent"))
    assert carrier.sent == []
    (row,) = await rows(db)
    assert (row.provider_id, row.parts) == ("SM9", 2)


async def _is(db: Any, state: str) -> bool:
    return await states(db) == [state]


async def test_a_message_of_another_row_does_not_settle_an_uncertain_one(db: Any) -> None:
    address = await make_address(db)
    await promise(db, address, "same")
    await promise(db, address, "same")
    carrier = FakeCarrier(Sent("SM1", 1), Uncertain("no answer"))
    carrier.has = [Sent("SM1", 1)]
    async with delivering(db, carrier):
        await until(lambda: all_ended(db))
        await change(db, "UPDATE outbox SET leased_until = now() WHERE state = 'uncertain'")
        await until(lambda: _asked(db))
    assert await states(db) == ["sent", "uncertain"]


async def _asked(db: Any) -> bool:
    return (await rows(db))[1].leased_until > datetime.now(UTC) + timedelta(seconds=30)


async def report(db: Any, state: str, *, item_id: int | None = None, sid: str = "SM1") -> bool:
    async with direct_connection(db.engine) as connection:
        return await outbox.apply_status(connection, provider_id=sid, state=state, item_id=item_id)


async def test_a_report_never_moves_a_message_backwards(db: Any) -> None:
    await promise(db, await make_address(db), "x")
    async with delivering(db, FakeCarrier()):
        await until(lambda: all_ended(db))
    for state in ("sent", "delivered", "sent", "undelivered", "failed"):
        assert await report(db, state)
    assert await states(db) == ["delivered"]


async def test_a_report_that_overtakes_the_answer_stays(db: Any) -> None:
    item_id = await promise(db, await make_address(db), "x")
    carrier = FakeCarrier()
    carrier.hold = asyncio.Event()
    async with delivering(db, carrier):
        await until(lambda: carrier.sent)
        assert await report(db, "delivered", item_id=item_id)
        carrier.hold.set()
        await until(lambda: _has_parts(db))
    assert await states(db) == ["delivered"]


async def test_a_late_refusal_does_not_move_a_delivered_message_back(db: Any) -> None:
    item_id = await promise(db, await make_address(db), "x")
    async with direct_connection(db.engine) as connection:
        (item,) = await outbox.claim(connection, outbox.DIALOG, 1)
        await outbox.start(connection, [item])
        assert await report(db, "delivered", item_id=item_id)
        await outbox.record(connection, item, Unreachable("blocked"))
    assert await states(db) == ["delivered"]
    async with db.engine.connect() as connection:
        assert await connection.scalar(text("SELECT blocked_at FROM address")) is None


async def _has_parts(db: Any) -> bool:
    return (await rows(db))[0].parts == 1


async def test_a_report_on_a_message_that_is_not_ours_is_told(db: Any) -> None:
    await promise(db, await make_address(db), "x")
    async with delivering(db, FakeCarrier()):
        await until(lambda: all_ended(db))
    assert not await report(db, "delivered", sid="SMother")
    row = (await rows(db))[0]
    assert not await report(db, "delivered", sid="SMother", item_id=row.id)
    assert row.state == "sent"


async def test_a_channel_that_is_not_set_up_is_said_so(db: Any) -> None:
    address = await make_address(db, "4242", "telegram")
    await promise(db, address, "x", channel="telegram")
    async with delivering(db, FakeCarrier()):
        await until(lambda: all_ended(db))
    (row,) = await rows(db)
    assert (row.state, row.error_code) == ("failed", "channel not set up")
