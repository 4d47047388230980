"""What was given up is tried again as if it were new."""

from typing import Any

import pytest
from sqlalchemy import text

from services import failures, jobs


async def _failed(db: Any, lock: str | None) -> int:
    """A job that was given up."""
    async with db.new_session.begin() as session:
        job = await jobs.defer(session, jobs.DELETE_FILES, queueing_lock=lock, names=[])
        for status in ("doing", "failed"):
            change = f"UPDATE procrastinate_jobs SET status = '{status}' WHERE id = {job}"
            await session.execute(text(change))
    assert job is not None
    return job


@pytest.mark.parametrize(("lock", "again"), [("one", 1), (None, 2)])
async def test_of_jobs_of_which_one_may_wait_one_is_tried_again(
    db: Any, lock: str | None, again: int
) -> None:
    ids = [await _failed(db, lock) for _ in range(2)]
    async with db.new_session.begin() as session:
        assert await failures.retry_jobs(session, ids) == set(ids[-again:])
    async with db.new_session.begin() as session:
        assert await failures.retry_jobs(session, ids) == set(), "it waits already"
