"""Looks at what lies in the chats of staff, promised as jobs: of each thing one waits and one runs.

Two at once would tell what was true before after what is true now.
"""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services import jobs


async def promise(session: AsyncSession, job: str, **about: int) -> None:
    """A look when the caller's transaction is done; `about` is the id of what is looked at."""
    lock = _lock(job, **about)
    # One that waits for its next try, perhaps for hours, would keep this one from being made.
    await jobs.cancel(session, [lock])
    await jobs.defer(session, job, run_at=None, lock=lock, queueing_lock=lock, **about)


async def promise_later(
    session: AsyncSession, job: str, *, at: datetime, tries: int, **about: int
) -> None:
    """The same at a moment, after so many tries; one that waits already comes before that."""
    lock = _lock(job, **about)
    await jobs.defer(session, job, run_at=at, lock=lock, queueing_lock=lock, tries=tries, **about)


def _lock(job: str, **about: int) -> str:
    return ":".join([job, *map(str, about.values())])
