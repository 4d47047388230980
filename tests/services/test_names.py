from datetime import date

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address, Person, PersonName, Request
from services import addresses, demo, my_data, names, registration, requests
from tests.services.centre_at_work import FRIDAY, write_from


async def _ask_as(session: AsyncSession, name: str, value: str = "42") -> Request:
    """The request of somebody who is called so."""
    address = await write_from(session, value)
    person = Person(centre_id="pursat", name=name, sex="female", home_code="150301")
    person.tell_age(30, date(2026, 11, 20))
    session.add(person)
    await names.index(session, person)
    address.person_id = person.id
    return await requests.open_request(session, address, "talk", centre_id="pursat", now=FRIDAY)


async def _find(session: AsyncSession, typed: str) -> list[str]:
    query = (
        select(Request.code).where(*names.is_called(typed, Request.person_id)).order_by(Request.id)
    )
    return list(await session.scalars(query))


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("សុខា ចាន់", "សុខា"),
        ("សុខា ចាន់", "ចាន់ សុខា"),
        ("សុខា ចាន់", "សុខ"),
        ("សុខា ចាន់", "សុខាចាន់"),
        ("សុខា ចាន់", "សុខា ចាន"),
        ("សុខា ចាន់", "សុខ ចាន់"),
        ("សុខាចាន់", "សុខា"),
        ("លី សុខ", "លី"),
        ("សំអាង", "សម្អាង"),
        ("Sok Chantha", "chan"),
        ("Sok Chantha", "SOK CHANTHA"),
        ("Sok Chantha", "sokchantha"),
        ("Sok-Chantha", "chantha"),
        ("Séréy", "serey"),
        ("Wongsawatworakul", "Wongsawatworakul"),
    ],
)
async def test_a_name_is_found_by_its_words_and_their_beginnings(
    session: AsyncSession, name: str, typed: str
) -> None:
    request = await _ask_as(session, name)
    assert await _find(session, typed) == [request.code]


@pytest.mark.parametrize("typed", ["ខាច", "ចាន់ សុភា", "so", "ok", "chan dara", "sokx"])
async def test_what_is_no_beginning_of_a_word_finds_nobody(
    session: AsyncSession, typed: str
) -> None:
    await _ask_as(session, "សុខា ចាន់")
    await _ask_as(session, "Sok Chantha", "43")
    assert await _find(session, typed) == []


def test_what_is_no_word_has_no_key() -> None:
    assert names.list_typed_keys(" …‎ -- ") == []


async def test_registering_makes_findable_and_a_correction_finds_by_the_new_name_alone(
    session: AsyncSession,
) -> None:
    await demo.load(session, now=FRIDAY)
    address = await addresses.find(session, "telegram", "-1")
    assert address is not None
    assert len(await _find(session, "សុខា")) == 1
    draft = await registration.begin_correction(session, address)
    draft.answers = {**draft.answers, "name": "ស្រីមុំ"}
    await registration.register(session, address, now=FRIDAY)
    assert await _find(session, "សុខា") == []
    assert len(await _find(session, "ស្រីមុំ")) == 1


async def test_who_was_registered_before_is_filled_in_once(session: AsyncSession) -> None:
    for number in range(3):
        person = Person(centre_id="pursat", name=f"Dara {number}", sex="male", home_code="150301")
        session.add(person)
    session.add(Person(centre_id="pursat", name="???", sex="male", home_code="150301"))
    await session.flush()
    assert await names.fill(session) == 4
    assert await names.fill(session) == 0


async def test_deleting_a_person_deletes_what_they_are_found_by(session: AsyncSession) -> None:
    await _ask_as(session, "សុខា ចាន់")
    address = (await session.scalars(select(Address))).one()
    await my_data.delete_everything(session, address, now=FRIDAY)
    assert await session.scalar(select(func.count()).select_from(PersonName)) == 0


async def test_no_key_tells_the_name(session: AsyncSession) -> None:
    keys = names.list_keys("Sok")
    assert keys and all(b"sok" not in key and len(key) == 12 for key in keys)
