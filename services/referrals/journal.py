"""Who did what with a referral, and which fields it was about: for the audit."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Referral
from services import audit

SUBJECT = "referral"


async def note(
    session: AsyncSession,
    referral: Referral,
    action: str,
    *,
    by: UUID | None = None,
    person_id: UUID | None = None,
    now: datetime,
) -> None:
    """By a member of staff, else by the person."""
    await audit.record(
        session,
        actor="person" if by is None else "staff",
        actor_id=person_id if by is None else by,
        action=action,
        subject=SUBJECT,
        subject_id=referral.id,
        fields=referral.shared,
        now=now,
    )
