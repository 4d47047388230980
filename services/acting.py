"""Sessions in which a member of staff sees the rows of their own centre and no other.

The desk's connections see no centre's rows by themselves. What is set here ends with the
transaction, so that the next visitor's never begins with it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Protocol

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
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
        await _see(session, _visible_centre(visitor))
        yield session


@asynccontextmanager
async def across_centres(session: AsyncSession) -> AsyncIterator[None]:
    """See rows of other centres for a moment, after it was asked whether this may be.

    A request that was handed over has its person at the centre that it came from, handing it over
    writes a row of the centre that it goes to, and who leaves may leave requests anywhere. The
    sight ends also where what was done within is refused: whoever catches that may go on.
    """
    before = await session.scalar(select(func.current_setting(_CENTRE, True))) or NO_CENTRE
    await _see(session, ALL_CENTRES)
    try:
        yield
        await session.flush()
    except Exception:
        # After an error of its own the database takes nothing more, and shows nothing either.
        with session.no_autoflush, suppress(SQLAlchemyError):
            await _see(session, before)
        raise
    await _see(session, before)


async def _see(session: AsyncSession, centre: str) -> None:
    await session.execute(select(func.set_config(_CENTRE, centre, True)))


def _visible_centre(visitor: Acting) -> str:
    if visitor.role == "auditor":
        return NO_CENTRE
    return ALL_CENTRES if visitor.centre_id is None else visitor.centre_id
