"""Who may be written to, when and how: the table that the contact policy is held to."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address, OutboxRow
from services import addresses, consent, outbox
from services.contact_policy import (
    MOST_NEWS,
    NEWS_WITHIN,
    NO_CONSENT,
    STOPPED,
    TOO_OFTEN,
    UNREACHABLE,
    Allowed,
    Decision,
    Facts,
    Forbidden,
    NotNow,
    Purpose,
    decide,
    end_of_quiet,
    load_facts,
    may_contact,
)
from tests.support import driver_of

DIALOG, REPLY, FOLLOW_UP, NEWS, STAFF_CARD = Purpose
PHNOM_PENH = ZoneInfo("Asia/Phnom_Penh")


def at(clock: str, day: int = 20) -> datetime:
    """A moment of November 2026 by the clocks of Phnom Penh."""
    return datetime.fromisoformat(f"2026-11-{day:02} {clock}").replace(tzinfo=PHNOM_PENH)


NOON, NIGHT = at("12:00"), at("23:00")
STOP = at("11:00")
BEFORE, AFTER = STOP - timedelta(microseconds=1), STOP + timedelta(microseconds=1)
TG, SMS = "telegram", "sms"
AGREED = {"service": True, "news": True}
AGREED_PHONE = AGREED | {"phone": True}

YES, NEUTRAL = Allowed(), Allowed(neutral=True)
IN_THE_MORNING = NotNow(at("08:00", 21))
NO_STOP, NO_WAY, NO_AGREED, NO_MORE = map(Forbidden, (STOPPED, UNREACHABLE, NO_CONSENT, TOO_OFTEN))

TABLE: list[tuple[str, Purpose, Facts, datetime, Decision]] = [
    # What just came in is always answered.
    ("an answer", DIALOG, Facts(TG), NOON, YES),
    ("an answer at night", DIALOG, Facts(TG), NIGHT, YES),
    ("an answer after STOP", DIALOG, Facts(SMS, stopped_at=STOP), NOON, YES),
    ("an answer to who was unreachable", DIALOG, Facts(SMS, blocked=True), NOON, YES),
    ("an answer on a shared phone", DIALOG, Facts(SMS, is_shared=True), NOON, YES),
    ("an answer to who withdrew all", DIALOG, Facts(TG, consents={"service": False}), NOON, YES),
    # What was asked for is answered, day and night, until STOP.
    ("a reply", REPLY, Facts(TG), NOON, YES),
    ("a reply at night", REPLY, Facts(TG), NIGHT, YES),
    ("a reply to who never agreed", REPLY, Facts(SMS), NOON, YES),
    ("a reply to who withdrew", REPLY, Facts(TG, consents={"service": False}), NOON, YES),
    ("a reply after STOP", REPLY, Facts(TG, stopped_at=STOP), NOON, NO_STOP),
    ("asked before STOP", REPLY, Facts(TG, stopped_at=STOP, asked_at=BEFORE), NOON, NO_STOP),
    ("asked as STOP came", REPLY, Facts(TG, stopped_at=STOP, asked_at=STOP), NOON, NO_STOP),
    ("asked after STOP", REPLY, Facts(TG, stopped_at=STOP, asked_at=AFTER), NOON, YES),
    ("a reply to who blocked us", REPLY, Facts(TG, blocked=True), NOON, NO_WAY),
    ("asked, then blocked us", REPLY, Facts(TG, blocked=True, asked_at=AFTER), NOON, NO_WAY),
    ("a reply on a shared phone", REPLY, Facts(SMS, is_shared=True), NOON, NEUTRAL),
    ("a reply on a phone of one's own", REPLY, Facts(SMS, is_shared=False), NOON, YES),
    # About a request of one's own, unasked: by day, and not to who withdrew.
    ("a question", FOLLOW_UP, Facts(TG), NOON, YES),
    ("a question to who agreed", FOLLOW_UP, Facts(TG, consents=AGREED), NOON, YES),
    ("a question to who withdrew", FOLLOW_UP, Facts(TG, consents={"service": False}), NOON,
     NO_AGREED),
    ("a question without news", FOLLOW_UP, Facts(TG, consents={"news": False}), NOON, YES),
    ("a question after STOP", FOLLOW_UP, Facts(TG, stopped_at=STOP), NOON, NO_STOP),
    ("asked after STOP, then a question", FOLLOW_UP,
     Facts(TG, stopped_at=STOP, asked_at=AFTER), NOON, YES),
    ("a question to who blocked us", FOLLOW_UP, Facts(TG, blocked=True), NOON, NO_WAY),
    ("a question on a shared phone", FOLLOW_UP, Facts(SMS, is_shared=True), NOON, NEUTRAL),
    ("a question at 19:59:59", FOLLOW_UP, Facts(TG), at("19:59:59.999999"), YES),
    ("a question at 20:00", FOLLOW_UP, Facts(TG), at("20:00"), IN_THE_MORNING),
    ("a question before midnight", FOLLOW_UP, Facts(TG), at("23:59:59"), IN_THE_MORNING),
    ("a question at midnight", FOLLOW_UP, Facts(TG), at("00:00", 21), IN_THE_MORNING),
    ("a question at 07:59:59", FOLLOW_UP, Facts(TG), at("07:59:59.999999", 21), IN_THE_MORNING),
    ("a question at 08:00", FOLLOW_UP, Facts(TG), at("08:00", 21), YES),
    ("a question at night after STOP", FOLLOW_UP, Facts(TG, stopped_at=STOP), NIGHT, NO_STOP),
    # News go to who agreed to them in so many words, seldom, and by day.
    ("news to who agreed", NEWS, Facts(TG, consents=AGREED), NOON, YES),
    ("news to who was never asked", NEWS, Facts(TG), NOON, NO_AGREED),
    ("news to who refused", NEWS, Facts(TG, consents={"news": False}), NOON, NO_AGREED),
    ("news to who agreed to the service", NEWS, Facts(TG, consents={"service": True}), NOON,
     NO_AGREED),
    ("news to who agreed to nothing else", NEWS, Facts(TG, consents={"news": True}), NOON, YES),
    ("news to who left the service", NEWS, Facts(TG, consents=AGREED | {"service": False}), NOON,
     NO_AGREED),
    ("news by SMS, unasked", NEWS, Facts(SMS, consents=AGREED), NOON, NO_AGREED),
    ("news by SMS, refused", NEWS, Facts(SMS, consents=AGREED | {"phone": False}), NOON,
     NO_AGREED),
    ("news by SMS, agreed", NEWS, Facts(SMS, consents=AGREED_PHONE), NOON, YES),
    ("news on a shared phone", NEWS, Facts(SMS, consents=AGREED_PHONE, is_shared=True), NOON, YES),
    ("news after STOP", NEWS, Facts(TG, consents=AGREED, stopped_at=STOP), NOON, NO_STOP),
    ("news to who asked after STOP", NEWS,
     Facts(TG, consents=AGREED, stopped_at=STOP, asked_at=AFTER), NOON, NO_STOP),
    ("news to who blocked us", NEWS, Facts(TG, consents=AGREED, blocked=True), NOON, NO_WAY),
    ("the last news of a week", NEWS, Facts(TG, consents=AGREED, recent_news=MOST_NEWS - 1), NOON,
     YES),
    ("too much news", NEWS, Facts(TG, consents=AGREED, recent_news=MOST_NEWS), NOON, NO_MORE),
    ("news at 20:00", NEWS, Facts(TG, consents=AGREED), at("20:00"), IN_THE_MORNING),
    ("news at 08:00", NEWS, Facts(TG, consents=AGREED), at("08:00"), YES),
    # Of several reasons the first counts.
    ("all at once", NEWS, Facts(TG, blocked=True, stopped_at=STOP, recent_news=9), NIGHT, NO_WAY),
    ("all but reach", NEWS, Facts(TG, stopped_at=STOP, recent_news=9), NIGHT, NO_STOP),
    ("no consent and too much", NEWS, Facts(TG, recent_news=9), NIGHT, NO_AGREED),
    ("too much, at night", NEWS, Facts(TG, consents=AGREED, recent_news=9), NIGHT, NO_MORE),
    # Staff have linked their chat to hear of work: what they said there as a person is theirs.
    ("a card", STAFF_CARD, Facts(TG), NOON, YES),
    ("a card at night", STAFF_CARD, Facts(TG), NIGHT, YES),
    ("a card after STOP", STAFF_CARD, Facts(TG, stopped_at=STOP), NOON, YES),
    ("a card on a shared phone", STAFF_CARD, Facts(TG, is_shared=True), NOON, YES),
    ("a card to who blocked us", STAFF_CARD, Facts(TG, blocked=True), NOON, NO_WAY),
]  # fmt: skip


@pytest.mark.parametrize(
    ("purpose", "facts", "moment", "decision"),
    [case[1:] for case in TABLE],
    ids=[case[0] for case in TABLE],
)
def test_the_table(purpose: Purpose, facts: Facts, moment: datetime, decision: Decision) -> None:
    assert decide(purpose, facts, moment) == decision
    assert decide(purpose, facts, moment.astimezone(UTC)) == decision


@pytest.mark.parametrize("purpose", [REPLY, FOLLOW_UP, NEWS])
def test_nothing_unasked_follows_a_stop(purpose: Purpose) -> None:
    facts = Facts(SMS, stopped_at=STOP, consents=AGREED_PHONE)
    for hour in range(24):
        assert decide(purpose, facts, at(f"{hour:02}:00", 25)) == NO_STOP


def test_the_quiet_hours_end_in_the_future(now: datetime) -> None:
    for minutes in range(0, 48 * 60, 7):
        moment = now + timedelta(minutes=minutes)
        assert timedelta(0) < end_of_quiet(moment) - moment <= timedelta(days=1)


# What the rules are told, as it stands in the database


@pytest.fixture
async def address(session: AsyncSession, now: datetime) -> Address:
    return await addresses.get_or_create(session, "telegram", "42", now=now)


async def ask(session: AsyncSession, address: Address, purpose: Purpose, moment: datetime) -> Facts:
    """What delivery would know of a message written now; and `may_contact` must agree with it."""
    row_id = await outbox.enqueue(
        session, address_id=address.id, channel=address.channel, text="x", purpose=purpose.value
    )
    assert row_id is not None
    facts = (await load_facts(await driver_of(session), [row_id], at=moment))[row_id]
    decision = await may_contact(session, address, purpose, moment)
    assert decision == decide(purpose, facts, moment)
    return facts


async def test_a_new_address_is_told_as_it_is(
    session: AsyncSession, address: Address, now: datetime
) -> None:
    assert await ask(session, address, NEWS, now) == Facts("telegram")


async def test_stop_and_start_are_seen(
    session: AsyncSession, address: Address, now: datetime
) -> None:
    await addresses.stop(session, address.id, now=now)
    assert (await ask(session, address, REPLY, now)).stopped_at == now
    await addresses.start(session, address.id)
    assert (await ask(session, address, REPLY, now)).stopped_at is None


async def test_who_is_unreachable_is_reached_again_after_writing(
    session: AsyncSession, address: Address, now: datetime
) -> None:
    await addresses.mark_blocked(session, address.id, now=now)
    assert (await ask(session, address, REPLY, now)).blocked
    await addresses.touch(session, address, now=now + timedelta(seconds=1))
    assert not (await ask(session, address, REPLY, now)).blocked


async def test_a_shared_phone_is_seen(
    session: AsyncSession, address: Address, now: datetime
) -> None:
    await addresses.set_shared(session, address.id, True)
    assert (await ask(session, address, FOLLOW_UP, now)).is_shared
    await addresses.set_shared(session, address.id, False)
    assert (await ask(session, address, FOLLOW_UP, now)).is_shared is False


async def test_the_latest_consents_are_seen_by_who_needs_them(
    session: AsyncSession, address: Address, now: datetime
) -> None:
    for given in (False, True):
        await consent.record(session, address, consent.NEWS, given, "1", now=now)
    assert (await ask(session, address, NEWS, now)).consents == {"news": True}
    assert (await ask(session, address, REPLY, now)).consents == {}


async def test_only_news_that_may_have_arrived_within_a_week_count(
    session: AsyncSession, address: Address, now: datetime
) -> None:
    await consent.record(session, address, consent.NEWS, True, "1", now=now)
    week_ago = now - NEWS_WITHIN
    got = [
        ("sent", now),
        ("delivered", week_ago + timedelta(seconds=1)),
        ("delivered", week_ago),
        ("uncertain", None),
        ("undelivered", now),
        ("failed", None),
        ("withheld", None),
    ]
    for state, sent_at in got:
        await _have_sent(session, address, NEWS, state, sent_at, now=now)
    await _have_sent(session, address, REPLY, "sent", now, now=now)
    assert (await ask(session, address, NEWS, now)).recent_news == 3
    assert await may_contact(session, address, NEWS, now) == Forbidden(TOO_OFTEN)


async def _have_sent(
    session: AsyncSession,
    address: Address,
    purpose: Purpose,
    state: str,
    sent_at: datetime | None,
    *,
    now: datetime,
) -> None:
    row_id = await outbox.enqueue(
        session, address_id=address.id, channel=address.channel, text="x", purpose=purpose.value
    )
    await session.execute(
        update(OutboxRow)
        .where(OutboxRow.id == row_id)
        .values(state=state, sent_at=sent_at, updated_at=now)
    )


async def test_each_of_many_messages_gets_its_facts(
    session: AsyncSession, address: Address, now: datetime
) -> None:
    ids = [
        await outbox.enqueue(
            session, address_id=address.id, channel="telegram", text="x", purpose=purpose
        )
        for purpose in ("dialog", "reply", "news", "an older release's")
    ]
    wanted = [row_id for row_id in ids if row_id is not None]
    assert set(await load_facts(await driver_of(session), wanted, at=now)) == set(ids)
