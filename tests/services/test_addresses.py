import asyncio
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address
from services import addresses
from tests.support import Database


async def test_an_address_is_made_once_and_found_again(
    session: AsyncSession, now: datetime
) -> None:
    made = await addresses.get_or_create(session, "sms", "+85512345678", now=now)
    session.expunge_all()
    found = await addresses.get_or_create(session, "sms", "+85512345678", now=now)
    assert (found.id, found.value, found.person_id) == (made.id, "+85512345678", None)
    assert await addresses.find(session, "telegram", "+85512345678") is None


async def test_the_first_messages_of_an_address_may_come_all_at_once(
    db: Database, now: datetime
) -> None:
    async def come() -> int:
        async with db.new_session.begin() as session:
            return (await addresses.get_or_create(session, "telegram", "42", now=now)).id

    assert len(set(await asyncio.gather(*(come() for _ in range(30))))) == 1
    async with db.new_session() as session:
        assert await session.scalar(select(func.count()).select_from(Address)) == 1


async def test_stop_and_block_keep_their_first_moment_and_can_be_undone(
    session: AsyncSession, now: datetime
) -> None:
    address = await addresses.get_or_create(session, "sms", "+85512345678", now=now)
    for moment in (now, now + timedelta(hours=1)):
        await addresses.stop(session, address.id, now=moment)
        await addresses.mark_blocked(session, address.id, now=moment)
    await session.refresh(address)
    assert (address.stopped_at, address.blocked_at) == (now, now)
    await addresses.start(session, address.id)
    await addresses.mark_unblocked(session, address.id)
    assert (address.stopped_at, address.blocked_at) == (None, None)


async def test_the_language_and_the_last_message_are_remembered(
    session: AsyncSession, now: datetime
) -> None:
    address = await addresses.get_or_create(session, "telegram", "42", now=now)
    await addresses.set_language(session, address.id, "en")
    for moment in (now, now + timedelta(minutes=1)):
        await addresses.touch(session, address, now=moment)
    assert (address.language, address.last_in_at) == ("en", now)
    await addresses.touch(session, address, now=now + timedelta(hours=1))
    assert address.last_in_at == now + timedelta(hours=1)
