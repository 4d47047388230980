"""Codes on paper, for when the authenticator is lost: ten digits, each good for one sign-in.

They are made of the session that shows them, and kept (as hashes) only when their owner says that
they are written down. So an answer that never arrives loses nothing: the page is opened again, and
who signs in without a code that is left is led to it. Each set that was kept changes what the next
is made of: no code comes back.
"""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.crypto import current_keyring
from db.models import RecoveryCode
from services.accounts.journal import RECOVERY_CODES, note
from services.accounts.sessions import hold_own
from services.accounts.types import Visitor
from services.errors import NotAllowed

COUNT = 10
DIGITS = 10


@dataclass(frozen=True, slots=True)
class RecoveryCodes:
    """Codes that are valid once they are kept. `after` names the set that they follow."""

    codes: tuple[str, ...] = field(repr=False)
    after: int


async def count_left(session: AsyncSession, staff_id: UUID) -> int:
    """How many of their codes would still sign them in."""
    query = select(func.count()).where(
        RecoveryCode.staff_id == staff_id, RecoveryCode.used_at.is_(None)
    )
    return await session.scalar(query) or 0


async def find_proposed(session: AsyncSession, visitor: Visitor) -> RecoveryCodes | None:
    """Codes to write down, the same for as long as this session lasts; None while some are left.

    Raises NotAllowed before the code was given.
    """
    if not visitor.is_confirmed:
        raise NotAllowed
    if await count_left(session, visitor.staff_id):
        return None
    after = await _find_last(session, visitor.staff_id)
    codes = _derive(visitor.session_id, after)
    return RecoveryCodes(tuple(f"{code[:5]} {code[5:]}" for code in codes), after)


async def keep_proposed(
    session: AsyncSession, visitor: Visitor, after: int, *, now: datetime
) -> bool:
    """They are written down: from now on they are valid. False for what is so already, or over.

    Raises NotAllowed as `sessions.hold_own`.
    """
    await hold_own(session, visitor, now=now)
    proposed = await find_proposed(session, visitor)
    if proposed is None or proposed.after != after:
        return False
    session.add_all(
        RecoveryCode(staff_id=visitor.staff_id, code_hash=_hash(visitor.staff_id, code))
        for code in _derive(visitor.session_id, after)
    )
    await session.flush()
    await note(
        session, "set", visitor.staff_id, by=visitor.staff_id, fields=[RECOVERY_CODES], now=now
    )
    return True


async def end_all(session: AsyncSession, staff_id: UUID, *, now: datetime) -> None:
    """Those that are left sign nobody in any more."""
    await session.execute(
        update(RecoveryCode)
        .where(RecoveryCode.staff_id == staff_id, RecoveryCode.used_at.is_(None))
        .values(used_at=now)
    )


async def forget(session: AsyncSession, staff_id: UUID) -> None:
    """There never were any."""
    await session.execute(delete(RecoveryCode).where(RecoveryCode.staff_id == staff_id))


async def use(session: AsyncSession, staff_id: UUID, digits: str, *, now: datetime) -> bool:
    """Whether it is one of theirs; it never is so again."""
    query = select(RecoveryCode).where(
        RecoveryCode.staff_id == staff_id,
        RecoveryCode.code_hash == _hash(staff_id, digits),
        RecoveryCode.used_at.is_(None),
    )
    found = await session.scalar(query)
    if found is None:
        return False
    found.used_at = now
    await note(session, "used", found.id, by=staff_id, subject="recovery_code", now=now)
    return True


async def was_used(session: AsyncSession, staff_id: UUID, digits: str, *, since: datetime) -> bool:
    """Whether it was one of theirs until a moment ago."""
    query = exists().where(
        RecoveryCode.staff_id == staff_id,
        RecoveryCode.code_hash == _hash(staff_id, digits),
        RecoveryCode.used_at >= since,
    )
    return bool(await session.scalar(select(query)))


async def _find_last(session: AsyncSession, staff_id: UUID) -> int:
    query = select(func.max(RecoveryCode.id)).where(RecoveryCode.staff_id == staff_id)
    return await session.scalar(query) or 0


def _derive(session_id: UUID, after: int) -> list[str]:
    keyring = current_keyring()
    drawn = (keyring.blind_index(f"recovery codes {session_id} {after} {n}") for n in range(COUNT))
    return [f"{int.from_bytes(each) % 10**DIGITS:0{DIGITS}}" for each in drawn]


def _hash(staff_id: UUID, digits: str) -> str:
    """Keyed: ten digits are too few for a hash that anybody could make."""
    return current_keyring().blind_index(f"recovery code {staff_id} {digits}").hex()
