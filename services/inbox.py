"""The inbox: every update of a carrier is a row before anybody thinks about it.

Storing, claiming and finishing are one statement each. Order within one address, and that only one
consumer handles it, hang on a session-level advisory lock which dies with its process; the rows
themselves carry no lease that anybody would have to wait for.
"""

import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from asyncpg import Connection
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.crypto import current_keyring
from db.models.address import address_index

CHANNEL = "inbox"  # of LISTEN and NOTIFY
MAX_ATTEMPTS = 3
_BACKOFF_S = (2.0, 10.0)

Payload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class InboxItem:
    """One update to handle; ``attempt`` counts from 1. ``has_failed``: somebody may have let it be
    tried again long after it came. ``claimed_at`` is a time of the database's clock, as
    ``received_at`` is, and ``claimed_tick`` the same moment by this process's ``time.monotonic``.
    """

    id: int
    channel: str
    payload: Payload
    attempt: int
    received_at: datetime | None = None
    has_failed: bool = False
    claimed_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    claimed_tick: float = field(default_factory=time.monotonic)

    def time_of_database(self) -> datetime:
        """Now, by the clock of ``received_at``: that of this process may be another."""
        return self.claimed_at + timedelta(seconds=time.monotonic() - self.claimed_tick)


@dataclass(frozen=True, slots=True)
class OutgoingSms:
    """The answer to an SMS; an equal ``dedup_key`` is only ever sent once."""

    address_id: int
    text: str
    purpose: str
    dedup_key: str | None = None


class PassingFault(Exception):  # noqa: N818 - nothing is wrong with the update
    """A carrier or a server does not answer just now: try the update again in a while.

    That is no attempt of the update's own, as long as it came in within the last hour.
    """

    def __init__(self, after_s: float = 5.0) -> None:
        super().__init__(f"again in {after_s} s")
        self.after_s = after_s


@dataclass(frozen=True, slots=True)
class Claimed:
    """An update that this consumer holds, still sealed."""

    id: int
    channel: str
    sealed: bytes
    attempt: int
    received_at: datetime
    has_failed: bool
    claimed_at: datetime
    claimed_tick: float

    def open(self) -> InboxItem:
        """Raises DecryptionError when no key of this process fits."""
        payload = json.loads(current_keyring().decrypt(self.sealed))
        return InboxItem(
            self.id,
            self.channel,
            payload,
            self.attempt,
            self.received_at,
            self.has_failed,
            self.claimed_at,
            self.claimed_tick,
        )


@dataclass(frozen=True, slots=True)
class Finished:
    """What follows a handled update of an address: the next one, and whether there is any."""

    claimed: Claimed | None
    more: bool


Handler = Callable[[InboxItem], Awaitable[Sequence[OutgoingSms]]]

_STORE = """
WITH stored AS (
    INSERT INTO inbox (channel, provider_id, address_key, payload) VALUES ($1, $2, $3, $4)
    ON CONFLICT (channel, provider_id) DO NOTHING
    RETURNING address_key
)
SELECT pg_notify('inbox', encode(address_key, 'hex')) FROM stored
"""

# A count of attempts may be lost with a server that crashes: it is not worth waiting for the disk.
_CLAIM = """
UPDATE inbox SET attempts = attempts + 1
WHERE id = (
    SELECT id FROM inbox WHERE address_key = $1 AND done_at IS NULL AND failed_at IS NULL
    ORDER BY id LIMIT 1
) AND (not_before IS NULL OR not_before <= now())
  AND (SELECT set_config('synchronous_commit', 'off', true)) = 'off'
RETURNING id, channel, payload, attempts, received_at, error_id IS NOT NULL AS has_failed,
    now() AS claimed_at
"""

# One statement, one transaction: the row is done exactly when its answers are in the outbox.
_FINISH = """
WITH done AS (
    UPDATE inbox SET done_at = now(), payload = NULL WHERE id = $2
), answers AS (
    INSERT INTO outbox (address_id, channel, purpose, lane, body, dedup_key)
    SELECT address_id, 'sms', purpose, 0, body, dedup_key
    FROM unnest($3::bigint[], $4::text[], $5::bytea[], $6::text[])
         AS answer (address_id, purpose, body, dedup_key)
    ON CONFLICT (dedup_key) DO NOTHING
    RETURNING id
), waiting AS (
    SELECT id FROM inbox
    WHERE address_key = $1 AND id <> $2 AND done_at IS NULL AND failed_at IS NULL
    ORDER BY id LIMIT 1
), next AS (
    UPDATE inbox SET attempts = attempts + 1
    WHERE $7 AND id = (SELECT id FROM waiting) AND (not_before IS NULL OR not_before <= now())
    RETURNING id, channel, payload, attempts, received_at, error_id IS NOT NULL AS has_failed,
        now() AS claimed_at
)
SELECT next.*, EXISTS (SELECT FROM waiting) AS more,
    (SELECT count(pg_notify('outbox', '')) FROM answers)
FROM (VALUES (1)) AS always LEFT JOIN next ON true
"""

