"""The outbox: what must be sent is a row, written in the transaction of its cause.

Delivery claims addresses, not rows: only the first open message of an address may be taken, so the
order in a chat holds over any number of workers. A row is *sending*, committed, before the carrier
hears of it; one whose fate nobody knows becomes *uncertain* and is never sent again blindly.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from asyncpg import Connection
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.crypto import DecryptionError, current_keyring
from db.models.messages import OutboxRow
from services.outcomes import Later, Outcome, Refused, Sent, Uncertain, Unreachable

CHANNEL = "outbox"  # of LISTEN and NOTIFY
DIALOG, BULK = 0, 1  # lanes
LEASE_S = 60.0
MAX_ATTEMPTS = 8
_LONGEST_BACKOFF_S = 900.0

# From which states a carrier's report may move a message: never backwards.
_OPEN_STATES = ["waiting", "sending", "uncertain"]
_BEFORE = {
    "sent": _OPEN_STATES,
    "delivered": [*_OPEN_STATES, "sent"],
    "undelivered": [*_OPEN_STATES, "sent"],
    "failed": [*_OPEN_STATES, "sent"],
}


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """A message to send now. ``address`` is a Telegram chat id or a number in E.164.

    ``silent`` says that the address was found unreachable and nobody wrote from it since.
    """

    id: int
    channel: str
    address: str = field(repr=False)
    text: str = field(repr=False)
    reply_markup: dict[str, Any] | None = field(repr=False)
    attempt: int
    created_at: datetime
    silent: bool = False


# A message that waits for its next attempt (it has an error code) holds back those behind it; one
# that is planned for later does not.
_CLAIM = """
WITH due AS (
    SELECT o.id FROM outbox AS o
    WHERE o.state = 'waiting' AND o.not_before <= now() AND NOT EXISTS (
        SELECT 1 FROM outbox AS e
        WHERE e.address_id = o.address_id AND e.state IN ('waiting', 'sending') AND (
            e.state = 'sending'
            OR (e.lane, e.id) < (o.lane, o.id)
               AND (e.error_code IS NOT NULL OR e.not_before <= now())
        )
    )
    ORDER BY o.lane, o.id LIMIT $1 FOR UPDATE SKIP LOCKED
)
UPDATE outbox SET state = 'sending', attempts = attempts + 1, updated_at = now(),
    leased_until = now() + make_interval(secs => $2)
FROM due, address
WHERE outbox.id = due.id AND address.id = outbox.address_id
RETURNING outbox.*, address.value, address.blocked_at, address.last_in_at
"""

# A report of the carrier may have come before its answer to us: then it stays.
_SENT = """
UPDATE outbox SET
    state = CASE WHEN state = ANY($4) THEN 'sent' ELSE state END,
    error_code = CASE WHEN state = ANY($4) THEN NULL ELSE error_code END,
    provider_id = $2, parts = coalesce($3, parts), sent_at = coalesce(sent_at, now()),
    leased_until = NULL, updated_at = now()
WHERE id = $1
"""
_REACHABLE = """
UPDATE address SET blocked_at = NULL
WHERE id = (SELECT address_id FROM outbox WHERE id = $1) AND blocked_at IS NOT NULL
"""
_LATER = """
UPDATE outbox SET state = 'waiting', leased_until = NULL, updated_at = now(), error_code = $3,
    not_before = now() + make_interval(secs => $2), attempts = attempts - $4
WHERE id = $1 AND state IN ('sending', 'uncertain')
"""
_END = """
UPDATE outbox SET state = $2, leased_until = NULL, updated_at = now(), error_code = $3
WHERE id = $1 AND state IN ('sending', 'uncertain')
"""
_UNREACHABLE = """
WITH ended AS (
    UPDATE outbox SET state = 'unreachable', leased_until = NULL, updated_at = now(),
        error_code = $2
    WHERE id = $1 AND state IN ('sending', 'uncertain') RETURNING address_id
)
UPDATE address SET blocked_at = coalesce(blocked_at, now())
WHERE id = (SELECT address_id FROM ended)
"""
_UNCERTAIN = """
UPDATE outbox SET state = 'uncertain', updated_at = now(), error_code = $2,
    leased_until = now() + make_interval(secs => $3)
