"""What members of staff are called, by their ids: names are sealed, so they are joined here."""

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Staff


async def list_names(session: AsyncSession, ids: Collection[UUID | None]) -> Mapping[UUID, str]:
    """By id, whether they still work here or not; None and what is nobody's id have no name."""
    wanted = {one for one in ids if one is not None}
    if not wanted:
        return {}
    found = await session.scalars(select(Staff).where(Staff.id.in_(wanted)))
    return {person.id: person.name for person in found}
