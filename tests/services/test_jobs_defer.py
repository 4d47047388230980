"""Jobs are promised with their cause, and vanish with it."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services import jobs

FILE = UUID("6f1d7d9e-7d4b-4a6e-9d57-0a3f7f1f2b11")


async def waiting(session: AsyncSession) -> list[Any]:
    query = (
        "SELECT id, queue_name, task_name, args, lock, status, scheduled_at"
        " FROM procrastinate_jobs ORDER BY id"
    )
    return list(await session.execute(text(query)))


async def test_a_job_waits_with_its_ids(session: AsyncSession, now: datetime) -> None:
    later = now + timedelta(hours=1)
    job_id = await jobs.defer(
        session, jobs.FETCH_FILE, run_at=later, lock="one", file_id=FILE, names=["a", "b"]
    )
    assert [tuple(job) for job in await waiting(session)] == [
        (
            job_id,
            "default",
            "fetch_file",
            {"file_id": str(FILE), "names": ["a", "b"]},
            "one",
            "todo",
            later,
        )
    ]


async def test_a_job_is_gone_with_the_transaction_that_promised_it(db: Any) -> None:
    with pytest.raises(RuntimeError):
        async with db.new_session.begin() as session:
            await jobs.defer(session, jobs.FETCH_FILE, file_id=FILE)
            raise RuntimeError
    async with db.new_session() as session:
        assert await waiting(session) == []


async def test_only_one_job_of_a_queueing_lock_waits(session: AsyncSession) -> None:
    first = await jobs.defer(session, jobs.EXPORT_MY_DATA, queueing_lock="export 1", address_id=1)
    again = await jobs.defer(session, jobs.EXPORT_MY_DATA, queueing_lock="export 1", address_id=1)
    other = await jobs.defer(session, jobs.EXPORT_MY_DATA, queueing_lock="export 2", address_id=2)
    assert again is None
    assert [job.id for job in await waiting(session)] == [first, other]


async def test_a_job_wakes_who_listens(db: Any) -> None:
    heard: list[str] = []
    async with db.engine.connect() as listener, db.new_session.begin() as session:
        driver = (await listener.get_raw_connection()).driver_connection
        await driver.add_listener(
            "procrastinate_queue_v1#default", lambda *notice: heard.append(notice[3])
        )
        await jobs.defer(session, jobs.FETCH_FILE, file_id=FILE)
        await session.commit()
        await driver.execute("SELECT 1")
        assert len(heard) == 1
        assert "job_inserted" in heard[0]