WHERE id = $1 AND state = 'sending'
"""
_ABANDONED = """
UPDATE outbox SET state = 'uncertain', updated_at = now(), error_code = 'interrupted'
WHERE state = 'sending' AND leased_until < now()
"""

_TO_RECONCILE = """
WITH asked AS (
    SELECT id FROM outbox
    WHERE state = 'uncertain' AND leased_until <= now() AND channel = $1
      AND updated_at > now() - interval '1 hour'
    ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED
)
UPDATE outbox SET leased_until = now() + make_interval(secs => $3)
FROM asked, address WHERE outbox.id = asked.id AND address.id = outbox.address_id
RETURNING outbox.*, address.value, address.blocked_at, address.last_in_at
"""
_KNOWN = "SELECT provider_id FROM outbox WHERE provider_id = ANY($1) AND id <> $2"

_STATUS = """
UPDATE outbox SET state = $3, provider_id = $2, error_code = $4, leased_until = NULL,
    sent_at = coalesce(sent_at, now()), updated_at = now()
WHERE (provider_id = $2 OR id = $1 AND provider_id IS NULL) AND state = ANY($5)
"""
_IS_KNOWN = """
SELECT EXISTS (SELECT 1 FROM outbox WHERE provider_id = $2 OR id = $1 AND provider_id IS NULL)
"""

_DEPTH = """
SELECT channel, state, count(*) AS messages FROM outbox
WHERE state IN ('waiting', 'sending') OR state = 'uncertain'
GROUP BY channel, state
"""


async def enqueue(
    session: AsyncSession,
    *,
    address_id: int,
    channel: str,
    text: str,
    purpose: str,
    lane: int = DIALOG,
    reply_markup: dict[str, Any] | None = None,
    not_before: datetime | None = None,
    dedup_key: str | None = None,
    person_id: UUID | None = None,
    asked_at: datetime | None = None,
    neutral: str | None = None,
    document: dict[str, str] | None = None,
) -> int | None:
    """Promise a message in the caller's transaction; None when ``dedup_key`` was used before.

    ``neutral`` is what goes out instead when others read this phone too. ``document`` is
    {"file_id": …, "name": …}. Whoever writes to a person unasked calls `services.messages.send`.
    """
    body: dict[str, Any] = {"text": text}
    for name, part in (
        ("reply_markup", reply_markup),
        ("neutral", neutral),
        ("document", document),
    ):
        if part is not None:
            body[name] = part
    statement = (
        insert(OutboxRow)
        .values(
            address_id=address_id,
            channel=channel,
            purpose=purpose,
            person_id=person_id,
            asked_at=asked_at,
            lane=lane,
            body=current_keyring().encrypt(json.dumps(body, ensure_ascii=False).encode()),
            not_before=func.now() if not_before is None else not_before,
            dedup_key=dedup_key,
        )
        .on_conflict_do_nothing(index_elements=["dedup_key"])
        .returning(OutboxRow.id)
    )
    row_id = (await session.execute(statement)).scalar_one_or_none()
    if row_id is not None:
        await session.execute(select(func.pg_notify(CHANNEL, "")))
    return row_id


def _to_item(row: Any) -> OutboxItem:
    ring = current_keyring()
    body = json.loads(ring.decrypt(row["body"]))
    return OutboxItem(
        id=row["id"],
        channel=row["channel"],
        address=ring.decrypt(row["value"]).decode(),
        text=body["text"],
        reply_markup=body.get("reply_markup"),
        attempt=row["attempts"],
        created_at=row["created_at"],
        silent=_is_silent(row["blocked_at"], row["last_in_at"]),
    )


def _is_silent(blocked_at: datetime | None, last_in_at: datetime | None) -> bool:
    return blocked_at is not None and (last_in_at is None or last_in_at <= blocked_at)


async def _open_rows(connection: Connection, rows: Sequence[Any]) -> list[OutboxItem]:
    """Read claimed rows; one that no key opens is given up instead of stopping the others."""
    items = []
    for row in rows:
        try:
            items.append(_to_item(row))
        except DecryptionError:
            await connection.execute(_END, row["id"], "failed", "undecipherable")
    return items


async def claim(connection: Connection, limit: int) -> list[OutboxItem]:
    """Take the first open message of up to ``limit`` addresses; they are *sending* from here on."""
    return await _open_rows(connection, await connection.fetch(_CLAIM, limit, LEASE_S))


async def record(connection: Connection, item: OutboxItem, outcome: Outcome) -> None:
    """Write down what became of a claimed message."""
    match outcome:
        case Sent(provider_id, parts):
            await settle(connection, item, provider_id, parts)
        case Unreachable(reason):
            await connection.execute(_UNREACHABLE, item.id, reason)
        case Refused(code):
            await connection.execute(_END, item.id, "failed", code)
        case Uncertain(reason):
            await connection.execute(_UNCERTAIN, item.id, reason, 10.0)
        case Later(reason=reason, throttled=False) if item.attempt >= MAX_ATTEMPTS:
            await connection.execute(_END, item.id, "failed", reason)
        case Later(after_s, reason, throttled):
            wait = after_s if throttled else max(after_s, _backoff_s(item.attempt))
            await connection.execute(_LATER, item.id, wait, reason, int(throttled))


def _backoff_s(attempt: int) -> float:
    return min(2.0**attempt, _LONGEST_BACKOFF_S)


async def settle(
    connection: Connection, item: OutboxItem, provider_id: str, parts: int | None
) -> None:
    """Record that the carrier has the message, as it answered or as its list shows later."""
    await connection.execute(_SENT, item.id, provider_id, parts, _OPEN_STATES)
    await connection.execute(_REACHABLE, item.id)


async def mark_abandoned(connection: Connection) -> None:
    """Make *uncertain* what a worker that died was sending."""
    await connection.execute(_ABANDONED)


async def list_to_reconcile(
    connection: Connection, channel: str, limit: int, again_after_s: float = 60.0
) -> list[OutboxItem]:
    """Take uncertain messages about which the carrier should be asked now (for one hour each)."""
    rows = await connection.fetch(_TO_RECONCILE, channel, limit, again_after_s)
    return await _open_rows(connection, rows)


async def known_elsewhere(
    connection: Connection, item: OutboxItem, provider_ids: Sequence[str]
) -> set[str]:
    """Tell which of the carrier's ids belong to other messages of ours."""
    rows = await connection.fetch(_KNOWN, provider_ids, item.id)
    return {row["provider_id"] for row in rows}


async def apply_status(
    connection: Connection,
    *,
    provider_id: str,
    state: str,
    error_code: str | None = None,
    item_id: int | None = None,
) -> bool:
    """Apply a carrier's report; False when no message of ours is known by these ids (yet).

    ``item_id`` is our own id where the carrier hands it back: it finds the message even before the
    carrier's answer was recorded. ``state`` is sent, delivered, undelivered or failed.
    """
    await connection.execute(_STATUS, item_id, provider_id, state, error_code, _BEFORE[state])
    known: bool = await connection.fetchval(_IS_KNOWN, item_id, provider_id)
    return known


async def depth(connection: Connection) -> dict[tuple[str, str], int]:
    """Count unfinished messages by (channel, state)."""
    rows = await connection.fetch(_DEPTH)
    return {(row["channel"], row["state"]): row["messages"] for row in rows}
