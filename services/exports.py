"""The page of everything that is kept about somebody: who asked for one, and may have it.

It is made beside the conversation, and takes a while. Until it is promised the person may have
deleted everything, or the job may have begun anew after its worker was killed.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address, File
from services import addresses, files, jobs

LASTS = timedelta(days=1)
ONE_PER = timedelta(hours=1)


async def ask_for(session: AsyncSession, address: Address, *, now: datetime) -> bool:
    """Promise the job that makes it; False when one was made within the last hour."""
    if await _was_made(session, address.id, now):
        return False
    await jobs.defer(
        session,
        jobs.EXPORT_MY_DATA,
        lock=_lock(address.id),
        queueing_lock=_lock(address.id),
        address_id=address.id,
        asked_at=now.isoformat(),
    )
    return True


async def find_asker(
    session: AsyncSession, address_id: int, *, asked_at: datetime, hold: bool = False
) -> Address | None:
    """Who is to get it; None for who deleted everything since, or has one that was made since.

    With `hold` this stays so until the transaction ends.
    """
    if hold:
        address = await addresses.lock(session, address_id)
    else:
        address = await session.get(Address, address_id)
    if address is None or address.created_at > asked_at:
        return None
    return None if await _was_made(session, address_id, asked_at) else address


async def add(
    session: AsyncSession, address: Address, name: str, *, size: int, media_type: str, now: datetime
) -> File:
    """It was made, and lies in the store under `name`."""
    return await files.add_export(
        session, address.id, name, size=size, media_type=media_type, now=now, lasts=LASTS
    )


async def cancel(session: AsyncSession, address_ids: Sequence[int]) -> None:
    """Who deletes everything gets none that still waits; one that is being made finds out."""
    await jobs.cancel(session, [_lock(address_id) for address_id in address_ids])


async def _was_made(session: AsyncSession, address_id: int, at: datetime) -> bool:
    made = exists().where(
        File.address_id == address_id,
        File.expires_at.is_not(None),
        File.created_at > at - ONE_PER,
    )
    return bool(await session.scalar(select(made)))


def _lock(address_id: int) -> str:
    return f"{jobs.EXPORT_MY_DATA}:{address_id}"
