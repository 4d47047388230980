"""The one way to write to somebody who is not waiting for the answer in the same breath.

Whoever sends past this asks nobody's consent. Delivery weighs every message a second time, with
what has become known since.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from asyncpg import Connection
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address
from services import contact_policy, outbox, sms_text
from services.contact_policy import Forbidden, NotNow, Purpose
from services.errors import TextTooLong

ALREADY_SENT = "already_sent"
"""The reason for withholding a message whose `dedup_key` was used before."""

LONGEST = {"telegram": 4096, "sms": sms_text.CARRIER_LIMIT}
"""What one message of a channel may hold, in UTF-16 units."""

LONGEST_BESIDE_FILE = 1024
"""What Telegram takes of words that go with a file, in UTF-16 units."""

# What may have arrived counts as well: nobody knows the fate of what is being sent.
_HAS_COME_SINCE = """
SELECT EXISTS (
    SELECT FROM outbox
    WHERE address_id = $1 AND purpose IN ('reply', 'follow_up', 'news')
      AND state IN ('sending', 'uncertain', 'sent', 'delivered')
      AND coalesce(sent_at, updated_at) > $2
      AND (
        coalesce(sent_at, updated_at) > $3
        OR NOT coalesce(state = 'delivered' AND updated_at <= $3 OR sent_at <= $4, false)
        OR NOT EXISTS (
            SELECT FROM request_event AS asked
            WHERE asked.outbox_id = outbox.id AND asked.kind IN ('done', 'referral_asked')
        )
      )
)
"""
# A carrier may bring what was sent first as the second.
_ARRIVES_WITHIN = timedelta(minutes=10)

_MAY_BE_NEUTRAL = (Purpose.REPLY, Purpose.FOLLOW_UP)


@dataclass(frozen=True, slots=True)
class Queued:
    """The message is promised; `not_before` says until when it is held, None means at once."""

    outbox_id: int
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Withheld:
    """The message will not be sent: a reason of `contact_policy`, or ALREADY_SENT."""

    reason: str


async def send(
    session: AsyncSession,
    address: Address,
    purpose: Purpose,
    text: str,
    *,
    now: datetime,
    person_id: UUID | None = None,
    asked_at: datetime | None = None,
    neutral_text: str | None = None,
    reply_markup: dict[str, Any] | None = None,
    document: dict[str, str] | None = None,
    asks_in_full: bool = False,
    lane: int = outbox.DIALOG,
    not_before: datetime | None = None,
    dedup_key: str | None = None,
) -> Queued | Withheld:
    """Ask the contact policy and promise the message, in the caller's transaction.

    `neutral_text` is what is sent instead where others read the phone too; a reply and a follow-up
    must have it, because that may become known between writing and sending. `asks_in_full`: only
    the text says what the buttons answer, so neutral words go without them. `document` is
    {"file_id": …, "name": …}; more words than go with a file are a message of their own. Raises
    TextTooLong, and ValueError without neutral words.
    """
    if purpose in _MAY_BE_NEUTRAL and neutral_text is None:
        raise ValueError(f"a message of purpose {purpose} needs neutral words too")
    longest = LONGEST[address.channel]
    text = as_sent(address.channel, text)
    _check_length(text, longest if document is None else min(longest, LONGEST_BESIDE_FILE))
    held_until = not_before if not_before is not None and not_before > now else None
    person_id = person_id or address.person_id
    decision = await contact_policy.may_contact(
        session, address, purpose, held_until or now, asked_at=asked_at, person_id=person_id
    )
    if isinstance(decision, Forbidden):
        return Withheld(decision.reason)
    if isinstance(decision, NotNow):
        held_until = decision.until
    outbox_id = await outbox.enqueue(
        session,
        address_id=address.id,
        channel=address.channel,
        text=text,
        purpose=purpose.value,
        lane=lane,
        reply_markup=reply_markup,
        not_before=held_until,
        dedup_key=dedup_key,
        person_id=person_id,
        asked_at=asked_at,
        neutral=None if neutral_text is None else as_sent(address.channel, neutral_text),
        document=document,
        asks_in_full=asks_in_full,
    )
    return Withheld(ALREADY_SENT) if outbox_id is None else Queued(outbox_id, held_until)


def as_sent(channel: str, text: str) -> str:
    """The very letters that leave: whoever counts what a message costs counts these."""
    return sms_text.clean(text) if channel == "sms" else text


async def has_come_since(
    connection: Connection,
    address_id: int,
    since: datetime,
    *,
    lettered_since: datetime | None = None,
) -> bool:
    """Whether something unasked has been sent there; the times are of the database's clock.

    A question that has a letter of its own (K1, K2) counts only from `lettered_since` on, if it
    was on the phone before that as far as anybody can know.
    """
    lettered_since = lettered_since or since
    arrived_by = lettered_since - _ARRIVES_WITHIN
    found: bool = await connection.fetchval(
        _HAS_COME_SINCE, address_id, since, lettered_since, arrived_by
    )
    return found


def _check_length(text: str, most: int) -> None:
    length = len(text.encode("utf-16-le")) // 2
    if length > most:
        raise TextTooLong(length, most)
