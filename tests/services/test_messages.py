"""Writing to people unasked: promised once, held in quiet hours, or withheld with the reason."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.crypto import current_keyring
from db.models import Address, OutboxRow
from services import addresses, consent, contact_policy, messages
from services.contact_policy import Purpose
from services.errors import TextTooLong
from services.messages import Queued, Withheld, send

AT_NIGHT = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)  # 22:00 in Phnom Penh
IN_THE_MORNING = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


@pytest.fixture
async def address(session: AsyncSession, now: datetime) -> Address:
    return await addresses.get_or_create(session, "telegram", "42", now=now)


async def _count(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(OutboxRow)) or 0


async def test_a_reply_is_promised_with_all_that_delivery_needs(
    session: AsyncSession, address: Address, now: datetime
) -> None:
    document = {"file_id": "0d9fbb0f-53ba-4dcc-9a0e-9f7a3d1f9d52", "name": "my-data.html"}
    queued = await send(
        session,
        address,
        Purpose.REPLY,
        "សួស្ដី",
        now=now,
        asked_at=now,
        neutral_text="New message",
        reply_markup={"inline_keyboard": []},
        document=document,
    )
    assert isinstance(queued, Queued)
    assert queued.not_before is None
    row = await session.get_one(OutboxRow, queued.outbox_id)
    assert (row.purpose, row.channel, row.asked_at) == ("reply", "telegram", now)
    assert row.body is not None
    assert json.loads(current_keyring().decrypt(row.body)) == {
        "text": "សួស្ដី",
        "reply_markup": {"inline_keyboard": []},
        "neutral": "New message",
        "document": document,
    }


async def test_more_words_than_telegram_takes_with_a_file_are_refused(
    session: AsyncSession, address: Address, now: datetime
) -> None:
    """It would refuse the whole message, and the person would get neither file nor words."""
    document = {"file_id": "0d9fbb0f-53ba-4dcc-9a0e-9f7a3d1f9d52", "name": "my-data.html"}
    too_long = "🙏" * 512 + "ក"
    with pytest.raises(TextTooLong) as raised:
        await send(session, address, Purpose.DIALOG, too_long, now=now, document=document)
    assert (raised.value.length, raised.value.most) == (1025, 1024)
    assert await _count(session) == 0
    for text, carried in [(too_long, None), ("🙏" * 512, document)]:
        queued = await send(session, address, Purpose.DIALOG, text, now=now, document=carried)
        assert isinstance(queued, Queued)


async def test_what_the_policy_forbids_is_not_even_written(
    session: AsyncSession, address: Address, now: datetime
) -> None:
    assert await send(session, address, Purpose.NEWS, "x", now=now) == Withheld(
        contact_policy.NO_CONSENT
    )
    await addresses.stop(session, address.id, now=now)
    told = await send(session, address, Purpose.REPLY, "x", now=now, neutral_text="y")
    assert told == Withheld(contact_policy.STOPPED)
    assert await _count(session) == 0


async def test_at_night_a_question_is_held_until_the_morning(
    session: AsyncSession, address: Address
) -> None:
    queued = await send(session, address, Purpose.FOLLOW_UP, "x", now=AT_NIGHT, neutral_text="y")
    assert isinstance(queued, Queued)
    assert queued.not_before == IN_THE_MORNING
    row = await session.get_one(OutboxRow, queued.outbox_id)
    assert row.not_before == IN_THE_MORNING


async def test_a_planned_message_is_weighed_for_the_moment_it_is_planned_for(
    session: AsyncSession, address: Address, now: datetime
) -> None:
    for planned, held_until in [
        (AT_NIGHT, IN_THE_MORNING),
        (now + timedelta(hours=1), now + timedelta(hours=1)),
        (now - timedelta(hours=1), None),
    ]:
        queued = await send(
            session,
            address,
            Purpose.FOLLOW_UP,
            "x",
            now=now,
            neutral_text="y",
            not_before=planned,
        )
        assert isinstance(queued, Queued)
        assert queued.not_before == held_until


async def test_the_same_message_is_promised_once(
    session: AsyncSession, address: Address, now: datetime
) -> None:
    await consent.record(session, address, consent.NEWS, True, "1", now=now)
    first = await send(session, address, Purpose.NEWS, "x", now=now, dedup_key="fair:1")
    again = await send(session, address, Purpose.NEWS, "x", now=now, dedup_key="fair:1")
    assert isinstance(first, Queued)
    assert again == Withheld(messages.ALREADY_SENT)
    assert await _count(session) == 1


@pytest.mark.parametrize("purpose", [Purpose.REPLY, Purpose.FOLLOW_UP])
async def test_without_neutral_words_nothing_personal_is_sent(
    session: AsyncSession, address: Address, now: datetime, purpose: Purpose
) -> None:
    with pytest.raises(ValueError, match="neutral"):
        await send(session, address, purpose, "x", now=now)
