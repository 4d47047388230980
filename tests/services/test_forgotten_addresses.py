"""The address of who deleted everything: it goes last, and not of who is somebody new by then."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address, InboxRow, OutboxRow
from services import addresses, consent, inbox, messages, my_data, threads
from services.contact_policy import Purpose
from services.registration import FORM, register
from tests.registered import ANSWERS
from tests.services.held_rows import come, count_all
from tests.support import Database, driver_of, save_draft

Tell = Callable[[AsyncSession, Address, datetime], Awaitable[None]]


class Standings:
    """Where conversations stand, as Redis would have it."""

    def __init__(self, *keys: bytes) -> None:
        self.keys = set(keys)

    async def forget(self, key: bytes) -> None:
        self.keys.discard(key)


async def _deleted(session: AsyncSession, now: datetime) -> tuple[Address, Standings]:
    address = await come(session, "42", now)
    await my_data.delete_everything(session, address, now=now)
    await session.refresh(address)
    return address, Standings(address.value_index)


@pytest.mark.parametrize(
    ("after", "gone"), [(timedelta(minutes=2), True), (timedelta(seconds=119), False)]
)
async def test_the_address_goes_when_the_answer_had_its_time(
    session: AsyncSession, now: datetime, after: timedelta, gone: bool
) -> None:
    _, standings = await _deleted(session, now)
    count = await my_data.forget_addresses(session, now + after, forget_standing=standings.forget)
    assert (count, standings.keys == set()) == (int(gone), gone)
    left = await session.scalar(select(func.count()).select_from(Address))
    assert left == int(not gone)


async def test_the_address_stays_until_the_last_answer_has_left(
    session: AsyncSession, now: datetime
) -> None:
    address, standings = await _deleted(session, now)
    later = now + timedelta(hours=1)
    await messages.send(session, address, Purpose.DIALOG, "deleted", now=now)
    for state, count in [("waiting", 0), ("sending", 0), ("sent", 1)]:
        await session.execute(update(OutboxRow).values(state=state))
        told = await my_data.forget_addresses(session, later, forget_standing=standings.forget)
        assert told == count
    assert set((await count_all(session)).values()) == {0}
    assert not standings.keys


async def test_who_writes_again_is_somebody_new_and_is_not_lost(
    session: AsyncSession, now: datetime
) -> None:
    address, standings = await _deleted(session, now)
    again = datetime.now(UTC) + timedelta(minutes=1)
    await session.execute(update(Address).values(forget_at=datetime.now(UTC)))
    driver = await driver_of(session)
    await inbox.store(driver, "telegram", "old", "42", b"{}")
    await inbox.store(driver, "telegram", "new", "42", b"{}")
    for name, at in [("old", again - timedelta(hours=1)), ("new", again)]:
        await session.execute(
            update(InboxRow).where(InboxRow.provider_id == name).values(received_at=at, done_at=at)
        )
    await addresses.touch(session, address, now=again)
    await save_draft(session, address.id, FORM, {"name": "x"})
    await my_data.forget_addresses(
        session, again + timedelta(hours=1), forget_standing=standings.forget
    )
    await session.refresh(address)
    assert (address.forget_at, address.last_in_at) == (None, again)
    assert standings.keys
    assert list(await session.scalars(select(InboxRow.provider_id))) == ["new"]
    assert (await count_all(session))["draft"] == 1


@pytest.mark.parametrize("ended", ["done_at", "failed_at"])
async def test_a_message_that_waits_to_be_handled_is_waited_for(
    session: AsyncSession, now: datetime, ended: str
) -> None:
    _, standings = await _deleted(session, now)
    await inbox.store(await driver_of(session), "telegram", "new", "42", b"{}")
    later = now + timedelta(hours=1)
    assert not await my_data.forget_addresses(session, later, forget_standing=standings.forget)
    assert list(await session.scalars(select(InboxRow.provider_id))) == ["new"]
    await session.execute(update(InboxRow).values({ended: now}))
    assert await my_data.forget_addresses(session, later, forget_standing=standings.forget)
    assert (await count_all(session))["inbox"] == 0
    assert not standings.keys


async def test_a_second_tap_on_delete_everything_keeps_nothing(
    session: AsyncSession, now: datetime
) -> None:
    """It says that the address wrote again, and tells nothing."""
    address, standings = await _deleted(session, now)
    await addresses.touch(session, address, now=now + timedelta(seconds=1))
    await my_data.forget_addresses(
        session, now + timedelta(hours=1), forget_standing=standings.forget
    )
    assert not standings.keys
    assert await session.scalar(select(func.count()).select_from(Address)) == 0


async def test_nobody_is_forgotten_in_the_middle_of_a_conversation(
    session: AsyncSession, now: datetime
) -> None:
    address, standings = await _deleted(session, now)
    back = now + timedelta(minutes=10)
    await addresses.touch(session, address, now=back)
    for after, count in ((timedelta(minutes=14), 0), (timedelta(minutes=15), 1)):
        told = await my_data.forget_addresses(
            session, back + after, forget_standing=standings.forget
        )
        assert told == count


async def _register_again(session: AsyncSession, address: Address, now: datetime) -> None:
    await save_draft(session, address.id, FORM, ANSWERS)
    await register(session, address, now=now)


async def _agree(session: AsyncSession, address: Address, now: datetime) -> None:
    await consent.record(session, address, consent.NEWS, True, "1", now=now)


async def _talk(session: AsyncSession, address: Address, now: datetime) -> None:
    await threads.talk(session, address, "new words", now=now)


async def _begin(session: AsyncSession, address: Address, now: datetime) -> None:
    await save_draft(session, address.id, FORM, {"name": "x"})


async def _stop(session: AsyncSession, address: Address, now: datetime) -> None:
    await addresses.stop(session, address.id, now=now)


async def _share(session: AsyncSession, address: Address, now: datetime) -> None:
    await addresses.set_shared(session, address.id, False)


@pytest.mark.parametrize("tell", [_register_again, _agree, _talk, _begin, _stop, _share])
async def test_who_tells_something_after_deleting_is_somebody_new(
    session: AsyncSession, now: datetime, tell: Tell
) -> None:
    address, standings = await _deleted(session, now)
    await tell(session, address, now + timedelta(minutes=1))
    await my_data.forget_addresses(
        session, now + timedelta(days=1), forget_standing=standings.forget
    )
    await session.refresh(address)
    assert address.forget_at is None
    assert standings.keys


async def test_an_address_that_is_being_spoken_with_is_left_for_the_next_time(
    db: Database, now: datetime
) -> None:
    async with db.new_session.begin() as session:
        address, standings = await _deleted(session, now)
    later = now + timedelta(hours=1)
    async with db.new_session.begin() as consumer, db.new_session.begin() as session:
        driver = await driver_of(consumer)
        assert await inbox.lock_addresses(driver, [address.value_index])
        assert not await my_data.forget_addresses(session, later, forget_standing=standings.forget)
        await inbox.unlock_addresses(driver, [address.value_index])
    async with db.new_session.begin() as session:
        assert await my_data.forget_addresses(session, later, forget_standing=standings.forget)
    assert not standings.keys
