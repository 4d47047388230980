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
    """Changes up to `:most` rows that ended before `:before`, which is `days` ago."""

    name: str
    days: int
    statement: TextClause


def _delete(table: str, which: str, key: str = "id") -> TextClause:
    found = f"SELECT {key} FROM {table} WHERE {which} LIMIT :most"  # noqa: S608 (words of ours)
    return text(f"DELETE FROM {table} WHERE ({key}) IN ({found})")  # noqa: S608


def _empty(table: str, column: str, which: str) -> TextClause:
    held = f"{column} IS NOT NULL AND {which}"
    found = f"SELECT id FROM {table} WHERE {held} LIMIT :most"  # noqa: S608 (words of ours)
    return text(f"UPDATE {table} SET {column} = NULL WHERE id IN ({found})")  # noqa: S608


_ENDED = "state NOT IN ('waiting', 'sending') AND updated_at < :before"
_USED_OR_OVER = "LEAST(used_at, expires_at) < :before"
_NOTHING_SINCE = """
    NOT EXISTS (
        SELECT FROM procrastinate_events AS event
        WHERE event.job_id = procrastinate_jobs.id AND event.at >= :before
    )
"""
_SUCCEEDED = "status IN ('succeeded', 'cancelled', 'aborted')"

_RULES = (
    _Rule("outbox bodies", 30, _empty("outbox", "body", _ENDED)),
    _Rule("outbox rows", 400, _delete("outbox", _ENDED)),
    _Rule("handled updates", 30, _delete("inbox", "done_at < :before")),
    _Rule("payloads of failed updates", 90, _empty("inbox", "payload", "failed_at < :before")),
    _Rule("failed updates", 400, _delete("inbox", "failed_at < :before")),
    _Rule("drafts", 90, _delete("draft", "updated_at < :before")),
    _Rule(
        "sources of lost files",
        30,
        _empty("file", "source", "state = 'lost' AND created_at < :before"),
    ),
    _Rule(
        "sessions of the desk",
        90,
        _delete("desk_session", "LEAST(ended_at, expires_at) < :before"),
    ),
    _Rule("invitations", 90, _delete("invitation", _USED_OR_OVER)),
    _Rule("links for Telegram", 90, _delete("chat_link", _USED_OR_OVER)),
    _Rule(
        "drafts of replies",
        90,
        _delete("reply_draft", "updated_at < :before", key="staff_id, request_id"),
    ),
    _Rule(
        # As long as the referral is there it says beside it who told the agency.
        "agencies told of what is deleted",
        90,
        _delete("recall", "done_at < :before AND referral_id IS NULL"),
    ),
    _Rule("ended jobs", 7, _delete("procrastinate_jobs", f"{_SUCCEEDED} AND {_NOTHING_SINCE}")),
    _Rule(
        "failed jobs",
        90,
        _delete("procrastinate_jobs", f"status = 'failed' AND {_NOTHING_SINCE}"),
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
    result = await session.execute(
        found.statement, {"before": now - timedelta(days=found.days), "most": most}
    )
    return int(result.rowcount)  # type: ignore[attr-defined]


async def _delete_expired_files(session: AsyncSession, now: datetime) -> int:
    """Forget exports whose time is over; a job deletes what lies outside the database."""
    names = await files.forget_expired(session, now=now)
    if names:
        await jobs.defer(session, jobs.DELETE_FILES, names=names)
    return len(names)
