"""What the audit learns of accounts: ids and names of columns, never a username or a value."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services import audit

PASSWORD = "password_hash"  # noqa: S105 - the name of a column
SECOND_FACTOR = "second_factor"
RECOVERY_CODES = "recovery_codes"


async def note(
    session: AsyncSession,
    action: str,
    subject_id: UUID | int | str,
    *,
    by: UUID | None,
    subject: str = "account",
    fields: Iterable[str] = (),
    now: datetime,
) -> None:
    """Add one act of a member of staff, or (without one) of whoever tries to sign in."""
    await audit.record_by(session, by, action, subject, subject_id, fields=fields, now=now)
