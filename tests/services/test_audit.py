from datetime import datetime
from uuid import UUID

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import AuditRow
from services import audit

SOMEBODY = UUID("0d9fbb0f-53ba-4dcc-9a0e-9f7a3d1f9d52")


async def _record(session: AsyncSession, now: datetime) -> None:
    await audit.record(
        session,
        actor="staff",
        actor_id=SOMEBODY,
        action="read",
        subject="file",
        subject_id=7,
        fields=["media_type"],
        now=now,
    )


async def test_an_act_is_kept_as_ids_and_names(session: AsyncSession, now: datetime) -> None:
    await _record(session, now)
    row = (await session.scalars(select(AuditRow))).one()
    assert (row.at, row.actor, row.actor_id) == (now, "staff", str(SOMEBODY))
    assert (row.action, row.subject, row.subject_id, row.fields) == (
        "read",
        "file",
        "7",
        ["media_type"],
    )


@pytest.mark.parametrize("change", [delete(AuditRow), update(AuditRow).values(action="looked")])
async def test_the_program_itself_cannot_change_what_is_kept(
    session: AsyncSession, now: datetime, change: object
) -> None:
    await _record(session, now)
    with pytest.raises(ProgrammingError, match="permission denied"):
        await session.execute(change)  # type: ignore[call-overload]
