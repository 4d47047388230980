"""Consent: one purpose at a time, the latest answer of a person on any of their phones counts."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address, Consent, Person
from services import addresses, consent


@pytest.fixture
async def address(session: AsyncSession, now: datetime) -> Address:
    return await addresses.get_or_create(session, "telegram", "42", now=now)


async def _given(session: AsyncSession, address: Address) -> Mapping[str, bool | None]:
    state = await consent.get_state(session, address)
    assert tuple(state) == consent.PURPOSES
    return {purpose: None if answer is None else answer.given for purpose, answer in state.items()}


async def _count(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(Consent)) or 0


async def _make_person(session: AsyncSession, *owned: Address) -> Person:
    person = Person(name="សុខា", sex="female", home_code="22", centre_id="oddar-meanchey")
    session.add(person)
    await session.flush()
    for address in owned:
        address.person_id = person.id
    await session.flush()
    return person


async def test_nobody_has_agreed_to_anything_before_being_asked(
    session: AsyncSession, address: Address
) -> None:
    assert set((await _given(session, address)).values()) == {None}


async def test_the_latest_answer_of_a_purpose_counts(
    session: AsyncSession, address: Address, now: datetime
) -> None:
    await consent.record(session, address, "service", True, "2026-11", now=now)
    await consent.record(session, address, "news", False, "2026-11", now=now)
    assert (await _given(session, address))["service"]
    assert not (await _given(session, address))["news"]
    await consent.record(session, address, "service", False, "2026-12", now=now)
    assert not (await _given(session, address))["service"]
    latest = (await consent.get_state(session, address))["service"]
    assert latest is not None
    assert (latest.wording_version, latest.person_id, latest.at) == ("2026-12", None, now)


async def test_the_same_answer_to_the_same_words_keeps_its_day(
    session: AsyncSession, address: Address, now: datetime
) -> None:
    first = await consent.record(session, address, "service", True, "1", now=now)
    later = now + timedelta(days=1)
    for given, wording, rows in [(True, "1", 1), (True, "2", 2), (False, "2", 3), (True, "2", 4)]:
        kept = await consent.record(session, address, "service", given, wording, now=later)
        assert (kept.given, kept.wording_version) == (given, wording)
        assert await _count(session) == rows
    assert first.at == now


async def test_choosing_answers_every_purpose_but_the_service(
    session: AsyncSession, address: Address, now: datetime
) -> None:
    await consent.set_purposes(
        session, address, {"news", "phone"}, wording_version="purposes-1", now=now
    )
    assert await _given(session, address) == {
        "service": None,
        "news": True,
        "phone": True,
        "sharing": False,
        "statistics": False,
    }


async def test_choosing_the_same_again_writes_nothing(
    session: AsyncSession, address: Address, now: datetime
) -> None:
    for chosen, rows in [({"news"}, 4), ({"news"}, 4), ({"news", "phone"}, 5), (set(), 7)]:
        await consent.set_purposes(session, address, chosen, wording_version="purposes-1", now=now)
        assert await _count(session) == rows


@pytest.mark.parametrize("purpose", ["service", "newz"])
async def test_an_unknown_purpose_is_refused(
    session: AsyncSession, address: Address, now: datetime, purpose: str
) -> None:
    with pytest.raises(ValueError, match=purpose):
        await consent.set_purposes(session, address, {purpose}, wording_version="1", now=now)
    assert await _count(session) == 0
    if purpose not in consent.PURPOSES:
        with pytest.raises(ValueError, match=purpose):
            await consent.record(session, address, purpose, True, "1", now=now)


async def test_one_purpose_is_withdrawn_alone(
    session: AsyncSession, address: Address, now: datetime
) -> None:
    await consent.set_purposes(session, address, {"news", "phone"}, wording_version="1", now=now)
    await consent.record(session, address, "news", False, "1", now=now)
    given = await _given(session, address)
    assert (given["news"], given["phone"]) == (False, True)


async def test_what_a_person_agreed_to_counts_on_all_their_phones(
    session: AsyncSession, address: Address, now: datetime
) -> None:
    phone = await addresses.get_or_create(session, "sms", "+85512345678", now=now)
    person = await _make_person(session, address, phone)
    await consent.record(session, address, "news", True, "1", now=now)
    assert (await _given(session, phone))["news"]
    await consent.record(session, phone, "news", False, "1", now=now)
    assert not (await _given(session, address))["news"]
    row = (await session.scalars(select(Consent).limit(1))).one()
    assert (row.person_id, row.centre_id) == (person.id, "oddar-meanchey")


async def test_what_an_address_agreed_to_becomes_its_persons(
    session: AsyncSession, address: Address, now: datetime
) -> None:
    phone = await addresses.get_or_create(session, "sms", "+85512345678", now=now)
    await consent.record(session, address, "news", True, "1", now=now)
    person = await _make_person(session, address, phone)
    assert (await _given(session, address))["news"]
    assert not (await _given(session, phone))["news"]
    await consent.link_to_person(session, address.id, person.id, person.centre_id)
    assert (await _given(session, phone))["news"]
