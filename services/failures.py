"""What was given up, so that somebody can look at it and let it be tried again.

A failure that nobody sees is a broken promise: each kind is listed, and nothing is retried blindly
that may have been done already.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import File, InboxRow, Request

_JOBS = text(
    """
    SELECT max(job.id) AS id, job.task_name AS name, count(*) AS times,
        max(job.attempts) AS tries, max(event.at) AS at
    FROM procrastinate_jobs AS job
    JOIN procrastinate_events AS event ON event.job_id = job.id AND event.type = 'failed'
    WHERE job.status = 'failed'
    GROUP BY job.task_name, CASE WHEN job.args ? 'timestamp' THEN 0 ELSE job.id END
    ORDER BY max(event.at) DESC LIMIT :most
    """
)
_RETRY_UPDATES = text(
    """
    WITH again AS (
        UPDATE inbox SET failed_at = NULL, attempts = 0, not_before = NULL
        WHERE id = ANY(:ids) AND failed_at IS NOT NULL AND payload IS NOT NULL
        RETURNING id, address_key
    )
    SELECT id, pg_notify('inbox', encode(address_key, 'hex')) FROM again
    """
)
# Not by the library's own function: it keeps counting where the last try had ended. Of those of
# which only one may wait, the latest is the one.
_RETRY_JOBS = text(
    """
    WITH again AS (
        UPDATE procrastinate_jobs AS job
        SET status = 'todo', attempts = 0, scheduled_at = NULL, worker_id = NULL
        WHERE status = 'failed' AND id IN (
            SELECT DISTINCT ON (coalesce(queueing_lock, 'job ' || id)) id FROM procrastinate_jobs
            WHERE id = ANY(:ids) AND status = 'failed'
            ORDER BY coalesce(queueing_lock, 'job ' || id), id DESC
        ) AND NOT EXISTS (
            SELECT FROM procrastinate_jobs AS other
            WHERE other.queueing_lock = job.queueing_lock AND other.status = 'todo'
        )
        RETURNING id, queue_name
    )
    SELECT id, pg_notify(
        'procrastinate_queue_v1#' || queue_name,
        json_build_object('type', 'job_inserted', 'job_id', id)::text
    ) FROM again
    """
)


@dataclass(frozen=True, slots=True)
class FailedUpdate:
    """Something that came in and could not be handled; `error_id` finds the reason in the log."""

    id: int
    channel: str
    tries: int
    at: datetime
    error_id: str | None


@dataclass(frozen=True, slots=True)
class FailedJob:
    """A job that was given up. Of the clock's jobs one stands for all of its name: `times`."""

    id: int
    name: str
    times: int
    tries: int
    at: datetime


@dataclass(frozen=True, slots=True)
class LostFile:
    """A file that the carrier did not give us, and why."""

    id: UUID
    code: str | None
    kind: str
    reason: str | None
    at: datetime


async def list_failed_updates(session: AsyncSession, limit: int = 100) -> Sequence[FailedUpdate]:
    """What came in and was given up, and can still be tried again; the newest first."""
    query = (
        select(
            InboxRow.id,
            InboxRow.channel,
            InboxRow.attempts,
            InboxRow.failed_at,
            InboxRow.error_id,
        )
        .where(InboxRow.failed_at.is_not(None), InboxRow.payload.is_not(None))
        .order_by(InboxRow.id.desc())
        .limit(limit)
    )
    return [
        FailedUpdate(row_id, channel, tries, at, error_id)
        for row_id, channel, tries, at, error_id in await session.execute(query)
        if at is not None
    ]


async def list_failed_jobs(session: AsyncSession, limit: int = 100) -> Sequence[FailedJob]:
    """Jobs that were given up, the newest first."""
    found = await session.execute(_JOBS, {"most": limit})
    return [FailedJob(row.id, row.name, row.times, row.tries, row.at) for row in found]


async def list_lost_files(session: AsyncSession, limit: int = 100) -> Sequence[LostFile]:
    """Files that never arrived, the newest first; `files.retry` fetches those of this month."""
    query = (
        select(File.id, Request.code, File.kind, File.reason, File.created_at)
        .outerjoin(Request, Request.id == File.request_id)
        .where(File.state == "lost")
        .order_by(File.created_at.desc())
        .limit(limit)
    )
    return [LostFile(*row) for row in await session.execute(query)]


async def retry_updates(session: AsyncSession, ids: Sequence[int]) -> set[int]:
    """Let them be handled again; returns those that will be.

    They keep their `error_id`: what is handled so late is handled otherwise.
    """
    return set(await session.scalars(_RETRY_UPDATES, {"ids": list(ids)}))


async def retry_jobs(session: AsyncSession, ids: Sequence[int]) -> set[int]:
    """Let them be done again, as often as new ones; returns those that will be.

    Of jobs of which only one may wait none is added to one that waits.
    """
    return set(await session.scalars(_RETRY_JOBS, {"ids": list(ids)}))
