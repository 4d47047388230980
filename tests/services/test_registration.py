import asyncio
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address, Consent, Draft, Person, Profile, Request
from services import addresses, consent, drafts, threads
from services.errors import IncompleteForm
from services.registration import (
    FIELDS,
    FORM,
    RegistrationAnswers,
    begin_again,
    find_registration,
    register,
)
from services.request_queue import list_requests
from tests.support import Database, save_draft

ANSWERS: dict[str, Any] = {
    "consent": "registration-1",
    "name": " សុខា ",
    "age": 34,
    "sex": "female",
    "province": "22",
    "district": "2201",
    "commune": "220101",
    "phone_e164": "+85512345678",
    "wanted_provinces": ["22", "12", "22"],
    "sectors": ["garment", "services"],
    "salary": {"amount": 250, "currency": "USD"},
}


async def _fill(session: AsyncSession, now: datetime, **changed: Any) -> Address:
    address = await addresses.get_or_create(session, "telegram", "42", now=now)
    await save_draft(session, address.id, FORM, ANSWERS | changed)
    return address


async def _count(session: AsyncSession, model: type[Any]) -> int:
    return await session.scalar(select(func.count()).select_from(model)) or 0


async def test_a_whole_form_becomes_a_person_a_profile_and_a_request(
    session: AsyncSession, now: datetime
) -> None:
    address = await _fill(session, now)
    await consent.record(session, address, "service", True, "1", now=now)
    request = await register(session, address, now=now)

    person = await session.get_one(Person, request.person_id)
    assert (person.name, person.sex, person.phone) == ("សុខា", "female", "+85512345678")
    assert (person.birth_year, person.birth_year_estimated) == (1992, True)
    assert (person.home_code, person.centre_id) == ("220101", "oddar-meanchey")
    profile = await session.get_one(Profile, person.id)
    assert (profile.wanted_provinces, profile.sectors) == (["22", "12"], ["garment", "services"])
    assert (profile.expected_salary, profile.salary_currency) == (250, "USD")
    assert (request.topic, request.centre_id) == ("registration", "oddar-meanchey")
    assert (await session.get_one(Address, address.id)).person_id == person.id
    agreed = (await session.scalars(select(Consent))).one()
    await session.refresh(agreed)
    assert (agreed.person_id, agreed.centre_id) == (person.id, "oddar-meanchey")
    assert await drafts.find_draft(session, address.id, FORM) is None


async def test_the_request_waits_with_the_name_and_the_commune(
    session: AsyncSession, now: datetime
) -> None:
    await register(session, await _fill(session, now), now=now)
    (line,) = await list_requests(session)
    assert (line.name, line.home) == ("សុខា", "ឃុំអន្លង់វែង, ឧត្តរមានជ័យ")
    assert (line.channel, line.created_at) == ("telegram", now)


async def test_a_hundred_presses_at_once_make_one_request(db: Database, now: datetime) -> None:
    async with db.new_session.begin() as session:
        address = await _fill(session, now)

    async def confirm() -> str:
        async with db.new_session.begin() as session:
            return (await register(session, address, now=now)).code

    codes = await asyncio.gather(*(confirm() for _ in range(100)))
    assert len(set(codes)) == 1
    async with db.new_session() as session:
        counts = [await _count(session, model) for model in (Request, Person, Profile, Draft)]
    assert counts == [1, 1, 1, 0]


async def test_confirming_again_later_gives_the_same_request(
    session: AsyncSession, now: datetime
) -> None:
    address = await _fill(session, now)
    first = await register(session, address, now=now)
    assert await register(session, address, now=now) is first
    first.state = "done"
    assert (await register(session, address, now=now)).code == first.code


async def test_a_second_form_updates_the_person_and_joins_the_waiting_request(
    session: AsyncSession, now: datetime
) -> None:
    first = await register(session, await _fill(session, now), now=now)
    moved = {"province": "13", "district": "1301", "commune": "130101"}
    address = await _fill(session, now, name="Sokha", phone_e164=None, **moved)
    second = await register(session, address, now=now)
    assert second.code == first.code
    assert second.centre_id == "preah-vihear"
    kinds = [event.kind for event in await session.scalars(second.events.select())]
    assert kinds == ["opened", "resubmitted"]
    person = (await session.scalars(select(Person))).one()
    assert (person.name, person.phone, person.centre_id) == ("Sokha", None, "preah-vihear")


async def test_a_second_form_after_staff_took_the_first_is_a_new_request(
    session: AsyncSession, now: datetime
) -> None:
    first = await register(session, await _fill(session, now), now=now)
    first.state = "taken"
    second = await register(session, await _fill(session, now), now=now)
    assert second.code != first.code
    assert second.person_id == first.person_id


async def test_an_sms_address_tells_its_own_number(session: AsyncSession, now: datetime) -> None:
    address = await addresses.get_or_create(session, "sms", "+85599000111", now=now)
    told = {field: value for field, value in ANSWERS.items() if field != "phone_e164"}
    await save_draft(session, address.id, FORM, told)
    request = await register(session, address, now=now)
    assert (await session.get_one(Person, request.person_id)).phone == "+85599000111"


async def test_a_number_abroad_counts_where_there_is_none_in_cambodia(
    session: AsyncSession, now: datetime
) -> None:
    thai = {"phone_abroad": "+66812345678"}
    request = await register(session, await _fill(session, now, phone_e164=None, **thai), now=now)
    assert (await session.get_one(Person, request.person_id)).phone == "+66812345678"
    address = await _fill(session, now, phone_e164="+85512345678", **thai)
    request = await register(session, address, now=now)
    assert (await session.get_one(Person, request.person_id)).phone == "+85512345678"


