"""Two who do the same in one moment: workers at one address, questions about one message."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from asyncpg import Connection
from served_app import until
from sqlalchemy import text
from test_outbox import (
    FakeCarrier,
    all_ended,
    change,
    delivering,
    make_address,
    promise,
    report,
    rows,
    states,
)

from bot.delivery import Ready
from services import outbox
from services.direct import direct_connection
from services.outbox import BULK, DIALOG, OutboxItem
from services.outcomes import Later, Outcome, Refused, Sent, Uncertain, Unreachable
from tests.support import waits_for_lock


async def _when_it_waits(db: Any, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    """Begin something that must wait for what this test holds."""
    task = asyncio.create_task(work)
    async with db.new_session() as session:
        await until(lambda: waits_for_lock(session))
    return task


async def _claim_both(db: Any, first: Connection) -> tuple[OutboxItem, OutboxItem]:
    """Bulk, and an answer that came while nobody saw the claim of the bulk."""
    address = await make_address(db)
    await promise(db, address, "bulk", lane=BULK)
    async with first.transaction():
        (bulk,) = await outbox.claim(first, BULK, 10)
        await promise(db, address, "answer")
        async with direct_connection(db.engine) as second:
            (answer,) = await outbox.claim(second, DIALOG, 10)
    return bulk, answer


async def test_of_two_messages_of_one_address_the_second_is_not_begun(db: Any) -> None:
    async with direct_connection(db.engine) as connection:
        bulk, answer = await _claim_both(db, connection)
        assert await outbox.start(connection, [bulk]) == {bulk.id}
        assert await outbox.start(connection, [answer]) == set()
    assert await states(db) == ["sending", "waiting"]


async def test_of_two_that_are_begun_together_the_answer_goes(db: Any) -> None:
    async with direct_connection(db.engine) as connection:
        bulk, answer = await _claim_both(db, connection)
        assert await outbox.start(connection, [bulk, answer]) == {answer.id}


async def test_two_workers_that_begin_at_once_do_not_both_send(db: Any) -> None:
    async with direct_connection(db.engine) as one, direct_connection(db.engine) as other:
        bulk, answer = await _claim_both(db, one)
        async with one.transaction():
            assert await outbox.start(one, [bulk]) == {bulk.id}
            begun = await _when_it_waits(db, outbox.start(other, [answer]))
        assert await begun == set()
    assert await states(db) == ["sending", "waiting"]


class AskingTwice(FakeCarrier):
    """While it waits for its turn with the first message, somebody else begins with another."""

    def __init__(self, db: Any) -> None:
        super().__init__()
        self._db = db
        self._first = True

    async def send(self, item: OutboxItem, ready: Ready) -> Outcome:
        if self._first:
            self._first = False
            await change(
                self._db,
                "INSERT INTO outbox (address_id, channel, purpose, state, leased_until)"
                " SELECT address_id, channel, purpose, 'sending', now() + interval '1 minute'"
                " FROM outbox",
            )
        return await super().send(item, ready)


async def test_a_message_that_may_not_begin_is_free_again_at_once(db: Any) -> None:
    await promise(db, await make_address(db), "x")
    carrier = AskingTwice(db)
    async with delivering(db, carrier):
        await until(lambda: _is_free(db))
        await change(db, "UPDATE outbox SET state = 'sent' WHERE state = 'sending'")
        await until(lambda: all_ended(db))
    assert [words for _, words in carrier.sent] == ["x"]
    assert (await rows(db))[0].attempts == 1


async def _is_free(db: Any) -> bool:
    found = await rows(db)
    return len(found) == 2 and found[0].state == "waiting" and found[0].leased_until is None


class NeverReady(FakeCarrier):
    """Says what became of a message before its turn has come; then takes everything."""

    async def send(self, item: OutboxItem, ready: Ready) -> Outcome:
        if self.script:
            return self.script.pop(0)
        return await super().send(item, ready)


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Later(0.01, "limited", throttled=True), "sent"),
        (Refused("file gone"), "failed"),
        (Uncertain("no answer"), "failed"),
    ],
)
async def test_what_was_not_begun_never_becomes_uncertain(
    db: Any, outcome: Outcome, state: str
) -> None:
    await promise(db, await make_address(db), "x")
    carrier = NeverReady(outcome)
    async with delivering(db, carrier):
        await until(lambda: all_ended(db))
    (row,) = await rows(db)
    assert (row.state, row.attempts) == (state, len(carrier.sent))


async def test_a_turn_that_never_came_is_no_attempt(db: Any) -> None:
    """It stood ready, and others took every place: nothing of it was sent."""
    await promise(db, await make_address(db), "x")
    carrier = FakeCarrier(Later(0.01, "limited", throttled=True))
    async with delivering(db, carrier):
        await until(lambda: all_ended(db))
    (row,) = await rows(db)
    assert (row.state, row.attempts, len(carrier.sent)) == ("sent", 1, 2)


async def test_who_lost_a_message_does_not_take_it_from_who_sends_it(db: Any) -> None:
    """A turn that came too late must not free what somebody else is sending by then."""
    await promise(db, await make_address(db), "x")

    class Late(FakeCarrier):
        async def send(self, item: OutboxItem, ready: Ready) -> Outcome:
            await change(db, "UPDATE outbox SET leased_until = now()")
            async with direct_connection(db.engine) as connection:
                again = await outbox.claim(connection, DIALOG, 1)
                await outbox.start(connection, again)
            self.items.append(item)
            return Later(0.01, "limited", throttled=True)

    carrier = Late()
    async with delivering(db, carrier):
        await until(lambda: carrier.items)
    assert await states(db) == ["sending"]


# --- uncertain messages ---


async def _uncertain(db: Any, words: str, times: int) -> None:
    address = await make_address(db)
    for _ in range(times):
        await promise(db, address, words)
    await change(db, "UPDATE outbox SET state = 'uncertain', leased_until = now()")


async def _was_asked_about_all(db: Any) -> bool:
    asked = "SELECT bool_and(leased_until > now() + interval '30 s') FROM outbox"
    async with db.engine.connect() as connection:
        return bool(await connection.scalar(text(asked + " WHERE state = 'uncertain'")))


class Slow(FakeCarrier):
    """Answers only when it was asked about every message, if they are asked about side by side."""

    def __init__(self, *has: Sent) -> None:
        super().__init__()
        self.has = list(has)
        self.asked = 0

    async def find_sent(self, item: OutboxItem) -> list[Sent]:
        self.asked += 1
        for _ in range(100):
            await asyncio.sleep(0)
        return self.has


async def test_one_message_at_the_carrier_settles_one_of_two_alike(db: Any) -> None:
    await _uncertain(db, "same words", 2)
    carrier = Slow(Sent("SM1", 1))
    async with delivering(db, carrier):
        await until(lambda: carrier.asked == 2)
        await until(lambda: _was_asked_about_all(db))
    assert [(row.state, row.provider_id) for row in await rows(db)] == [
        ("sent", "SM1"),
        ("uncertain", None),
    ]


async def test_two_messages_at_the_carrier_settle_both_in_their_order(db: Any) -> None:
    await _uncertain(db, "same words", 2)
    async with delivering(db, Slow(Sent("SM1", 1), Sent("SM2", 1))):
        await until(lambda: _are_sent(db))
    assert [row.provider_id for row in await rows(db)] == ["SM1", "SM2"]


async def _are_sent(db: Any) -> bool:
    return set(await states(db)) == {"sent"}


def _item_of(row: Any) -> OutboxItem:
    return OutboxItem(
        id=row.id,
        channel=row.channel,
        address="",
        text="",
        reply_markup=None,
        attempt=1,
        created_at=row.created_at,
    )


async def _settle(db: Any, *found: Sent) -> bool:
    """Find one of these for the first message."""
    item = _item_of((await rows(db))[0])
    async with direct_connection(db.engine) as connection:
        return await outbox.settle(connection, item, found)


async def test_nothing_is_settled_while_its_like_is_being_sent(db: Any) -> None:
    """What the carrier shows may be that one, whose answer is on its way."""
    await _uncertain(db, "same words", 2)
    await change(db, "UPDATE outbox SET state = 'sending' WHERE id = (SELECT max(id) FROM outbox)")
    assert not await _settle(db, Sent("SM1", 1))
    await change(db, "UPDATE outbox SET state = 'sent', provider_id = 'SM1' WHERE state='sending'")
    assert not await _settle(db, Sent("SM1", 1))
    assert await _settle(db, Sent("SM1", 1), Sent("SM2", 1))
    assert [row.provider_id for row in await rows(db)] == ["SM2", "SM1"]


async def test_two_processes_that_settle_at_once_settle_one(db: Any) -> None:
    await _uncertain(db, "same words", 2)
    async with direct_connection(db.engine) as connection, connection.transaction():
        await connection.execute(
            "UPDATE outbox SET state = 'sent', provider_id = 'SM1'"
            " WHERE id = (SELECT max(id) FROM outbox)"
        )
        settled = await _when_it_waits(db, _settle(db, Sent("SM1", 1)))
    assert not await settled
    assert await states(db) == ["uncertain", "sent"]


async def test_an_answer_that_comes_after_its_id_was_given_away_changes_no_other(db: Any) -> None:
    await _uncertain(db, "same words", 2)
    _, second = await rows(db)
    assert await _settle(db, Sent("SM2", 1))
    assert await report(db, "delivered", item_id=second.id, sid="SM2")
    assert await states(db) == ["delivered", "uncertain"]
    async with direct_connection(db.engine) as connection:
        await outbox.record_sent(connection, [(_item_of(second), Sent("SM2", 1))])
    assert [row.provider_id for row in await rows(db)] == ["SM2", None]
    assert await states(db) == ["delivered", "sent"]


async def test_a_carrier_that_gives_one_id_twice_stops_nothing(db: Any) -> None:
    for digit in range(3):
        await promise(db, await make_address(db, f"+8551200000{digit}"), "x")
    carrier = FakeCarrier(*[Sent("SM1", 1)] * 3)
    async with delivering(db, carrier):
        await until(lambda: _are_sent(db))
    assert sorted(row.provider_id or "" for row in await rows(db)) == ["", "", "SM1"]


# --- locks ---


async def test_a_blocked_address_and_its_deletion_do_not_wait_for_one_another(db: Any) -> None:
    await promise(db, await make_address(db), "x")
    async with direct_connection(db.engine) as sending, direct_connection(db.engine) as deleting:
        (item,) = await outbox.claim(sending, DIALOG, 1)
        await outbox.start(sending, [item])
        async with deleting.transaction():
            await deleting.execute("SELECT FROM address FOR UPDATE")
            blocked = outbox.record(sending, item, Unreachable("blocked"))
            waiting = await _when_it_waits(db, blocked)
            await deleting.execute("DELETE FROM outbox")
        await waiting
    assert await rows(db) == []
