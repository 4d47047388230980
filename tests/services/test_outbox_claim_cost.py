"""Claiming costs what is claimed, not what waits or was sent, whenever statistics were made."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from db.roles import APP, OWNER
from services import outbox_sql
from services.direct import direct_connection
from tests.e2e.outbox_rows import promise_to_many
from tests.support import Database

CLAIMED = 8
WAITING = 400
READS_OF_EACH = 10


async def analyze(db: Database) -> None:
    async with db.engine.begin() as connection:
        await connection.execute(text(f"SET ROLE {OWNER}"))
        await connection.execute(text("ANALYZE outbox"))
        await connection.execute(text(f"SET ROLE {APP}"))


async def promise(db: Database, count: int) -> None:
    async with db.new_session.begin() as session:
        await promise_to_many(session, people=count, each=1)


async def send_all(db: Database) -> None:
    async with db.engine.begin() as connection:
        await connection.execute(text("UPDATE outbox SET state = 'sent'"))


def list_steps(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for step in plan.get("Plans", []):
        yield from list_steps(step)


async def rows_read(db: Database) -> float:
    """How many rows one claim reads, those that it throws away too."""
    async with direct_connection(db.engine) as connection:
        await connection.execute("SET plan_cache_mode = force_generic_plan")
        await connection.execute(
            f"PREPARE claiming (int, int, float, text[]) AS {outbox_sql.CLAIM}"
        )
        explained = await connection.fetchval(
            f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE claiming (0, {CLAIMED}, 30, '{{}}')"
        )
        await connection.execute("DEALLOCATE claiming")
        await connection.execute("RESET plan_cache_mode")
    return sum(
        step["Actual Loops"]
        * (
            step["Actual Rows"]
            + step.get("Rows Removed by Filter", 0)
            + step.get("Rows Removed by Join Filter", 0)
        )
        for step in list_steps(explained[0]["Plan"])
        if "Scan" in step["Node Type"] or "Join" in step["Node Type"]
    )


@pytest.mark.parametrize("moment", ["idle", "full"])
async def test_a_claim_reads_little_whenever_statistics_were_made(
    db: Database, moment: str
) -> None:
    await promise(db, WAITING)
    await send_all(db)
    if moment == "idle":
        await analyze(db)
    await promise(db, WAITING)
    if moment == "full":
        await analyze(db)
    assert await rows_read(db) <= CLAIMED * READS_OF_EACH
