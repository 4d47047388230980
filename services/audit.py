"""Who looked at what and changed what. Audit rows outlive those whom they speak of."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.models import AuditRow


async def record(
    session: AsyncSession,
    *,
    actor: str,
    actor_id: UUID | int | str | None,
    action: str,
    subject: str,
    subject_id: UUID | int | str | None,
    fields: Iterable[str] = (),
    now: datetime,
) -> None:
    """Add one act: ids of ours and names of fields, never a value.

    `actor` is 'person', 'staff' or 'system'; `action` a past participle ('deleted', 'read');
    `subject` names a table.
    """
    session.add(
        AuditRow(
            at=now,
            actor=actor,
            actor_id=_as_text(actor_id),
            action=action,
            subject=subject,
            subject_id=_as_text(subject_id),
            fields=list(fields),
        )
    )
    await session.flush()


def _as_text(row_id: UUID | int | str | None) -> str | None:
    return None if row_id is None else str(row_id)
