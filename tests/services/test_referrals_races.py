"""Two at once: staff and the person, two of staff, an agency that changes, and a deletion in the
midst of it."""

import asyncio
from collections import Counter
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address, OutboxRow, Question, Referral, Request, RequestEvent
from services import agencies, my_data, questions, undelivered
from services.accounts.types import Visitor
from services.agencies import AgencyForm
from services.errors import DomainError
from tests.served_app import until
from tests.services.centre_at_work import FRIDAY
from tests.services.desk_visitors import ask, see_as, visit
from tests.services.referred import agency_of, begin, do, make_agency, only_referral, wanted
from tests.support import Database, waits_for_lock

LATER = FRIDAY + timedelta(minutes=1)


async def _asked(db: Database) -> tuple[Visitor, Visitor, Request, int]:
    """Two of staff, and a question that the person was asked."""
    async with db.new_session.begin() as session:
        one, other = await visit(session), await visit(session, "Sao")
        request = await ask(session)
        await begin(session, one, request, wanted(await make_agency(session)))
        return one, other, request, (await only_referral(session)).id


async def _answer(session: AsyncSession, request: Request, n: int) -> str:
    address = await session.get_one(Address, request.address_id)
    question = (await session.scalars(select(Question))).one()
    answered = await questions.answer(session, address, question.id, n, now=FRIDAY)
    return answered.referral or ""


async def _step(db: Database, visitor: Visitor, request: Request, name: str) -> str:
    try:
        async with db.new_session.begin() as session:
            await do(session, visitor, request, await only_referral(session), name)
    except DomainError as error:
        return type(error).__name__
    return name


async def test_a_yes_that_comes_while_staff_end_it_opens_nothing(db: Database) -> None:
    one, _, request, _ = await _asked(db)

    async def say_yes() -> str:
        async with db.new_session.begin() as session:
            return await _answer(session, request, 1)

    said, did = await asyncio.gather(say_yes(), _step(db, one, request, "end"))
    assert (said, did) in (("agreed", "end"), ("ended", "end"))
    async with db.new_session() as session:
        assert (await only_referral(session)).state == "ended"
    assert await _step(db, one, request, "give") == "MoveNotAllowed"


async def test_of_two_who_hand_over_at_once_one_does(db: Database) -> None:
    one, other, request, _ = await _asked(db)
    async with db.new_session.begin() as session:
        await _answer(session, request, 1)
    did = await asyncio.gather(*(_step(db, each, request, "give") for each in (one, other)))
    assert Counter(did) == Counter(["give", "MoveNotAllowed"])
    async with db.new_session() as session:
        given = select(RequestEvent).where(RequestEvent.kind == "referral_given")
        assert len((await session.scalars(given)).all()) == 1
        assert len((await session.scalars(select(OutboxRow))).all()) == 2


async def test_one_form_sent_four_times_at_once_asks_once(db: Database) -> None:
    async with db.new_session.begin() as session:
        visitor, request = await visit(session), await ask(session)
        agency = await make_agency(session)

    async def send() -> bool:
        async with db.new_session.begin() as session:
            return (await begin(session, visitor, request, wanted(agency))).again

    assert sorted(await asyncio.gather(*(send() for _ in range(4)))) == [False, True, True, True]


async def _make_sensitive(db: Database, agency_id: int) -> None:
    async with db.new_session.begin() as session:
        chief = await visit(session, "Chief", "administrator", None)
        await see_as(session, chief)
        line = await agencies.get(session, agency_id)
        form = AgencyForm(line.name_km, line.name_en, purposes=line.purposes, is_sensitive=True)
        await agencies.save(session, chief, agency_id, form, seen=line.updated_at, now=LATER)


async def _states_of_messages(db: Database) -> list[str]:
    async with db.new_session() as session:
        return list(await session.scalars(select(OutboxRow.state).order_by(OutboxRow.id)))


async def test_no_question_slips_past_an_agency_that_becomes_sensitive(db: Database) -> None:
    """Whoever asks has read the agency, and is kept from going on by who holds the question before;
    the agency changes only when they are done, and finds what they have asked."""
    one, _, request, referral_id = await _asked(db)
    async with db.new_session() as session:
        agency = await agency_of(session, await session.get_one(Referral, referral_id))

    async def ask_anew() -> None:
        async with db.new_session.begin() as session:
            await begin(session, one, request, wanted(agency, need="something else"))

    async with db.new_session.begin() as holder:
        await holder.execute(select(OutboxRow.id).with_for_update())
        asking = asyncio.create_task(ask_anew())
        await until(lambda: waits_for_lock(holder))
        changing = asyncio.create_task(_make_sensitive(db, agency.id))
        await until(lambda: waits_for_lock(holder, 2))
    await asyncio.gather(asking, changing)
    assert await _states_of_messages(db) == ["withheld", "withheld"]


async def test_nor_one_that_is_sent_again_in_that_moment(db: Database) -> None:
    _, _, _, referral_id = await _asked(db)
    async with db.new_session.begin() as session:
        agency_id = (await session.get_one(Referral, referral_id)).agency_id
        await session.execute(update(OutboxRow).values(state="failed"))
        [row_id] = await session.scalars(select(OutboxRow.id))
    async with db.new_session.begin() as again, db.new_session() as looking:
        assert await undelivered.try_again(again, [row_id], LATER) == {row_id}
        changing = asyncio.create_task(_make_sensitive(db, agency_id))
        while not changing.done() and not await waits_for_lock(looking):
            pass
    await changing
    assert await _states_of_messages(db) == ["withheld"]


async def test_who_deletes_everything_meanwhile_leaves_nothing_to_give(db: Database) -> None:
    one, _, request, _ = await _asked(db)
    async with db.new_session.begin() as session:
        await _answer(session, request, 1)

    async def delete() -> str:
        async with db.new_session.begin() as session:
            address = await session.get_one(Address, request.address_id)
            await my_data.delete_everything(session, address, now=FRIDAY)
        return "deleted"

    did = await asyncio.gather(delete(), _step(db, one, request, "give"))
    assert did[0] == "deleted"
    async with db.new_session() as session:
        assert (await session.scalars(select(Referral))).all() == []
        unsent = select(OutboxRow).where(OutboxRow.state == "waiting")
        assert (await session.scalars(unsent)).all() == []
