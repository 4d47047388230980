"""Addresses: whom a message came from, and whether anything may be sent back."""

from datetime import datetime, timedelta
from typing import Any

from asyncpg import Connection
from sqlalchemy import bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address, address_index

_FIND_KNOWN = """
SELECT id, person_id, language, is_demo, created_at, last_in_at, blocked_at, stopped_at,
    is_shared, forget_at
FROM address WHERE channel = $1 AND value_index = $2
"""

# Nobody needs to know to the second when somebody last wrote; a row per message would cost more.
TOUCH_EVERY = timedelta(minutes=5)

# Built once: it is sent for every message, and building costs more than sending.
_FIND = select(Address).where(
    Address.channel == bindparam("on_channel"), Address.value_index == bindparam("of_index")
)


async def find(session: AsyncSession, channel: str, value: str) -> Address | None:
    """The address of a Telegram chat id (as text) or an E.164 number."""
    parameters = {"on_channel": channel, "of_index": address_index(channel, value)}
    return (await session.scalars(_FIND, parameters)).one_or_none()


async def find_known(connection: Connection, channel: str, value: str) -> Address | None:
    """As `find`, for the path of every message: one bare statement, an object of no session."""
    index = address_index(channel, value)
    row = await connection.fetchrow(_FIND_KNOWN, channel, index)
    if row is None:
        return None
    return Address(channel=channel, value=value, value_index=index, **row)


def is_noted(address: Address, now: datetime) -> bool:
    """Whether nothing needs to be written down about this address having written just now."""
    return (
        address.blocked_at is None
        and address.last_in_at is not None
        and now - address.last_in_at < TOUCH_EVERY
    )


async def get_or_create(
    session: AsyncSession, channel: str, value: str, *, now: datetime
) -> Address:
    """The address, made when it is new; safe when two messages of it come at once."""
    address = await find(session, channel, value)
    if address is not None:
        return address
    new = insert(Address).values(
        channel=channel,
        value=value,
        value_index=address_index(channel, value),
        created_at=now,
    )
    # A conflict updates nothing, but makes RETURNING give the row that was there first.
    kept = new.on_conflict_do_update(
        index_elements=["channel", "value_index"], set_={"channel": new.excluded.channel}
    ).returning(Address)
    return (await session.scalars(kept)).one()


async def lock(session: AsyncSession, address_id: int) -> Address | None:
    """The address, held until the transaction ends; None when it is gone.

    Whoever changes several things of a person holds the address first: that is the order of all.
    Rows that only refer to it (an outgoing message) may still be written meanwhile.
    """
    query = (
        select(Address)
        .where(Address.id == address_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    held = (await session.scalars(query)).one_or_none()
    if held is None:
        # Whoever deleted everything while this waited has it anew under its old id.
        held = (await session.scalars(query)).one_or_none()
    return held


async def touch(session: AsyncSession, address: Address, *, now: datetime) -> None:
    """Remember that this address wrote to us. Usually there is nothing to do."""
    if address.last_in_at is None or now - address.last_in_at >= TOUCH_EVERY:
        await _update(session, address.id, last_in_at=now)


async def set_language(session: AsyncSession, address_id: int, language: str) -> None:
    """'km' or 'en'."""
    await _update(session, address_id, language=language)


async def mark_blocked(session: AsyncSession, address_id: int, *, now: datetime) -> None:
    """The carrier says that nothing reaches this address; the first time is kept."""
    await _update(session, address_id, blocked_at=func.coalesce(Address.blocked_at, now))


async def mark_unblocked(session: AsyncSession, address_id: int) -> None:
    await _update(session, address_id, blocked_at=None)


async def stop(session: AsyncSession, address_id: int, *, now: datetime) -> None:
    """The person said STOP: nothing unasked goes there any more. The first time is kept."""
    await _update(session, address_id, stopped_at=func.coalesce(Address.stopped_at, now))


async def start(session: AsyncSession, address_id: int) -> None:
    """The person said START."""
    await _update(session, address_id, stopped_at=None)


async def set_shared(session: AsyncSession, address_id: int, is_shared: bool) -> None:
    """The person told whether others read this phone too."""
    await _update(session, address_id, is_shared=is_shared)


async def _update(session: AsyncSession, address_id: int, **values: Any) -> None:
    await session.execute(update(Address).where(Address.id == address_id).values(**values))
