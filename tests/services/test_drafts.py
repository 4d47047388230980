import asyncio
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address
from services import addresses, drafts
from services.direct import direct_connection
from tests.support import Database, driver_of

FORM = "registration"


async def _address(session: AsyncSession, now: datetime) -> Address:
    return await addresses.get_or_create(session, "telegram", "42", now=now)


async def test_answers_are_kept_one_by_one(session: AsyncSession, now: datetime) -> None:
    address = await _address(session, now)
    assert await drafts.find_draft(session, address.id, FORM) is None
    driver = await driver_of(session)
    await drafts.save_answers(driver, address.id, FORM, {"name": "សុខា"}, step="age")
    told = await drafts.save_answers(driver, address.id, FORM, {"sectors": ["garment"]})
    assert told == {"name": "សុខា", "sectors": ["garment"]}
    draft = await drafts.find_draft(session, address.id, FORM)
    assert draft is not None
    assert draft.answers == told
    assert draft.step == "age"


async def test_a_changed_answer_makes_others_void(session: AsyncSession, now: datetime) -> None:
    address = await _address(session, now)
    driver = await driver_of(session)
    home = {"province": "15", "district": "1503", "commune": "150301", "name": "Demo"}
    await drafts.save_answers(driver, address.id, FORM, home)
    told = await drafts.save_answers(
        driver, address.id, FORM, {"province": "13"}, forget=("district", "commune")
    )
    assert told == {"province": "13", "name": "Demo"}


async def test_answers_given_at_the_same_moment_are_all_kept(db: Database, now: datetime) -> None:
    async with db.new_session.begin() as session:
        address = await _address(session, now)

    async def answer(number: int) -> None:
        async with direct_connection(db.engine) as connection:
            await drafts.save_answers(connection, address.id, FORM, {f"field_{number}": number})

    await asyncio.gather(*(answer(number) for number in range(40)))
    async with db.new_session() as session:
        draft = await drafts.find_draft(session, address.id, FORM)
    assert draft is not None
    assert draft.answers == {f"field_{number}": number for number in range(40)}


async def test_what_is_stored_of_an_answer_is_its_name_only(
    session: AsyncSession, now: datetime
) -> None:
    address = await _address(session, now)
    await drafts.save_answers(await driver_of(session), address.id, FORM, {"name": "Sokha"})
    stored = await session.scalar(text("SELECT answers::text FROM draft"))
    assert stored is not None
    assert "name" in stored
    assert "Sokha" not in stored


async def test_a_known_address_is_found_by_a_bare_statement(db: Database, now: datetime) -> None:
    async with db.new_session.begin() as session:
        made = await _address(session, now)
    async with direct_connection(db.engine) as connection:
        found = await addresses.find_known(connection, "telegram", "42")
        assert await addresses.find_known(connection, "sms", "42") is None
    assert found is not None
    assert (found.id, found.channel, found.value) == (made.id, "telegram", "42")
    assert not addresses.is_noted(found, now)
