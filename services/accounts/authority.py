"""Who may make, change and end the accounts of others."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Staff
from services.errors import NotAllowed


async def check_may_manage(session: AsyncSession, by: UUID | None) -> None:
    """Raises NotAllowed but for an administrator; None is whoever has the machine itself."""
    if by is None:
        return
    person = await session.get(Staff, by)
    if person is None or person.role != "administrator" or person.ended_at is not None:
        raise NotAllowed
