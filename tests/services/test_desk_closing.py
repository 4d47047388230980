"""Many are closed at once: seen before, taken back after, and nobody is asked by the dozen."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.engine import create_engine, new_session_factory
from db.models import Address, AuditRow, OutboxRow, Request, RequestEvent
from services import addresses, requests, staff, threads
from services.accounts.types import Visitor
from services.acting import acting
from services.desk_bulk import Bulk
from services.desk_closing import (
    ASK_AGAIN_AFTER,
    UNDO_WITHIN,
    AskedAlready,
    ClosingLine,
    UndoOver,
    close_many,
    count_asked,
    find_undoable,
    look,
    undo_many,
)
from services.desk_requests import Move, do
from services.desk_requests.rights import get_staff
from services.errors import ChangedMeanwhile, MoveNotAllowed, RequestNotFound
from tests.served_app import until
from tests.services.centre_at_work import FRIDAY, PlainWords, write_from
from tests.services.desk_visitors import ask, register, visit
from tests.support import Database, waits_for_lock

NewSession = async_sessionmaker[AsyncSession]
SOON = FRIDAY + timedelta(minutes=5)
ONCE = FRIDAY + UNDO_WITHIN


@pytest.fixture
async def desk(db: Database) -> NewSession:
    """The desk's own sessions: of no centre by themselves."""
    return new_session_factory(create_engine(db.url, centre=None, pool_size=0))


@pytest.fixture
async def me(db: Database) -> Visitor:
    async with db.new_session.begin() as session:
        return await visit(session)


async def _open(
    db: Database,
    value: str,
    channel: str = "telegram",
    topic: str = "talk",
    centre: str = "pursat",
) -> str:
    async with db.new_session.begin() as session:
        address = await write_from(session, value, channel)
        opened = await requests.open_request(session, address, topic, centre_id=centre, now=FRIDAY)
        return opened.code


async def _answer(db: Database, me: Visitor, *codes: str) -> None:
    async with db.new_session.begin() as session:
        person = await get_staff(session, me)
        for code in codes:
            await threads.reply(
                session, code, "hello", staff=person, words=PlainWords(), now=FRIDAY
            )


async def _look(desk: NewSession, me: Visitor, *codes: str) -> Sequence[ClosingLine]:
    async with acting(desk, me) as session:
        return (await look(session, me, codes, now=FRIDAY)).lines


async def _close(
    desk: NewSession, me: Visitor, *codes: str, drawn: datetime = FRIDAY, now: datetime = FRIDAY
) -> Bulk:
    return await close_many(desk, me, codes, "helped", words=PlainWords(), drawn=drawn, now=now)


async def _undo(desk: NewSession, me: Visitor, *codes: str, now: datetime = SOON) -> Bulk:
    return await undo_many(desk, me, codes, drawn=FRIDAY, now=now)


async def _can_undo(desk: NewSession, me: Visitor, *codes: str, now: datetime = SOON) -> list[str]:
    async with acting(desk, me) as session:
        found = await find_undoable(session, me, codes, drawn=FRIDAY, now=now)
        return [] if found is None else list(found.codes)


async def _questions(db: Database) -> list[OutboxRow]:
    query = select(OutboxRow).where(OutboxRow.purpose == "follow_up").order_by(OutboxRow.id)
    async with db.new_session() as session:
        return list(await session.scalars(query))


async def _asked(db: Database) -> dict[str, datetime]:
    """From when on the people of closed requests are asked whether help came."""
    query = (
        select(Request.code, OutboxRow.not_before)
        .join(RequestEvent, RequestEvent.request_id == Request.id)
        .join(OutboxRow, OutboxRow.id == RequestEvent.outbox_id)
        .where(RequestEvent.kind == "done")
    )
    async with db.new_session() as session:
        return {row.code: row.not_before for row in await session.execute(query)}


async def _states(db: Database) -> list[str]:
    async with db.new_session() as session:
        return list(await session.scalars(select(Request.state).order_by(Request.id)))


