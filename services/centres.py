"""Which centre serves whom."""

from collections.abc import Mapping, Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Centre, CentreArea
from services.errors import ReferenceDataMissing

_CODE_LENGTHS = (6, 4, 2)  # commune, district, province: a code begins with its parent's


async def list_ids(session: AsyncSession) -> Sequence[str]:
    """What the centres are called in commands and addresses, in the order of the alphabet."""
    return (await session.scalars(select(Centre.id).order_by(Centre.id))).all()


async def list_all(session: AsyncSession) -> Sequence[Centre]:
    """With their names, in the same order."""
    return (await session.scalars(select(Centre).order_by(Centre.id))).all()


async def list_names(session: AsyncSession, language: str) -> Mapping[str, str]:
    """By id, short and in a language, in the same order."""
    return {one.id: one.short_name(language) for one in await list_all(session)}


async def find(session: AsyncSession, centre_id: str) -> Centre | None:
    """The centre of this id, with its names."""
    return await session.get(Centre, centre_id)


async def centre_for(session: AsyncSession, home_code: str | None) -> Centre:
    """The centre of a home (a place of any level): the most exact area, else who takes the rest.

    None (a caller of whom nothing is known) goes to the centre that takes the rest.
    Raises ReferenceDataMissing.
    """
    codes = [home_code[:length] for length in _CODE_LENGTHS] if home_code else []
    query = (
        select(Centre)
        .outerjoin(
            CentreArea, (CentreArea.centre_id == Centre.id) & CentreArea.place_code.in_(codes)
        )
        .where(CentreArea.place_code.is_not(None) | Centre.takes_rest)
        .order_by(func.coalesce(func.length(CentreArea.place_code), 0).desc())
        .limit(1)
    )
    centre = (await session.scalars(query)).one_or_none()
    if centre is None:
        raise ReferenceDataMissing("no centre takes the rest")
    return centre
