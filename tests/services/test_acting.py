"""Whose rows a transaction shows, also after something in it was refused."""

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Request
from services.acting import across_centres
from services.errors import NotAllowed
from tests.services.desk_visitors import ask, see_as, visit


async def _count_requests(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(Request)) or 0


async def _see_nothing_here(session: AsyncSession) -> None:
    """Requests of Pursat, and somebody of another centre."""
    await ask(session)
    await see_as(session, await visit(session, centre="preah-vihear"))
    assert await _count_requests(session) == 0


async def test_the_sight_of_all_centres_ends_with_the_block(session: AsyncSession) -> None:
    await _see_nothing_here(session)
    async with across_centres(session):
        assert await _count_requests(session) > 0
    assert await _count_requests(session) == 0


async def test_what_is_refused_within_opens_nobodys_eyes(session: AsyncSession) -> None:
    await _see_nothing_here(session)
    with pytest.raises(NotAllowed):
        async with across_centres(session):
            raise NotAllowed
    assert await _count_requests(session) == 0


async def test_nor_does_what_the_database_refuses(session: AsyncSession) -> None:
    await _see_nothing_here(session)
    with pytest.raises(DBAPIError, match="division by zero"):
        async with session.begin_nested(), across_centres(session):
            await session.scalar(select(func.div(1, 0)))
    assert await _count_requests(session) == 0