async def _stand(db: Database) -> list[tuple[Any, ...]]:
    """How the requests stand, for the queue and for the clock."""
    query = select(
        *(Request.state, Request.owner_id, Request.due_at, Request.climb_at, Request.climbed_to),
        *(Request.last_staff_at, Request.outcome, Request.answer_by),
    ).order_by(Request.id)
    async with db.new_session() as session:
        return [tuple(row) for row in await session.execute(query)]


async def test_who_was_never_answered_and_who_is_asked_is_seen_before(
    db: Database, desk: NewSession, me: Visitor
) -> None:
    answered, ignored, by_sms = (
        await _open(db, "42"),
        await _open(db, "43"),
        await _open(db, "+85512345678", "sms"),
    )
    stopped = await _open(db, "44")
    await _answer(db, me, answered, by_sms)
    async with db.new_session.begin() as session:
        address = await session.scalar(
            select(Address.id)
            .join(Request, Request.address_id == Address.id)
            .where(Request.code == stopped)
        )
        assert address is not None
        await addresses.stop(session, address, now=SOON)
    lines = await _look(desk, me, answered, ignored, by_sms, stopped)
    assert [(line.code, line.is_answered, line.channel) for line in lines] == [
        (stopped, False, None),
        (by_sms, True, "sms"),
        (ignored, False, "telegram"),
        (answered, True, "telegram"),
    ]
    assert count_asked(lines) == {"telegram": 2, "sms": 1}
    assert set(await _states(db)) <= {"new", "taken"}
    assert await _questions(db) == []


async def test_who_was_rung_in_vain_is_not_answered(
    db: Database, desk: NewSession, me: Visitor
) -> None:
    in_vain, wrong, spoken = [await _open(db, str(number)) for number in range(3)]
    calls = [(in_vain, "not_reached"), (wrong, "wrong_number"), (spoken, "not_reached")]
    async with db.new_session.begin() as session:
        person = await get_staff(session, me)
        for code, result in (*calls, (spoken, "reached")):
            await threads.note_call(session, code, result, staff=person, now=FRIDAY)
    lines = await _look(desk, me, in_vain, wrong, spoken)
    assert [(line.code, line.is_plain, line.was_rung) for line in lines] == [
        (spoken, True, False),
        (wrong, False, True),
        (in_vain, False, True),
    ]


async def test_looking_names_what_is_closed_or_not_theirs(
    db: Database, desk: NewSession, me: Visitor
) -> None:
    code = await _open(db, "42")
    await _close(desk, me, code)
    async with db.new_session.begin() as session:
        stranger = await visit(session, "Chan", centre="preah-vihear")
    async with acting(desk, me) as session:
        (closed,) = (await look(session, me, [code], now=FRIDAY)).undone
    async with acting(desk, stranger) as session:
        (hidden,) = (await look(session, stranger, [code], now=FRIDAY)).undone
    assert isinstance(closed.error, MoveNotAllowed)
    assert isinstance(hidden.error, RequestNotFound)


async def test_a_person_with_several_is_asked_about_one_a_day_the_newest_first(
    db: Database, desk: NewSession, me: Visitor
) -> None:
    first, second = await _open(db, "42"), await _open(db, "42", topic="call")
    other = await _open(db, "43")
    lines = await _look(desk, me, first, second, other)
    assert [(line.code, line.is_later) for line in lines] == [
        (other, False),
        (second, False),
        (first, True),
    ]
    await _close(desk, me, first, second, other)
    assert await _asked(db) == {second: ONCE, other: ONCE, first: ONCE + ASK_AGAIN_AFTER}


async def test_who_was_asked_by_another_centre_is_asked_by_this_one_later(
    db: Database, desk: NewSession, me: Visitor
) -> None:
    here = await _open(db, "42")
    there = await _open(db, "42", topic="call", centre="preah-vihear")
    async with db.new_session.begin() as session:
        chan = await visit(session, "Chan", centre="preah-vihear")
    await _close(desk, chan, there)
    (line,) = await _look(desk, me, here)
    assert line.is_later
    await _close(desk, me, here)
    assert await _asked(db) == {there: ONCE, here: ONCE + ASK_AGAIN_AFTER}


