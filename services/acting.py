"""Sessions in which a member of staff sees the rows of their own centre and no other.

The desk's connections see no centre's rows by themselves. What is set here ends with the
transaction, so that the next visitor's never begins with it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

NO_CENTRE = ""
ALL_CENTRES = "all"
_CENTRE = "tralob.centre"

Session = AsyncSession
NewSession = async_sessionmaker[AsyncSession]


class Acting(Protocol):
    """What of somebody decides which rows they see."""

    @property
    def role(self) -> str: ...

    @property
    def centre_id(self) -> str | None: ...


@asynccontextmanager
async def acting(new_session: NewSession, visitor: Acting) -> AsyncIterator[AsyncSession]:
    """One transaction, committed at the end, that shows the visitor's centre only.

    Auditors see no centre, who works for all centres sees every one. A commit within ends the
    sight with the transaction: what follows it finds nothing.
    """
    async with new_session.begin() as session:
        await session.execute(select(func.set_config(_CENTRE, _visible_centre(visitor), True)))
        yield session


@asynccontextmanager
async def across_centres(session: AsyncSession) -> AsyncIterator[None]:
    """See rows of other centres for a moment, after it was asked whether this may be.

    A request that was handed over has its person at the centre that it came from, handing it over
    writes a row of the centre that it goes to, and who leaves may leave requests anywhere.
    """
    before = await session.scalar(select(func.current_setting(_CENTRE, True)))
    await session.execute(select(func.set_config(_CENTRE, ALL_CENTRES, True)))
    yield
    await session.flush()
    await session.execute(select(func.set_config(_CENTRE, before or NO_CENTRE, True)))


def _visible_centre(visitor: Acting) -> str:
    if visitor.role == "auditor":
        return NO_CENTRE
    return ALL_CENTRES if visitor.centre_id is None else visitor.centre_id
