"""What is not kept for ever: each kind of row goes, or is emptied, when its time is over.

What a person wrote lies in its request; copies of it that only served to carry it have no reason to
stay. Every rule takes a batch, so that no transaction holds many rows for long.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from services import files, jobs

BATCH = 2000
EXPIRED_FILES = "expired files"


@dataclass(frozen=True, slots=True)
class _Rule:
    """Changes up to `:most` rows that ended before `:before`, which is `after` ago."""

    name: str
    after: timedelta
    statement: TextClause


_RULES = (
    _Rule(
        "outbox bodies",
        timedelta(days=30),
        text(
            """
            UPDATE outbox SET body = NULL WHERE id IN (
                SELECT id FROM outbox
                WHERE body IS NOT NULL AND state NOT IN ('waiting', 'sending')
                  AND updated_at < :before
                LIMIT :most
            )
            """
        ),
    ),
    _Rule(
        "outbox rows",
        timedelta(days=400),
        text(
            """
            DELETE FROM outbox WHERE id IN (
                SELECT id FROM outbox
                WHERE state NOT IN ('waiting', 'sending') AND updated_at < :before
                LIMIT :most
            )
            """
        ),
    ),
    _Rule(
        "handled updates",
        timedelta(days=30),
        text(
            """
            DELETE FROM inbox WHERE id IN (
                SELECT id FROM inbox WHERE done_at < :before LIMIT :most
            )
            """
        ),
    ),
    _Rule(
        "payloads of failed updates",
        timedelta(days=90),
        text(
            """
            UPDATE inbox SET payload = NULL WHERE id IN (
                SELECT id FROM inbox WHERE failed_at < :before AND payload IS NOT NULL LIMIT :most
            )
            """
        ),
    ),
    _Rule(
        "failed updates",
        timedelta(days=400),
        text(
            """
            DELETE FROM inbox WHERE id IN (
                SELECT id FROM inbox WHERE failed_at < :before LIMIT :most
            )
            """
        ),
    ),
    _Rule(
        "drafts",
        timedelta(days=90),
        text(
            """
            DELETE FROM draft WHERE id IN (
                SELECT id FROM draft WHERE updated_at < :before LIMIT :most
            )
            """
        ),
    ),
    _Rule(
        "sources of lost files",
        timedelta(days=30),
        text(
            """
            UPDATE file SET source = NULL WHERE id IN (
                SELECT id FROM file
                WHERE state = 'lost' AND source IS NOT NULL AND created_at < :before
                LIMIT :most
            )
            """
        ),
    ),
    _Rule(
        "sessions of the desk",
        timedelta(days=90),
        text(
            """
            DELETE FROM desk_session WHERE id IN (
                SELECT id FROM desk_session WHERE LEAST(ended_at, expires_at) < :before LIMIT :most
            )
            """
        ),
    ),
    _Rule(
        "invitations",
        timedelta(days=90),
        text(
            """
            DELETE FROM invitation WHERE id IN (
                SELECT id FROM invitation WHERE LEAST(used_at, expires_at) < :before LIMIT :most
            )
            """
        ),
    ),
    _Rule(
        "links for Telegram",
        timedelta(days=90),
        text(
            """
            DELETE FROM chat_link WHERE id IN (
                SELECT id FROM chat_link WHERE LEAST(used_at, expires_at) < :before LIMIT :most
            )
            """
        ),
    ),
    _Rule(
        "drafts of replies",
        timedelta(days=90),
        text(
            """
            DELETE FROM reply_draft WHERE (staff_id, request_id) IN (
                SELECT staff_id, request_id FROM reply_draft WHERE updated_at < :before LIMIT :most
            )
            """
        ),
    ),
    _Rule(
        # As long as the referral is there it says beside it who told the agency.
        "agencies told of what is deleted",
        timedelta(days=90),
        text(
            """
            DELETE FROM recall WHERE id IN (
                SELECT id FROM recall
                WHERE done_at < :before AND referral_id IS NULL LIMIT :most
            )
            """
        ),
    ),
    _Rule(
        "ended jobs",
        timedelta(days=7),
        text(
            """
            DELETE FROM procrastinate_jobs WHERE id IN (
                SELECT job.id FROM procrastinate_jobs AS job
                WHERE job.status IN ('succeeded', 'cancelled', 'aborted') AND NOT EXISTS (
                    SELECT FROM procrastinate_events AS event
                    WHERE event.job_id = job.id AND event.at >= :before
                )
                LIMIT :most
            )
            """
        ),
    ),
    _Rule(
        "failed jobs",
        timedelta(days=90),
        text(
            """
            DELETE FROM procrastinate_jobs WHERE id IN (
                SELECT job.id FROM procrastinate_jobs AS job
                WHERE job.status = 'failed' AND NOT EXISTS (
                    SELECT FROM procrastinate_events AS event
                    WHERE event.job_id = job.id AND event.at >= :before
                )
                LIMIT :most
            )
            """
        ),
    ),
)
RULES = (*(rule.name for rule in _RULES), EXPIRED_FILES)


async def purge(session: AsyncSession, rule: str, *, now: datetime, most: int = BATCH) -> int:
    """Apply one of `RULES` to up to ``most`` rows; returns to how many it was applied.

    Expired files, of which a day brings few, all go at once.
    """
    if rule == EXPIRED_FILES:
        return await _delete_expired_files(session, now)
    found = next(known for known in _RULES if known.name == rule)
    result = await session.execute(found.statement, {"before": now - found.after, "most": most})
    return int(result.rowcount)  # type: ignore[attr-defined]


async def _delete_expired_files(session: AsyncSession, now: datetime) -> int:
    """Forget exports whose time is over; a job deletes what lies outside the database."""
    names = await files.forget_expired(session, now=now)
    if names:
        await jobs.defer(session, jobs.DELETE_FILES, names=names)
    return len(names)