async def test_of_two_phones_closed_at_once_one_is_asked_later(
    db: Database, desk: NewSession, me: Visitor
) -> None:
    async with db.new_session.begin() as session:
        one = await register(session)
        other = await write_from(session, "42")
        other.person_id = one.person_id
        first = (await ask(session, one)).code
        opened = await requests.open_request(session, other, "call", centre_id="pursat", now=FRIDAY)
        second = opened.code
    async with acting(desk, me) as session:
        form = Move("finish", "helped", ask_from=ONCE)
        await do(session, me, first, form, words=PlainWords(), now=FRIDAY)
        closing = asyncio.create_task(_close(desk, me, second))
        async with db.new_session() as looking:
            await until(lambda: closing.done() or waits_for_lock(looking))
    await closing
    assert await _asked(db) == {first: ONCE, second: ONCE + ASK_AGAIN_AFTER}


async def test_who_is_asked_about_what_is_ticked_already_is_not_said_to_be_asked_later(
    db: Database, desk: NewSession, me: Visitor
) -> None:
    """The newer one waits for a second look: whether it is closed nobody knows."""
    answered, ignored = await _open(db, "42"), await _open(db, "42", topic="call")
    await _answer(db, me, answered)
    lines = await _look(desk, me, answered, ignored)
    assert [(line.code, line.is_later) for line in lines] == [(ignored, True), (answered, False)]
    assert count_asked([line for line in lines if line.is_plain]) == {"telegram": 1}
    await _close(desk, me, answered)
    assert await _asked(db) == {answered: ONCE}


async def test_a_closing_is_taken_back_and_nobody_is_asked(
    db: Database, desk: NewSession, me: Visitor
) -> None:
    codes = [await _open(db, "42"), await _open(db, "43")]
    await _close(desk, me, *codes)
    assert await _can_undo(desk, me, *codes) == codes
    for _ in range(2):  # the form may come again
        undone = await _undo(desk, me, *codes)
        assert (undone.done, undone.undone) == (codes, [])
    assert await _can_undo(desk, me, *codes) == []
    assert await _states(db) == ["new", "new"]
    assert {row.state for row in await _questions(db)} == {"withheld"}
    async with db.new_session() as session:
        kinds = list(await session.scalars(select(RequestEvent.kind)))
        audited = select(AuditRow.action).where(AuditRow.action.in_(["reopened", "repeated"]))
        assert sorted(await session.scalars(audited)) == ["reopened"] * 2 + ["repeated"] * 2
    assert kinds.count("reopened") == 2
    again = await _close(desk, me, *codes)  # and the first form again
    assert [type(one.error) for one in again.undone] == [ChangedMeanwhile] * 2
    assert (again.done, await _states(db)) == ([], ["new", "new"])


async def test_what_is_taken_back_stands_as_it_stood(
    db: Database, desk: NewSession, me: Visitor
) -> None:
    """Who has waited for days goes on waiting, and whoever only closed it does not have it."""
    overdue, waiting, answered = [await _open(db, str(number)) for number in range(3)]
    async with db.new_session.begin() as session:
        dara = await get_staff(session, await visit(session, "Dara"))
        await threads.wait_for_others(session, waiting, staff=dara, now=FRIDAY)
        await threads.take(session, answered, staff=dara, now=FRIDAY)
        late = FRIDAY - timedelta(days=2)
        climbed = {"due_at": late, "climb_at": late, "climbed_to": "manager"}
        await session.execute(update(Request).where(Request.code == overdue).values(climbed))
    await _answer(db, me, answered)
    before = await _stand(db)
    await _close(desk, me, overdue, waiting, answered)
    assert await _stand(db) != before
    assert (await _undo(desk, me, overdue, waiting, answered)).undone == []
    assert await _stand(db) == before
    await _close(desk, me, overdue, waiting, answered, drawn=SOON, now=SOON)
    assert await _states(db) == ["done"] * 3


