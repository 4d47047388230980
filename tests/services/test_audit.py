from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncSession

from db.engine import create_engine
from db.models import AuditRow
from services import audit
from services.audit import MOST_REFUSED
from tests.support import Database

CHANGES = (
    delete(AuditRow),
    update(AuditRow).values(action="looked"),
    text("TRUNCATE audit"),
    text("ALTER TABLE audit DISABLE TRIGGER ALL"),
)
SOMEBODY = UUID("0d9fbb0f-53ba-4dcc-9a0e-9f7a3d1f9d52")


async def _record(session: AsyncSession, now: datetime) -> None:
    await audit.record(
        session,
        actor="staff",
        actor_id=SOMEBODY,
        action="read",
        subject="file",
        subject_id=7,
        fields=["state"],
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
        ["state"],
    )


@pytest.mark.parametrize(("action", "subject"), [("looked", "file"), ("read", "files")])
async def test_what_the_log_has_no_words_for_cannot_be_written(
    session: AsyncSession, now: datetime, action: str, subject: str
) -> None:
    with pytest.raises(ValueError, match=r"add it to (ACTIONS|SUBJECTS)"):
        await audit.record(
            session,
            actor="staff",
            actor_id=SOMEBODY,
            action=action,
            subject=subject,
            subject_id=7,
            now=now,
        )


@pytest.mark.parametrize("change", CHANGES)
async def test_the_program_itself_cannot_change_what_is_kept(
    session: AsyncSession, now: datetime, change: object
) -> None:
    await _record(session, now)
    with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
        await session.execute(change)  # type: ignore[call-overload]


async def test_nor_can_the_desk_on_its_own_connections(db: Database, now: datetime) -> None:
    engine = create_engine(db.url, centre=None, pool_size=1)
    async with db.new_session.begin() as session:
        await _record(session, now)
    for change in CHANGES:
        with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
            async with engine.begin() as connection:
                await connection.execute(change)  # type: ignore[call-overload]
    await engine.dispose()
    async with db.new_session() as session:
        assert len((await session.scalars(select(AuditRow))).all()) == 1


async def _refused(session: AsyncSession) -> Sequence[str | None]:
    query = select(AuditRow.subject_id).where(AuditRow.action == "refused").order_by(AuditRow.id)
    return (await session.scalars(query)).all()


async def test_the_same_refusal_is_kept_once_a_minute(session: AsyncSession, now: datetime) -> None:
    for later in (0, 1, 59, 60, 61):
        moment = now + timedelta(seconds=later)
        await audit.record_refused(session, SOMEBODY, "file", 7, now=moment)
        await audit.record_refused(session, SOMEBODY, "page", "/queue", now=moment)
    other = UUID(int=1)
    await audit.record_refused(session, other, "file", 7, now=now)
    assert await _refused(session) == ["7", "/queue", "7", "/queue", "7"]


async def test_another_act_on_the_same_is_another_refusal(
    session: AsyncSession, now: datetime
) -> None:
    for act in ("taken", "assigned", "taken"):
        await audit.record_refused(session, SOMEBODY, "request", 7, tried=act, now=now)
    rows = await session.scalars(select(AuditRow).order_by(AuditRow.id))
    assert [row.fields for row in rows] == [["tried:taken"], ["tried:assigned"]]


async def test_a_flood_of_different_refusals_is_cut_off(
    session: AsyncSession, now: datetime
) -> None:
    for number in range(MOST_REFUSED + 5):
        await audit.record_refused(session, SOMEBODY, "file", number, now=now)
    assert len(await _refused(session)) == MOST_REFUSED
    await audit.record_refused(session, SOMEBODY, "file", 99, now=now + timedelta(minutes=1))
    assert (await _refused(session))[-1] == "99"
