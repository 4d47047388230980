"""Whether somebody may be written to: the one place where consent, STOP and safety are weighed.

Every message asks twice: when it is written and again when it is sent, since in between the person
may have said STOP, withdrawn a consent or told that others read this phone.

The first rule that applies decides, in this order: nothing arrives there (*unreachable*), the
person said STOP (*stopped*), did not agree or agrees no more (*no_consent*), has had enough news
(*too_often*); then the quiet hours, which only put off.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from asyncpg import Connection
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address
from services import consent

STOPPED = "stopped"
UNREACHABLE = "unreachable"
NO_CONSENT = "no_consent"
TOO_OFTEN = "too_often"

QUIET_FROM, QUIET_UNTIL = time(20), time(8)
MOST_NEWS, NEWS_WITHIN = 3, timedelta(days=7)

_CAMBODIA = ZoneInfo("Asia/Phnom_Penh")


class Purpose(StrEnum):
    """Why a message is sent."""

    DIALOG = "dialog"
    """The direct answer to what just came in."""
    REPLY = "reply"
    """The centre's answer to something that the person asked."""
    FOLLOW_UP = "follow_up"
    """About the person's own request, but unasked: did help come, a reminder."""
    NEWS = "news"
    """Jobs and announcements."""
    STAFF_CARD = "staff_card"
    """Word to a member of staff, in the chat that they have linked for it."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules need to know about an address and the person behind it.

    `blocked`: nothing arrives there, and nobody wrote from it since. `consents` holds the latest
    answer by purpose, None or nothing where it was never asked. `asked_at` is when the person last
    asked for what the message answers; `recent_news` counts what they got within NEWS_WITHIN.
    """

    channel: str
    stopped_at: datetime | None = None
    blocked: bool = False
    is_shared: bool | None = None
    last_in_at: datetime | None = None
    consents: Mapping[str, bool | None] = field(default_factory=dict)
    asked_at: datetime | None = None
    recent_news: int = 0


@dataclass(frozen=True, slots=True)
class Allowed:
    """Send it; with `neutral`, in words that tell nothing to who else reads this phone."""

    neutral: bool = False


@dataclass(frozen=True, slots=True)
class NotNow:
    """Send it from `until` on, and ask again then."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Forbidden:
    """Do not send it, now or later; `reason` is one of the constants above."""

    reason: str


Decision = Allowed | NotNow | Forbidden


def decide(purpose: Purpose, facts: Facts, at: datetime) -> Decision:
    """Whether a message of this purpose may go out at this moment."""
    if purpose is Purpose.DIALOG:
        return Allowed()
    if purpose is Purpose.STAFF_CARD:
        # What the person behind the address agreed to or stopped is about another matter.
        return Forbidden(UNREACHABLE) if facts.blocked else Allowed()
    reason = _find_reason_against(purpose, facts)
    if reason is not None:
        return Forbidden(reason)
    if purpose is not Purpose.REPLY and is_quiet(at):
        return NotNow(end_of_quiet(at))
    return Allowed(neutral=purpose is not Purpose.NEWS and facts.is_shared is True)


def _find_reason_against(purpose: Purpose, facts: Facts) -> str | None:
    if facts.blocked:
        return UNREACHABLE
    if _is_stopped(purpose, facts):
        return STOPPED
    if not _has_agreed(purpose, facts):
        return NO_CONSENT
    if purpose is Purpose.NEWS and facts.recent_news >= MOST_NEWS:
        return TOO_OFTEN
    return None


def _is_stopped(purpose: Purpose, facts: Facts) -> bool:
    """Who asks after saying STOP wants that answer, and still no news."""
    if facts.stopped_at is None:
        return False
    if purpose is Purpose.NEWS or facts.asked_at is None:
        return True
    return facts.asked_at <= facts.stopped_at


def _has_agreed(purpose: Purpose, facts: Facts) -> bool:
    """An answer to a question needs no consent; what else there is must not be withdrawn.

    News must have been agreed to in so many words, by SMS also that it may come on the phone.
    """
    if purpose is Purpose.REPLY:
        return True
    if facts.consents.get(consent.SERVICE) is False:
        return False
    if purpose is Purpose.FOLLOW_UP:
        return True
    wanted = [consent.NEWS, *([consent.PHONE] if facts.channel == "sms" else [])]
    return all(facts.consents.get(one) is True for one in wanted)


def is_quiet(at: datetime) -> bool:
    """Whether people in Cambodia should be left alone at this moment."""
    local = at.astimezone(_CAMBODIA).time()
    return local >= QUIET_FROM or local < QUIET_UNTIL


def end_of_quiet(at: datetime) -> datetime:
    """The next moment at which the quiet hours end, in UTC."""
    local = at.astimezone(_CAMBODIA)
    day = local.date() + timedelta(days=int(local.time() >= QUIET_UNTIL))
    return datetime.combine(day, QUIET_UNTIL, _CAMBODIA).astimezone(UTC)


# Which rows are asked about: those of the outbox, or one that is not written yet.
_ROWS = """
WITH wanted AS (
    SELECT id, address_id, person_id, purpose, asked_at FROM outbox WHERE id = ANY($1::bigint[])
)
"""
_ONE = """
WITH wanted AS (
    SELECT 0::bigint AS id, $1::bigint AS address_id, $3::uuid AS person_id, $4::text AS purpose,
        $5::timestamptz AS asked_at
)
"""
# Consents and the count of news cost a look-up each: only who needs them pays for them. CASE, where
# COALESCE reads better: row-level security lets no index look up what that gives.
_FACTS = """
SELECT wanted.id, wanted.asked_at, address.channel, address.stopped_at, address.is_shared,
    address.last_in_at, coalesce(agreed.purposes, '{}') AS purposes,
    coalesce(agreed.answers, '{}') AS answers, had.news AS recent_news,
    address.blocked_at IS NOT NULL
        AND (address.last_in_at IS NULL OR address.last_in_at <= address.blocked_at) AS blocked
