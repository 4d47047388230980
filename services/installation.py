"""The name of this installation: of its database, among all that may share a store of files."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.centre import Installation


async def get_id(session: AsyncSession) -> UUID:
    """Made by the migration, the same for as long as the database lives."""
    return (await session.scalars(select(Installation.id))).one()