async def test_what_nobody_has_any_more_is_opened_for_anybody(
    db: Database, desk: NewSession, me: Visitor
) -> None:
    code = await _open(db, "42")
    async with db.new_session.begin() as session:
        dara = await get_staff(session, await visit(session, "Dara"))
        await threads.wait_for_others(session, code, staff=dara, now=FRIDAY)
    await _close(desk, me, code)
    async with db.new_session.begin() as session:
        dara = await staff.get(session, dara.id)
        await staff.end(session, dara, now=SOON)
    await _undo(desk, me, code)
    ((state, owner_id, due_at, *_),) = await _stand(db)
    assert (state, owner_id, due_at is None) == ("reopened", None, False)


async def test_what_has_happened_since_stays(db: Database, desk: NewSession, me: Visitor) -> None:
    asked, noted, never = [await _open(db, str(number)) for number in range(3)]
    await _close(desk, me, asked, noted)
    async with db.new_session.begin() as session:
        event = select(RequestEvent.outbox_id).join(Request, Request.id == RequestEvent.request_id)
        row = event.where(Request.code == asked, RequestEvent.kind == "done").scalar_subquery()
        await session.execute(update(OutboxRow).where(OutboxRow.id == row).values(state="sent"))
        person = await get_staff(session, me)
        await threads.add_note(session, noted, "a note", staff=person, now=SOON)
    assert await _can_undo(desk, me, asked, noted, never) == []
    undone = await _undo(desk, me, asked, noted, never)
    assert undone.done == []
    assert [type(one.error) for one in undone.undone] == [
        AskedAlready,
        ChangedMeanwhile,
        MoveNotAllowed,
    ]
    assert await _states(db) == ["done", "done", "new"]


async def test_nobody_waits_for_a_question_that_is_just_going_out(
    db: Database, desk: NewSession, me: Visitor
) -> None:
    code = await _open(db, "42")
    await _close(desk, me, code)
    async with db.new_session.begin() as delivery:
        await delivery.execute(select(OutboxRow.id).with_for_update())
        async with asyncio.timeout(5):
            (undone,) = (await _undo(desk, me, code)).undone
    assert isinstance(undone.error, AskedAlready)
    assert await _states(db) == ["done"]


async def test_after_ten_minutes_it_is_too_late(
    db: Database, desk: NewSession, me: Visitor
) -> None:
    code = await _open(db, "42")
    await _close(desk, me, code)
    late = FRIDAY + UNDO_WITHIN
    assert await _can_undo(desk, me, code, now=late) == []
    (undone,) = (await _undo(desk, me, code, now=late)).undone
    assert isinstance(undone.error, UndoOver)


async def test_who_works_elsewhere_now_is_offered_nothing_of_what_they_closed(
    db: Database, desk: NewSession, me: Visitor
) -> None:
    code = await _open(db, "42")
    await _close(desk, me, code)
    moved = replace(me, centre_id="preah-vihear")
    async with db.new_session() as session:  # which row-level security keeps nothing from
        assert await find_undoable(session, me, [code], drawn=FRIDAY, now=SOON) is not None
        assert await find_undoable(session, moved, [code], drawn=FRIDAY, now=SOON) is None


async def test_nobody_takes_back_what_a_colleague_closed(
    db: Database, desk: NewSession, me: Visitor
) -> None:
    code = await _open(db, "42")
    await _close(desk, me, code)
    async with db.new_session.begin() as session:
        dara, chan = (
            await visit(session, "Dara"),
            await visit(session, "Chan", centre="preah-vihear"),
        )
    assert await _can_undo(desk, dara, code) == []
    (theirs,) = (await _undo(desk, dara, code)).undone
    (hidden,) = (await _undo(desk, chan, code)).undone
    assert isinstance(theirs.error, MoveNotAllowed)
    assert isinstance(hidden.error, RequestNotFound)
    assert await _states(db) == ["done"]
