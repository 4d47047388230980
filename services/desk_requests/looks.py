"""That somebody looked at a person by way of a request: both are written down, by one act.

With one of them alone, whoever asks about the request would not hear of what was seen of its
person, or whoever asks about the person not by which request it was seen.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Request
from services import audit
from services.accounts.types import Visitor


async def note_look(
    session: AsyncSession,
    visitor: Visitor,
    request: Request,
    action: str,
    fields: Sequence[str] = (),
    *,
    now: datetime,
) -> None:
    """`action` and `fields` as in `services.audit.record`."""
    looked_at: list[tuple[str, int | UUID]] = [("request", request.id)]
    if request.person_id is not None:
        looked_at.append(("person", request.person_id))
    for subject, subject_id in looked_at:
        await audit.record_by(
            session,
            by=visitor.staff_id,
            action=action,
            subject=subject,
            subject_id=subject_id,
            fields=fields,
            now=now,
        )
