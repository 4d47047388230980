"""Who may make, change and end the accounts of others."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.locks import Lock
from db.models import Staff
from services.errors import NotAllowed


async def check_may_manage(session: AsyncSession, by: UUID | None) -> None:
    """Raises NotAllowed but for an administrator; None is whoever has the machine itself.

    One at a time: two administrators who end each other at once would leave none.
    """
    await session.execute(select(func.pg_advisory_xact_lock(Lock.MANAGING_STAFF)))
    if by is None:
        return
    person = await session.get(Staff, by, populate_existing=True)
    if person is None or person.role != "administrator" or person.ended_at is not None:
        raise NotAllowed