@pytest.mark.parametrize("field", FIELDS)
async def test_a_missing_answer_is_named_and_nothing_is_written(
    session: AsyncSession, now: datetime, field: str
) -> None:
    address = await addresses.get_or_create(session, "telegram", "42", now=now)
    told = {name: value for name, value in ANSWERS.items() if name != field}
    await save_draft(session, address.id, FORM, told)
    with pytest.raises(IncompleteForm) as caught:
        await register(session, address, now=now)
    assert caught.value.fields == (field,)
    assert await _count(session, Person) == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "  "),
        ("name", "x" * 101),
        ("age", True),
        ("age", 7),
        ("age", "34"),
        ("sex", "F"),
        ("phone_e164", "012345678"),
        ("district", "1503"),
        ("commune", "229999"),
        ("commune", "2201"),
        ("wanted_provinces", ["99"]),
        ("wanted_provinces", ["2201"]),
        ("wanted_provinces", "22"),
        ("sectors", ["'; DROP"]),
        ("sectors", None),
        ("salary", {"amount": 250, "currency": "THB"}),
        ("salary", {"amount": -1, "currency": "USD"}),
        ("salary", 250),
    ],
)
async def test_an_unusable_answer_is_named(
    session: AsyncSession, now: datetime, field: str, value: Any
) -> None:
    address = await _fill(session, now, **{field: value})
    with pytest.raises(IncompleteForm) as caught:
        await register(session, address, now=now)
    assert field in caught.value.fields


async def test_nothing_told_is_an_answer_too(session: AsyncSession, now: datetime) -> None:
    nothing = dict.fromkeys(["age", "district", "commune", "phone_e164", "salary"])
    address = await _fill(session, now, wanted_provinces=[], sectors=[], **nothing)
    request = await register(session, address, now=now)
    profile = await session.get_one(Profile, request.person_id)
    assert (profile.expected_salary, profile.sectors) == (None, [])
    person = await session.get_one(Person, request.person_id)
    assert (person.home_code, person.birth_year, person.phone) == ("22", None, None)
    (line,) = await list_requests(session)
    assert line.home is not None
    assert line.home.count("ឧត្តរមានជ័យ") == 1


async def test_a_commune_is_not_taken_without_its_district(
    session: AsyncSession, now: datetime
) -> None:
    address = await _fill(session, now, district=None)
    with pytest.raises(IncompleteForm) as caught:
        await register(session, address, now=now)
    assert caught.value.fields == ("commune",)


async def test_without_a_form_there_is_nothing_to_register(
    session: AsyncSession, now: datetime
) -> None:
    address = await addresses.get_or_create(session, "telegram", "42", now=now)
    with pytest.raises(IncompleteForm) as caught:
        await register(session, address, now=now)
    assert caught.value.fields == FIELDS


SCALAR = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
JSON = SCALAR | st.lists(SCALAR) | st.dictionaries(st.sampled_from(["amount", "currency"]), SCALAR)


@settings(deadline=None, max_examples=50)
@given(st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_whatever_is_in_a_draft_it_is_read_or_refused(answers: dict[str, Any]) -> None:
    try:
        RegistrationAnswers.parse(answers)
    except IncompleteForm as error:
        assert set(error.fields) <= set(FIELDS)


async def test_what_was_asked_before_registering_has_a_name_then(
    session: AsyncSession, now: datetime
) -> None:
    address = await _fill(session, now)
    asked = await threads.talk(session, address, "hello", now=now)
    stranger = await addresses.get_or_create(session, "telegram", "43", now=now)
    others = await threads.talk(session, stranger, "hello", now=now)
    centre = asked.centre_id
    registered = await register(session, address, now=now)
    await session.refresh(asked)
    await session.refresh(others)
    assert registered.centre_id != centre
    assert (asked.person_id, asked.centre_id) == (registered.person_id, centre)
    assert others.person_id is None


async def _withdrawn(session: AsyncSession, now: datetime) -> tuple[Address, Request]:
    address = await _fill(session, now)
    await consent.record(session, address, "service", True, "1", now=now)
    first = await register(session, address, now=now)
    await threads.withdraw(session, address, first.code, now=now)
    return address, first


async def test_a_registration_that_was_withdrawn_is_none(
    session: AsyncSession, now: datetime
) -> None:
    address, _ = await _withdrawn(session, now)
    assert await find_registration(session, address.id) is None
    with pytest.raises(IncompleteForm):
        await register(session, address, now=now)


async def test_registering_again_opens_a_new_request_of_what_is_known(
    session: AsyncSession, now: datetime
) -> None:
    address, first = await _withdrawn(session, now)
    draft = await begin_again(session, address)
    assert draft.answers["name"] == "សុខា"
    second = await register(session, address, now=now)
    assert (second.code != first.code, second.state) == (True, "new")
    assert (first.state, second.person_id) == ("withdrawn", first.person_id)
    assert await find_registration(session, address.id) is second
    assert await _count(session, Person) == 1


async def test_whoever_agrees_no_more_is_asked_before_registering_again(
    session: AsyncSession, now: datetime
) -> None:
    address, _ = await _withdrawn(session, now)
    await consent.record(session, address, "service", False, "1", now=now)
    await begin_again(session, address)
    with pytest.raises(IncompleteForm) as caught:
        await register(session, address, now=now)
    assert caught.value.fields == ("consent",)