_RETRY = """
UPDATE inbox SET not_before = now() + make_interval(secs => $2), error_id = $3 WHERE id = $1
"""
_FAIL = "UPDATE inbox SET failed_at = now(), error_id = $2 WHERE id = $1"
_POSTPONE = """
UPDATE inbox SET
    attempts = attempts - (received_at > now() - interval '1 hour')::int,
    not_before = now() + make_interval(secs => $2)
WHERE id = $1 AND attempts <= $3
"""
_GIVE_BACK = "UPDATE inbox SET attempts = attempts - 1 WHERE id = $1 AND done_at IS NULL"

# Only the oldest of each address counts: behind one that waits nothing may be handled.
_DUE = """
SELECT address_key FROM (
    SELECT DISTINCT ON (address_key) address_key, id, not_before FROM inbox
    WHERE done_at IS NULL AND failed_at IS NULL
    ORDER BY address_key, id
) AS head
WHERE not_before IS NULL OR not_before <= now()
ORDER BY id LIMIT $1
"""

_LOCK = """
SELECT key FROM unnest($1::bytea[], $2::bigint[]) AS wanted (key, number)
WHERE pg_try_advisory_lock(number)
"""
_UNLOCK = "SELECT pg_advisory_unlock(number) FROM unnest($1::bigint[]) AS held (number)"

_DEPTH = "SELECT count(*) FROM inbox WHERE done_at IS NULL AND failed_at IS NULL"


async def store(
    connection: Connection, channel: str, provider_id: str, address: str, payload: bytes
) -> bool:
    """Keep an update (JSON bytes); False when the carrier had delivered it before.

    When this returns, the row is committed and every consumer has been woken.
    """
    sealed = current_keyring().encrypt(payload)
    key = address_index(channel, address)
    return await connection.fetchrow(_STORE, channel, provider_id, key, sealed) is not None


def _to_claimed(row: Any, claimed_tick: float) -> Claimed | None:
    if row is None or row["id"] is None:
        return None
    return Claimed(
        row["id"],
        row["channel"],
        row["payload"],
        row["attempts"],
        row["received_at"],
        row["has_failed"],
        row["claimed_at"],
        claimed_tick,
    )


async def claim(connection: Connection, key: bytes) -> Claimed | None:
    """Take the oldest open update of a locked address, unless it waits for its next attempt."""
    asked_at = time.monotonic()
    return _to_claimed(await connection.fetchrow(_CLAIM, key), asked_at)


async def finish(
    connection: Connection,
    key: bytes,
    item_id: int,
    answers: Sequence[OutgoingSms],
    *,
    go_on: bool,
) -> Finished:
    """Empty a handled update and hand its answers to the outbox; with `go_on` claim the next."""
    seal = current_keyring().encrypt
    asked_at = time.monotonic()
    row = await connection.fetchrow(
        _FINISH,
        key,
        item_id,
        [answer.address_id for answer in answers],
        [answer.purpose for answer in answers],
        [seal(json.dumps({"text": answer.text}).encode()) for answer in answers],
        [answer.dedup_key for answer in answers],
        go_on,
    )
    return Finished(_to_claimed(row, asked_at), row["more"])


async def put_off(connection: Connection, item: Claimed, error_id: str) -> bool:
    """Record a failed attempt; False when it was the last one, so that the address goes on."""
    if item.attempt >= MAX_ATTEMPTS:
        await connection.execute(_FAIL, item.id, error_id)
        return False
    await connection.execute(_RETRY, item.id, _BACKOFF_S[item.attempt - 1], error_id)
    return True


async def postpone(connection: Connection, item: Claimed, after_s: float) -> None:
    """Leave an update for later; its address waits with it."""
    await connection.execute(_POSTPONE, item.id, after_s, MAX_ATTEMPTS)


async def give_back(connection: Connection, item: Claimed) -> None:
    """Undo a claim that a shutdown interrupted: it was no attempt."""
    await connection.execute(_GIVE_BACK, item.id)


async def list_due(connection: Connection, limit: int) -> list[bytes]:
    """Name addresses that have something to handle now, whoever may hold them."""
    return [row["address_key"] for row in await connection.fetch(_DUE, limit)]


async def hold_address(session: AsyncSession, key: bytes) -> bool:
    """Keep every consumer from an address until the transaction ends; False when one has it."""
    lock = select(func.pg_try_advisory_xact_lock(_lock_number(key)))
    return bool(await session.scalar(lock))


def _lock_number(key: bytes) -> int:
    return int.from_bytes(key[:8], signed=True)


async def lock_addresses(connection: Connection, keys: Sequence[bytes]) -> set[bytes]:
    """Try to become the only consumer of these addresses; return those that were free."""
    rows = await connection.fetch(_LOCK, keys, [_lock_number(key) for key in keys])
    return {row["key"] for row in rows}


async def unlock_addresses(connection: Connection, keys: Sequence[bytes]) -> None:
    """Let other consumers have these addresses."""
    await connection.fetch(_UNLOCK, [_lock_number(key) for key in keys])


async def depth(connection: Connection) -> int:
    """Count the updates that still have to be handled."""
    count: int = await connection.fetchval(_DEPTH)
    return count
