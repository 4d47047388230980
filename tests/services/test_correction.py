"""Correcting what was told: the form again with every answer in it, and no second request."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address, Person, Profile, Request
from services import addresses, drafts
from services.errors import IncompleteForm
from services.registration import FIELDS, FORM, begin_correction, find_registration, register
from tests.support import save_draft

ANSWERS: dict[str, Any] = {
    "consent": "registration-1",
    "name": "សុខា",
    "age": 34,
    "sex": "female",
    "province": "22",
    "district": "2201",
    "commune": "220101",
    "phone_e164": "+85512345678",
    "wanted_provinces": ["22", "12"],
    "sectors": ["garment", "services"],
    "salary": {"amount": 250, "currency": "USD"},
}
LITTLE = dict.fromkeys(["age", "district", "commune", "phone_e164", "salary"])


async def _come(
    session: AsyncSession, now: datetime, *, channel: str = "telegram", **told: Any
) -> Address:
    value = "42" if channel == "telegram" else "+85599000111"
    address = await addresses.get_or_create(session, channel, value, now=now)
    await save_draft(session, address.id, FORM, ANSWERS | told)
    await register(session, address, now=now)
    return address


async def _correct(
    session: AsyncSession, address: Address, now: datetime, **corrected: Any
) -> Request:
    draft = await begin_correction(session, address)
    await save_draft(session, address.id, FORM, corrected)
    await session.refresh(draft)
    return await register(session, address, now=now)


@pytest.mark.parametrize(
    "told",
    [
        {},
        LITTLE,
        {"age": None, "commune": None},
        {"phone_e164": None, "phone_abroad": "+66812345678"},
        {"wanted_provinces": [], "sectors": []},
    ],
    ids=["all", "little", "no commune", "a number abroad", "any work"],
)
async def test_the_form_holds_what_was_told(
    session: AsyncSession, now: datetime, told: dict[str, Any]
) -> None:
    address = await _come(session, now, **told)
    draft = await begin_correction(session, address)
    anywhere = not (ANSWERS | told)["wanted_provinces"]
    assert draft.answers == ANSWERS | told | {
        "consent": "correction",
        "wanted_anywhere": anywhere,
    }


async def test_confirming_it_as_it_is_changes_nothing(session: AsyncSession, now: datetime) -> None:
    address = await _come(session, now)
    person = await session.get_one(Person, address.person_id)
    told_at = person.age_told_at
    await _correct(session, address, now + timedelta(days=1))
    await session.refresh(person)
    assert (person.name, person.birth_year, person.home_code) == ("សុខា", 1992, "220101")
    assert (person.phone, person.age_told_at) == ("+85512345678", told_at)
    profile = await session.get_one(Profile, person.id)
    assert (profile.wanted_provinces, profile.expected_salary) == (["22", "12"], 250)


async def test_what_was_corrected_is_changed(session: AsyncSession, now: datetime) -> None:
    address = await _come(session, now)
    moved = {"province": "13", "district": "1301", "commune": "130101"}
    await _correct(session, address, now, name="Sokha", age=35, salary=None, **moved)
    person = await session.get_one(Person, address.person_id)
    assert (person.name, person.birth_year, person.centre_id) == ("Sokha", 1991, "preah-vihear")
    assert (await session.get_one(Profile, person.id)).expected_salary is None
    assert await drafts.find_draft(session, address.id, FORM) is None


@pytest.mark.parametrize(
    "state", ["new", "taken", "waiting_person", "done", "reopened", "withdrawn"]
)
async def test_a_correction_joins_the_registration_whatever_became_of_it(
    session: AsyncSession, now: datetime, state: str
) -> None:
    address = await _come(session, now)
    first = await find_registration(session, address.id)
    assert first is not None
    first.state = state
    await session.flush()
    corrected = await _correct(session, address, now, name="Sokha")
    assert (corrected.code, corrected.state) == (first.code, state)
    events = (await session.scalars(corrected.events.select())).all()
    assert [(event.kind, event.actor) for event in events] == [
        ("opened", "person"),
        ("resubmitted", "person"),
    ]
    assert await session.scalar(select(func.count()).select_from(Request)) == 1


async def test_a_correction_from_another_phone_joins_it_too(
    session: AsyncSession, now: datetime
) -> None:
    address = await _come(session, now)
    phone = await addresses.get_or_create(session, "sms", "+85599000111", now=now)
    phone.person_id = address.person_id
    first = await find_registration(session, address.id)
    assert first is not None
    assert (await _correct(session, phone, now, name="Sokha")).code == first.code
    person = (await session.scalars(select(Person))).one()
    assert (person.name, person.phone) == ("Sokha", "+85512345678")


async def test_a_correction_goes_on_where_it_was_left(session: AsyncSession, now: datetime) -> None:
    address = await _come(session, now)
    begun = await begin_correction(session, address)
    await save_draft(session, address.id, FORM, {"name": "Sokha"})
    await session.refresh(begun)
    draft = await begin_correction(session, address)
    assert (draft.answers["name"], draft.answers["sex"]) == ("Sokha", "female")


async def test_who_never_registered_has_nothing_to_correct(
    session: AsyncSession, now: datetime
) -> None:
    address = await addresses.get_or_create(session, "telegram", "42", now=now)
    with pytest.raises(IncompleteForm) as caught:
        await begin_correction(session, address)
    assert caught.value.fields == FIELDS
