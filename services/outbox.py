"""The outbox: what must be sent is a row, written in the transaction of its cause.

Delivery claims addresses, not rows: only the first open message of an address may be taken, so the
order in a chat holds over any number of workers. A claim is a lease; a row is *sending*, committed,
right before the carrier hears of it. So little is *uncertain* after a crash, and what nobody knows
the fate of is never sent again blindly.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from asyncpg import Connection, DeadlockDetectedError, UniqueViolationError
from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.crypto import DecryptionError, current_keyring
from db.models.messages import OutboxRow
from services import outbox_sql as sql
from services.outcomes import Later, Outcome, Refused, Sent, Uncertain, Unreachable

CHANNEL = "outbox"  # of LISTEN and NOTIFY
DIALOG, BULK = 0, 1  # lanes
# What a notice says of bulk. Nobody looks through all of it, which may wait for the morning, each
# time that somebody gets an answer.
BULK_NOTICE = "bulk"
CLAIM_S = 10.0
LEASE_S = 60.0
MAX_ATTEMPTS = 8
_LONGEST_BACKOFF_S = 900.0

# What somebody waits for: the centre's answers and its questions about what was asked of it.
PROMISED = ("reply", "follow_up")
NOT_ARRIVED = ("undelivered", "unreachable", "withheld")
UNSENT = ("failed", *NOT_ARRIVED)
"""States in which a message has ended without having arrived."""
OVERTAKEN = "overtaken"
"""Why a message was withheld that what happened meanwhile has made needless: nobody misses it."""

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

    ``neutral`` goes out instead of the text when others read this phone too. ``document`` is
    {"file_id": …, "name": …}. With ``asks_in_full`` the buttons answer what only the text asks:
    neutral words go without them. ``silent`` says that the address was found unreachable and nobody
    wrote from it since. ``leased_until`` is the proof of the claim.
    """

    id: int
    channel: str
    address: str = field(repr=False)
    text: str = field(repr=False)
    reply_markup: dict[str, Any] | None = field(repr=False)
    attempt: int
    created_at: datetime
    purpose: str = "dialog"
    lane: int = DIALOG
    neutral: str | None = field(default=None, repr=False)
    document: dict[str, str] | None = field(default=None, repr=False)
    asks_in_full: bool = False
    blocked: bool = False
    silent: bool = False
    leased_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Dropped:
    """What becomes of a claimed message that is not sent now, and why.

    ``state`` is withheld, unreachable, failed, or waiting until a moment (None: at once).
    """

    item: OutboxItem
    state: str
    code: str | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A message that a member of staff may have to look at; nothing of it can be read here."""

    id: int
    channel: str
    purpose: str
    state: str
    code: str | None
    attempts: int
    created_at: datetime
    updated_at: datetime


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
    asks_in_full: bool = False,
) -> int | None:
    """Promise a message in the caller's transaction; None when ``dedup_key`` was used before.

    ``neutral``, ``document`` and ``asks_in_full`` are as in `OutboxItem`. Whoever writes to a
    person unasked calls `services.messages.send`.
    """
    body: dict[str, Any] = {"text": text}
    for name, part in (
        ("reply_markup", reply_markup),
        ("neutral", neutral),
        ("document", document),
        ("asks_in_full", asks_in_full or None),
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
        notice = BULK_NOTICE if lane == BULK else ""
        await session.execute(select(func.pg_notify(CHANNEL, notice)))
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
        attempt=row["attempts"] + int(row["state"] == "waiting"),
        created_at=row["created_at"],
        purpose=row["purpose"],
        lane=row["lane"],
        neutral=body.get("neutral"),
        document=body.get("document"),
        asks_in_full=body.get("asks_in_full", False),
        blocked=row["blocked_at"] is not None,
        silent=_is_silent(row["blocked_at"], row["last_in_at"]),
        leased_until=row["leased_until"],
    )


def _is_silent(blocked_at: datetime | None, last_in_at: datetime | None) -> bool:
    return blocked_at is not None and (last_in_at is None or last_in_at <= blocked_at)


async def _open_rows(connection: Connection, rows: Sequence[Any]) -> list[OutboxItem]:
    """Read claimed rows; one that no key opens is given up instead of stopping the others."""
    items = []
    for row in sorted(rows, key=lambda row: row["id"]):
        try:
            items.append(_to_item(row))
        except (DecryptionError, TypeError):  # None: it was emptied, and waits by mistake
            await connection.execute(sql.END, row["id"], "failed", "undecipherable")
    return items


async def claim(
    connection: Connection, lane: int, limit: int, *, without: Sequence[str] = ()
) -> list[OutboxItem]:
    """Take the first open message of up to ``limit`` addresses for CLAIM_S seconds.

    Those of the channels ``without`` are left alone.
    """
    rows = await connection.fetch(sql.CLAIM, lane, limit, CLAIM_S, list(without))
    return await _open_rows(connection, rows)


async def start(connection: Connection, items: Sequence[OutboxItem]) -> set[int]:
    """Mark claimed messages as being sent; those whose ids come back may go to the carrier now.

    A message whose claim was lost does not come back, nor one while another of the same address
    is being sent.
    """
    ids, leases = [item.id for item in items], [item.leased_until for item in items]
    try:
        rows = await connection.fetch(sql.START, ids, leases, LEASE_S)
    except (UniqueViolationError, DeadlockDetectedError):
        # Another process began with one of these addresses in the same moment: now it is seen.
        rows = await connection.fetch(sql.START, ids, leases, LEASE_S)
    return {row["id"] for row in rows}


async def drop(connection: Connection, dropped: Sequence[Dropped]) -> None:
    """Let go of claimed messages that were not started."""
    await connection.execute(
        sql.DROP,
        [one.item.id for one in dropped],
        [one.item.leased_until for one in dropped],
        [one.state for one in dropped],
        [one.code for one in dropped],
        [one.until for one in dropped],
    )


async def record(connection: Connection, item: OutboxItem, outcome: Outcome) -> None:
    """Write down what became of a message."""
    match outcome:
        case Sent():
            await record_sent(connection, [(item, outcome)])
        case Unreachable(reason):
            await connection.execute(sql.UNREACHABLE, item.id, reason)
        case Refused(code):
            await connection.execute(sql.END, item.id, "failed", code)
        case Uncertain(reason):
            await connection.execute(sql.UNCERTAIN, item.id, reason, 10.0)
        case Later(reason=reason, throttled=False) if item.attempt >= MAX_ATTEMPTS:
            await connection.execute(sql.END, item.id, "failed", reason)
        case Later(after_s, reason, throttled):
            wait = after_s if throttled else max(after_s, _backoff_s(item.attempt))
            await connection.execute(sql.LATER, item.id, wait, reason, throttled)


def _backoff_s(attempt: int) -> float:
    return min(2.0**attempt, _LONGEST_BACKOFF_S)


async def record_sent(connection: Connection, done: Sequence[tuple[OutboxItem, Sent]]) -> None:
    """Record that the carrier has these messages, as it answered or as its list shows later."""
    ids = [item.id for item, _ in done]
    provider_ids, parts = [sent.provider_id for _, sent in done], [sent.parts for _, sent in done]
    try:
        await connection.execute(sql.SENT, ids, provider_ids, parts, _OPEN_STATES)
    except UniqueViolationError:
        if len(done) == 1:
            raise
        for one in done:  # two of them have one id of the carrier's: the first gets it
            await record_sent(connection, [one])
        return
    await _note_reachable(connection, [item for item, _ in done])


async def _note_reachable(connection: Connection, items: Sequence[OutboxItem]) -> None:
    blocked = [item.id for item in items if item.blocked]
    if blocked:
        await connection.execute(sql.REACHABLE, blocked)


async def mark_abandoned(connection: Connection) -> None:
    """Make *uncertain* what a worker that died was sending."""
    await connection.execute(sql.ABANDONED)


async def list_to_reconcile(
    connection: Connection, channel: str, limit: int, again_after_s: float = 60.0
) -> list[OutboxItem]:
    """Take uncertain messages about which the carrier should be asked now (for one hour each)."""
    rows = await connection.fetch(sql.TO_RECONCILE, channel, limit, again_after_s)
    return await _open_rows(connection, rows)


async def settle(connection: Connection, item: OutboxItem, found: Sequence[Sent]) -> bool:
    """Record that an uncertain message is one of those that the carrier has, oldest first.

    False when each of them is another message of ours, or may still turn out to be.
    """
    provider_ids, parts = [sent.provider_id for sent in found], [sent.parts for sent in found]
    try:
        settled = await connection.fetchval(sql.SETTLE, item.id, provider_ids, parts)
    except UniqueViolationError:  # another process was first; it is asked about again later
        return False
    if settled is not None:
        await _note_reachable(connection, [item])
    return settled is not None


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
    await connection.execute(sql.STATUS, item_id, provider_id, state, error_code, _BEFORE[state])
    known: bool = await connection.fetchval(sql.IS_KNOWN, item_id, provider_id)
    return known


async def depth(connection: Connection) -> dict[tuple[str, str], int]:
    """Count unfinished messages by (channel, state)."""
    rows = await connection.fetch(sql.DEPTH)
    return {(row["channel"], row["state"]): row["messages"] for row in rows}


async def list_failed(session: AsyncSession, limit: int = 100) -> Sequence[Unsettled]:
    """Messages that were given up, the newest first."""
    return await _list_unsettled(session, OutboxRow.state == "failed", limit)


async def list_unsent(session: AsyncSession, limit: int = 100) -> Sequence[Unsettled]:
    """Answers and questions that never arrived though nothing had failed, the newest first.

    News is no promise to anybody: what the contact policy holds back of it is not listed.
    """
    missed = OutboxRow.purpose.in_(PROMISED) & OutboxRow.error_code.is_distinct_from(OVERTAKEN)
    return await _list_unsettled(session, OutboxRow.state.in_(NOT_ARRIVED) & missed, limit)


async def list_uncertain(session: AsyncSession, limit: int = 100) -> Sequence[Unsettled]:
    """Messages that may have arrived, the newest first. They are never sent again by themselves."""
    return await _list_unsettled(session, OutboxRow.state == "uncertain", limit)


async def _list_unsettled(
    session: AsyncSession, which: ColumnElement[bool], limit: int
) -> Sequence[Unsettled]:
    query = (
        select(
            OutboxRow.id,
            OutboxRow.channel,
            OutboxRow.purpose,
            OutboxRow.state,
            OutboxRow.error_code,
            OutboxRow.attempts,
            OutboxRow.created_at,
            OutboxRow.updated_at,
        )
        .where(which)
        .order_by(OutboxRow.id.desc())
        .limit(limit)
    )
    return [Unsettled(*row) for row in await session.execute(query)]


async def retry(session: AsyncSession, ids: Sequence[int]) -> set[int]:
    """Let failed messages be tried again; returns those that will be.

    One that is uncertain, withheld or emptied stays as it is.
    """
    again = (
        update(OutboxRow)
        .where(OutboxRow.id.in_(ids), OutboxRow.state == "failed", OutboxRow.body.is_not(None))
        .values(
            state="waiting",
            attempts=0,
            error_code=None,
            leased_until=None,
            sent_at=None,
            not_before=func.now(),
            updated_at=func.now(),
        )
        .returning(OutboxRow.id)
    )
    found = set((await session.scalars(again)).all())
    if found:
        for notice in ("", BULK_NOTICE):
            await session.execute(select(func.pg_notify(CHANNEL, notice)))
    return found