FROM wanted JOIN address ON address.id = wanted.address_id
CROSS JOIN LATERAL (
    SELECT CASE WHEN wanted.person_id IS NULL THEN address.person_id ELSE wanted.person_id END
        AS person_id
) AS whose
CROSS JOIN LATERAL (
    SELECT array_agg(purpose) AS purposes, array_agg(given) AS answers FROM (
        SELECT DISTINCT ON (purpose) purpose, given FROM (
            SELECT id, purpose, given FROM consent WHERE person_id = whose.person_id
            UNION ALL
            SELECT id, purpose, given FROM consent
            WHERE address_id = address.id AND person_id IS NULL
        ) AS own
        WHERE wanted.purpose IN ('follow_up', 'news')
        ORDER BY purpose, id DESC
    ) AS latest
) AS agreed
CROSS JOIN LATERAL (
    SELECT count(*) AS news FROM (
        SELECT purpose, state, sent_at, updated_at FROM outbox
        WHERE person_id = whose.person_id
        UNION ALL
        SELECT purpose, state, sent_at, updated_at FROM outbox
        WHERE whose.person_id IS NULL AND address_id = address.id
    ) AS earlier
    WHERE wanted.purpose = 'news' AND earlier.purpose = 'news'
        AND earlier.state IN ('sent', 'delivered', 'uncertain')
        AND coalesce(earlier.sent_at, earlier.updated_at) > $2
) AS had
"""
_FACTS_OF_ROWS = _ROWS + _FACTS
_FACTS_OF_ONE = _ONE + _FACTS


def _to_facts(row: Any) -> Facts:
    return Facts(
        channel=row["channel"],
        stopped_at=row["stopped_at"],
        blocked=row["blocked"],
        is_shared=row["is_shared"],
        last_in_at=row["last_in_at"],
        consents=dict(zip(row["purposes"], row["answers"], strict=True)),
        asked_at=row["asked_at"],
        recent_news=row["recent_news"],
    )


async def load_facts(
    connection: Connection, outbox_ids: Sequence[int], *, at: datetime | None = None
) -> dict[int, Facts]:
    """The facts about messages that are about to be sent, by outbox id, in one statement."""
    since = (at or datetime.now(UTC)) - NEWS_WITHIN
    rows = await connection.fetch(_FACTS_OF_ROWS, list(outbox_ids), since)
    return {row["id"]: _to_facts(row) for row in rows}


async def may_contact(
    session: AsyncSession,
    address: Address,
    purpose: Purpose,
    at: datetime,
    *,
    asked_at: datetime | None = None,
    person_id: UUID | None = None,
) -> Decision:
    """Whether this address may be written to. What is in the database counts, not the object."""
    await session.flush()
    connection = await session.connection()
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None  # a connection that is checked out has one
    row = await driver.fetchrow(
        _FACTS_OF_ONE, address.id, at - NEWS_WITHIN, person_id, purpose.value, asked_at
    )
    return Forbidden(UNREACHABLE) if row is None else decide(purpose, _to_facts(row), at)
