from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services import addresses, consent


async def test_the_latest_answer_of_a_purpose_counts(session: AsyncSession, now: datetime) -> None:
    address = await addresses.get_or_create(session, "telegram", "42", now=now)
    assert not await consent.has_given(session, address.id, "registration")
    await consent.record(session, address, "registration", True, "2026-11", now=now)
    await consent.record(session, address, "news", False, "2026-11", now=now)
    assert await consent.has_given(session, address.id, "registration")
    assert not await consent.has_given(session, address.id, "news")
    await consent.record(session, address, "registration", False, "2026-11", now=now)
    assert not await consent.has_given(session, address.id, "registration")
    latest = await consent.find_latest(session, address.id, "registration")
    assert latest is not None
    assert (latest.wording_version, latest.person_id) == ("2026-11", None)
