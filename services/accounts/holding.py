"""Accounts, found and held. Who changes one holds it first: two guesses at once are two guesses."""

import re
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Account

_USABLE = re.compile(r"[a-z][a-z0-9._-]{2,31}")


def fold_username(typed: str) -> str:
    """However somebody writes their username, it is the same."""
    return typed.strip().casefold()


def is_usable(username: str) -> bool:
    """Whether anybody can be called so."""
    return _USABLE.fullmatch(username) is not None


async def hold_account(session: AsyncSession, staff_id: UUID) -> Account | None:
    """Keep others from changing it until the transaction ends."""
    return await _hold(session, Account.staff_id == staff_id)


async def hold_named(session: AsyncSession, username: str) -> Account | None:
    """As `hold_account`, by a folded username; what nobody can be called is nobody's."""
    if not is_usable(username):
        return None
    return await _hold(session, Account.username == username)


async def _hold(session: AsyncSession, condition: ColumnElement[bool]) -> Account | None:
    query = (
        select(Account).where(condition).with_for_update().execution_options(populate_existing=True)
    )
    return await session.scalar(query)
