"""Tells open pages that somebody was signed out: they end at once, not at their next look."""

from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

_CHANNEL: Final = "desk"  # as the trigger of the requests; `services.desk_news` listens there


def notice_of_end(staff_id: UUID) -> str:
    """What is said when a session of theirs has ended; which one, their pages find out."""
    return f"session of {staff_id}"


async def tell_end(session: AsyncSession, staff_id: UUID) -> None:
    """Say it to every process, when the transaction is committed and not before."""
    await session.execute(select(func.pg_notify(_CHANNEL, notice_of_end(staff_id))))
