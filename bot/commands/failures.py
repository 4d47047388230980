"""What was given up, and another try of it."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from bot.commands.counter import opened
from bot.commands.refused import CommandRefused
from bot.commands.tables import format_moment, format_table
from bot.config import Settings
from services import failures, files, outbox, undelivered
from services.outbox import Unsettled

_HEADINGS = ("QUEUE", "ID", "WHAT", "TRIES", "SINCE", "WHY")

Row = tuple[str, ...]
Retry = Callable[[AsyncSession, Sequence[Any]], Awaitable[set[Any]]]


async def _retry_messages(session: AsyncSession, ids: Sequence[int]) -> set[int]:
    return await undelivered.try_again(session, ids, datetime.now(UTC))


RETRIES: dict[str, tuple[Callable[[str], Any], Retry]] = {
    "inbox": (int, failures.retry_updates),
    "outbox": (int, _retry_messages),
    "job": (int, failures.retry_jobs),
    "file": (UUID, files.retry),
}
"""How the ids of each queue are read, and what tries again."""


async def failed_table(settings: Settings) -> str:
    """Everything that was given up, answers that never arrived, messages that may have arrived."""
    async with opened(settings) as session:
        rows = [
            *await _updates(session),
            *await _messages(session),
            *await _jobs(session),
            *await _files(session),
        ]
    if not rows:
        return "Nothing has failed."
    return format_table([_HEADINGS, *rows])


async def retry(settings: Settings, queue: str, typed: Sequence[str]) -> str:
    """Let what was given up be tried again. Raises CommandRefused."""
    read, try_again = RETRIES[queue]
    try:
        ids = [read(one) for one in typed]
    except ValueError:
        raise CommandRefused(f"these are not ids of {queue}: `failed` shows them") from None
    async with opened(settings) as session:
        again = await try_again(session, ids)
    said = f"{len(again)} will be tried again."
    left = sorted(set(ids) - again)
    if left:
        said += f" Not among those that can be: {', '.join(map(str, left))}."
    return said


async def _updates(session: AsyncSession) -> list[Row]:
    return [
        _row(
            "inbox",
            found.id,
            f"{found.channel} update",
            at=found.at,
            why=found.error_id,
            tries=found.tries,
        )
        for found in await failures.list_failed_updates(session)
    ]


async def _messages(session: AsyncSession) -> list[Row]:
    rows = []
    for queue, unsettled in (
        ("outbox", await outbox.list_failed(session)),
        ("never arrived", await outbox.list_unsent(session)),
        ("may have arrived", await outbox.list_uncertain(session)),
    ):
        rows += [
            _row(
                queue,
                found.id,
                f"{found.channel} {found.purpose.replace('_', ' ')}",
                at=found.updated_at,
                why=_explain(found),
                tries=found.attempts,
            )
            for found in unsettled
        ]
    return rows


def _explain(found: Unsettled) -> str | None:
    return f"{found.state}: {found.code}" if found.state in outbox.NOT_ARRIVED else found.code


async def _jobs(session: AsyncSession) -> list[Row]:
    return [
        _row(
            "job",
            found.id,
            found.name if found.times == 1 else f"{found.name} ({found.times} times)",
            at=found.at,
            why="see the log",
            tries=found.tries + 1,
        )
        for found in await failures.list_failed_jobs(session)
    ]


async def _files(session: AsyncSession) -> list[Row]:
    return [
        _row("file", found.id, f"{found.kind} of {found.code}", at=found.at, why=found.reason)
        for found in await failures.list_lost_files(session)
    ]


def _row(
    queue: str,
    row_id: object,
    what: str,
    *,
    at: datetime,
    why: str | None,
    tries: int | None = None,
) -> Row:
    return (queue, str(row_id), what, str(tries or ""), format_moment(at), why or "")
