"""The delivery worker dies at any moment: nothing is sent twice, and what is not known is said.

A killed worker leaves rows in *sending*. Whether such a message went out, only the carrier knows:
SMS are looked up at it, Telegram messages stay *uncertain* and are never sent again.
"""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.counting_carrier import CountingCarrier
from tests.e2e.line_processes import NO_LIMIT, Between, between_carriers
from tests.e2e.outbox_rows import (
    Promised,
    Tally,
    has_ended,
    let_leases_end,
    list_states,
    promise_to_many,
    tally,
)
from tests.served_app import until
from tests.support import Database

LEASE_AND_MORE_S = 120.0
SEED = 20261122
KILLS = 50
# As in earnest: without a limit all would be sent after a few kills.
REAL_LIMIT = {"TELEGRAM_PER_S": "30", "SMS_PARTS_PER_S": "30"}


async def kill_at_a_moment(line: Between, chance: random.Random, most: int) -> None:
    """Start a delivery worker and kill it soon after a chosen number of arrivals."""
    carrier = line.carrier
    worker = await line.start("worker", "outbox")
    await carrier.until(len(carrier.arrived) + chance.randint(1, most), LEASE_AND_MORE_S)
    # Somewhere between two messages, or in the middle of one.
    await asyncio.sleep(chance.uniform(0, 2 * carrier.answers_after_s))
    worker.kill()
    await worker.ended()


def assert_in_order(carrier: CountingCarrier, promised: list[Promised]) -> None:
    for to in {one.to for one in promised}:
        assert carrier.texts(to) == sorted(carrier.texts(to)), f"out of order for {to}"


async def take_stock(db: Database, line: Between, promised: list[Promised]) -> Tally:
    return tally(promised, await list_states(db.engine), line.carrier.copies())


def assert_honest(found: Tally, promised: list[Promised]) -> None:
    """Each arrived once, or is marked; an SMS that arrived was found at the carrier."""
    assert (found.twice, found.never, found.others) == (0, 0, {}), str(found)
    assert found.sent + found.uncertain_arrived + found.uncertain_lost == len(promised)
    assert found.uncertain_sms == 0, str(found)


async def sms_are_looked_up(db: Database, line: Between, promised: list[Promised]) -> bool:
    return (await take_stock(db, line, promised)).uncertain_sms == 0


async def deliver_the_rest(db: Database, line: Between, promised: list[Promised]) -> Tally:
    """Let one more worker live until nothing is left to send or to look up."""
    await line.start("worker", "outbox")
    await until(lambda: has_ended(db.engine), 2 * LEASE_AND_MORE_S)
    await let_leases_end(db.engine)
    await until(lambda: sms_are_looked_up(db, line, promised), LEASE_AND_MORE_S)
    return await take_stock(db, line, promised)


async def test_a_worker_killed_three_times_sends_nothing_twice(
    db: Database, redis_url: str, tmp_path: Path
) -> None:
    async with db.new_session.begin() as session:
        promised = await promise_to_many(session, people=60, each=4)
    carrier, chance = CountingCarrier(answers_after_s=0.02), random.Random(3)
    async with between_carriers(db.url, redis_url, tmp_path, carrier, **NO_LIMIT) as line:
        for _ in range(3):
            await kill_at_a_moment(line, chance, most=20)
            assert not await has_ended(db.engine)
            await let_leases_end(db.engine)
        found = await deliver_the_rest(db, line, promised)
    assert_honest(found, promised)
    assert_in_order(carrier, promised)


@pytest.mark.soak
async def test_a_worker_killed_fifty_times_sends_nothing_twice(
    db: Database, redis_url: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    async with db.new_session.begin() as session:
        promised = await promise_to_many(session, people=1000, each=2)
    carrier, chance = CountingCarrier(answers_after_s=0.02), random.Random(SEED)
    async with between_carriers(db.url, redis_url, tmp_path, carrier, **REAL_LIMIT) as line:
        for _ in range(KILLS):
            await kill_at_a_moment(line, chance, most=20)
        assert not await has_ended(db.engine), "the last kills met nothing to send"
        found = await deliver_the_rest(db, line, promised)
    record_property("table", f"seed {SEED}, {KILLS} kills, {len(promised)} messages: {found}")
    assert_honest(found, promised)
    assert_in_order(carrier, promised)
