import asyncio
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address
from services import addresses, drafts
from tests.support import Database

FORM = "registration"


async def _address(session: AsyncSession, now: datetime) -> Address:
    return await addresses.get_or_create(session, "telegram", "42", now=now)


async def test_answers_are_kept_one_by_one(session: AsyncSession, now: datetime) -> None:
    address = await _address(session, now)
    assert await drafts.find_draft(session, address.id, FORM) is None
    first = await drafts.save_answer(session, address.id, FORM, "name", "សុខា", step="age")
    second = await drafts.save_answer(session, address.id, FORM, "sectors", ["garment"])
    assert second.id == first.id
    session.expunge_all()
    draft = await drafts.find_draft(session, address.id, FORM)
    assert draft is not None
    assert draft.answers == {"name": "សុខា", "sectors": ["garment"]}
    assert draft.step == "age"


async def test_a_changed_answer_makes_others_void(session: AsyncSession, now: datetime) -> None:
    address = await _address(session, now)
    home = {"province": "15", "district": "1503", "commune": "150301", "name": "Demo"}
    await drafts.save_answers(session, address.id, FORM, home)
    draft = await drafts.save_answer(
        session, address.id, FORM, "province", "13", forget=("district", "commune")
    )
    assert draft.answers == {"province": "13", "name": "Demo"}


async def test_a_step_is_kept_without_an_answer_and_a_form_can_be_dropped(
    session: AsyncSession, now: datetime
) -> None:
    address = await _address(session, now)
    assert (await drafts.set_step(session, address.id, FORM, "age")).answers == {}
    await drafts.discard(session, address.id, FORM)
    assert await drafts.find_draft(session, address.id, FORM) is None


async def test_answers_given_at_the_same_moment_are_all_kept(db: Database, now: datetime) -> None:
    async with db.new_session.begin() as session:
        address = await _address(session, now)

    async def answer(number: int) -> None:
        async with db.new_session.begin() as session:
            await drafts.save_answer(session, address.id, FORM, f"field_{number}", number)

    await asyncio.gather(*(answer(number) for number in range(40)))
    async with db.new_session() as session:
        draft = await drafts.find_draft(session, address.id, FORM)
    assert draft is not None
    assert draft.answers == {f"field_{number}": number for number in range(40)}


async def test_what_is_stored_of_an_answer_is_its_name_only(
    session: AsyncSession, now: datetime
) -> None:
    address = await _address(session, now)
    await drafts.save_answer(session, address.id, FORM, "name", "Sokha")
    stored = await session.scalar(text("SELECT answers::text FROM draft"))
    assert stored is not None
    assert "name" in stored
    assert "Sokha" not in stored


async def test_an_answer_costs_one_statement(
    session: AsyncSession, now: datetime, statements: list[str]
) -> None:
    address = await _address(session, now)
    statements.clear()
    await addresses.get_or_create(session, "telegram", "42", now=now)
    await drafts.find_draft(session, address.id, FORM)
    await drafts.save_answer(session, address.id, FORM, "name", "Sokha", step="age")
    assert len(statements) == 3
