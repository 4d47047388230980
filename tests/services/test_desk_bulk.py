"""One thing done with many requests: the rest is done although one cannot be."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.engine import create_engine, new_session_factory
from db.models import AuditRow, OutboxRow, Request, RequestEvent
from services import requests, threads
from services.accounts.types import Visitor
from services.desk_bulk import MOST, Bulk, assign_many
from services.desk_closing import close_many
from services.desk_requests.rights import get_staff
from services.errors import (
    AlreadyTaken,
    DomainError,
    MoveNotAllowed,
    NotAllowed,
    RequestNotFound,
    StaffNotFound,
    UnknownOutcome,
    WorksElsewhere,
)
from tests.services.centre_at_work import FRIDAY, PlainWords, write_from
from tests.services.desk_visitors import visit
from tests.support import Database

NewSession = async_sessionmaker[AsyncSession]
SOON = FRIDAY + timedelta(minutes=5)


@pytest.fixture
async def desk(db: Database) -> NewSession:
    """The desk's own sessions: of no centre by themselves."""
    return new_session_factory(create_engine(db.url, centre=None, pool_size=0))


@pytest.fixture
async def codes(db: Database) -> list[str]:
    """Two requests of Pursat, then one of another centre."""
    async with db.new_session.begin() as session:
        return [
            (
                await requests.open_request(
                    session, await write_from(session, centre), "talk", centre_id=centre, now=FRIDAY
                )
            ).code
            for centre in ("pursat", "pursat", "preah-vihear")
        ]


async def _visit(
    db: Database, name: str = "Sok", role: str = "case_worker", centre: str | None = "pursat"
) -> Visitor:
    async with db.new_session.begin() as session:
        return await visit(session, name, role, centre)


async def _close(
    desk: NewSession,
    visitor: Visitor,
    codes: list[str],
    outcome: str = "helped",
    drawn: datetime = FRIDAY,
) -> Bulk:
    return await close_many(
        desk, visitor, codes, outcome, words=PlainWords(), drawn=drawn, now=FRIDAY
    )


async def _assign(
    desk: NewSession,
    visitor: Visitor,
    codes: list[str],
    to: UUID,
    drawn: datetime = FRIDAY,
) -> Bulk:
    return await assign_many(desk, visitor, codes, to, drawn=drawn, now=drawn)


async def _ring_up(db: Database, visitor: Visitor, code: str) -> None:
    async with db.new_session.begin() as session:
        person = await get_staff(session, visitor)
        await threads.note_call(session, code, "not_reached", staff=person, now=FRIDAY)


async def _wait_for_others(db: Database, visitor: Visitor, code: str) -> None:
    async with db.new_session.begin() as session:
        person = await get_staff(session, visitor)
        await threads.wait_for_others(session, code, staff=person, now=FRIDAY)


async def _reply(db: Database, visitor: Visitor, code: str, at: datetime = FRIDAY) -> None:
    async with db.new_session.begin() as session:
        person = await get_staff(session, visitor)
        await threads.reply(session, code, "hello", staff=person, words=PlainWords(), now=at)


_Act = Callable[[Database, Visitor, str], Awaitable[None]]


def _errors(bulk: Bulk) -> list[tuple[str, type[DomainError]]]:
    return [(undone.code, type(undone.error)) for undone in bulk.undone]


async def _states(db: Database) -> list[str]:
    async with db.new_session() as session:
        return list(await session.scalars(select(Request.state).order_by(Request.id)))


async def test_what_cannot_be_closed_does_not_hold_up_the_rest(
    db: Database, desk: NewSession, codes: list[str]
) -> None:
    me = await _visit(db)
    first, second, elsewhere = codes
    bulk = await _close(desk, me, [elsewhere, first, "12345678", first, second])
    assert bulk.done == [first, second]
    assert _errors(bulk) == [(elsewhere, RequestNotFound), ("12345678", RequestNotFound)]
    assert await _states(db) == ["done", "done", "new"]


async def test_the_form_that_comes_again_asks_nobody_twice(
    db: Database, desk: NewSession, codes: list[str]
) -> None:
    me = await _visit(db)
    await _close(desk, me, codes[:2])
    again = await _close(desk, me, codes[:2])
    assert (again.done, again.undone) == (codes[:2], [])
    async with db.new_session() as session:
        assert len((await session.scalars(select(OutboxRow))).all()) == 2


async def test_what_a_colleague_closed_cannot_be_closed(
    db: Database, desk: NewSession, codes: list[str]
) -> None:
    await _close(desk, await _visit(db), codes[:1])
    late = await _close(desk, await _visit(db, "Dara"), codes[:1])
    assert _errors(late) == [(codes[0], MoveNotAllowed)]


async def test_what_was_reopened_since_is_closed_again(
    db: Database, desk: NewSession, codes: list[str]
) -> None:
    me = await _visit(db)
    await _close(desk, me, codes[:1])
    async with db.new_session.begin() as session:
        request = await requests.hold(session, codes[0])
        request.reopen("not_helped", now=FRIDAY, due=lambda _, at: at)
    await _close(desk, me, codes[:1])
    assert (await _states(db))[0] == "reopened"  # it was the form that had closed it
    await _close(desk, me, codes[:1], drawn=FRIDAY + timedelta(minutes=1))
    assert (await _states(db))[0] == "done"


async def test_many_are_given_to_a_colleague_of_their_centre(
    db: Database, desk: NewSession, codes: list[str]
) -> None:
    me, colleague = await _visit(db), await _visit(db, "Dara")
    for _ in range(2):  # the form may come again
        bulk = await _assign(desk, me, codes, colleague.staff_id)
        assert bulk.done == codes[:2]
        assert _errors(bulk) == [(codes[2], RequestNotFound)]
    async with db.new_session() as session:
        owners = list(await session.scalars(select(Request.owner_id).order_by(Request.id)))
        kinds = list(await session.scalars(select(RequestEvent.kind).order_by(RequestEvent.id)))
        audited = list(await session.scalars(select(AuditRow.action).order_by(AuditRow.id)))
    assert owners == [colleague.staff_id, colleague.staff_id, None]
    assert kinds.count("assigned") == 2
    assert [action for action in audited if action != "added"] == [
        "assigned",
        "assigned",
        "refused",
        "repeated",
        "repeated",
    ]


@pytest.mark.parametrize("act", [_ring_up, _wait_for_others, _reply])
async def test_what_a_colleague_began_with_since_stays_theirs(
    db: Database, desk: NewSession, codes: list[str], act: _Act
) -> None:
    me, dara = await _visit(db), await _visit(db, "Dara")
    await act(db, dara, codes[0])
    late = await _assign(desk, me, codes[:1], me.staff_id)
    assert _errors(late) == [(codes[0], AlreadyTaken)]


async def test_what_was_a_colleague_s_before_is_taken_from_them_whatever_they_did_since(
    db: Database, desk: NewSession, codes: list[str]
) -> None:
    me, dara = await _visit(db), await _visit(db, "Dara")
    await _ring_up(db, dara, codes[0])
    await _reply(db, dara, codes[0], at=SOON)
    assert (await _assign(desk, me, codes[:1], me.staff_id, SOON)).done == codes[:1]


async def test_what_was_given_back_since_is_given_again(
    db: Database, desk: NewSession, codes: list[str]
) -> None:
    me, colleague = await _visit(db), await _visit(db, "Dara")
    await _assign(desk, me, codes[:1], colleague.staff_id)
    async with db.new_session.begin() as session:
        (await requests.hold(session, codes[0])).owner_id = None
    await _assign(desk, me, codes[:1], colleague.staff_id, FRIDAY + timedelta(minutes=1))
    async with db.new_session() as session:
        query = select(Request.owner_id).where(Request.code == codes[0])
        assert await session.scalar(query) == colleague.staff_id


async def test_nobody_is_given_what_they_could_not_work_on(
    db: Database, desk: NewSession, codes: list[str]
) -> None:
    me, stranger = await _visit(db), await _visit(db, "Dara", centre="preah-vihear")
    there = await _assign(desk, me, codes[:1], stranger.staff_id)
    assert _errors(there) == [(codes[0], WorksElsewhere)]
    nobody = await _assign(desk, me, codes[:1], uuid4())
    assert _errors(nobody) == [(codes[0], StaffNotFound)]
    assert await _states(db) == ["new", "new", "new"]
    async with db.new_session() as session:
        refused = select(AuditRow.subject_id).where(AuditRow.action == "refused")
        assert list(await session.scalars(refused)) == [f"code:{codes[0]}"]


async def test_administrators_assign_in_every_centre_and_close_nothing_unread(
    db: Database, desk: NewSession, codes: list[str]
) -> None:
    boss = await _visit(db, "Boss", "administrator", None)
    colleague = await _visit(db, "Dara", centre="preah-vihear")
    assert _errors(await _close(desk, boss, codes[:1])) == [(codes[0], RequestNotFound)]
    bulk = await _assign(desk, boss, codes[2:], colleague.staff_id)
    assert bulk.done == codes[2:]


async def test_no_administrator_comes_to_read_what_is_another_s_by_giving_it(
    db: Database, desk: NewSession, codes: list[str]
) -> None:
    boss = await _visit(db, "Boss", "administrator", None)
    other = await _visit(db, "Chan", "administrator", None)
    for to in (boss, other):
        bulk = await _assign(desk, boss, codes[:1], to.staff_id)
        assert _errors(bulk) == [(codes[0], WorksElsewhere)]
    async with db.new_session() as session:
        assert set(await session.scalars(select(Request.owner_id))) == {None}
        refused = select(AuditRow.actor_id).where(AuditRow.action == "refused")
        assert set(await session.scalars(refused)) == {str(boss.staff_id)}
    given = await _assign(desk, await _visit(db), codes[:1], boss.staff_id)
    assert given.done == codes[:1]
    passed_on = await _assign(desk, boss, codes[:1], other.staff_id)
    assert _errors(passed_on) == [(codes[0], WorksElsewhere)]


async def test_auditors_do_nothing_and_unknown_outcomes_are_none(
    db: Database, desk: NewSession, codes: list[str]
) -> None:
    eye = await _visit(db, "Eye", "auditor", None)
    with pytest.raises(NotAllowed):
        await _close(desk, eye, codes)
    with pytest.raises(NotAllowed):
        await _assign(desk, eye, codes, eye.staff_id)
    with pytest.raises(UnknownOutcome):
        await _close(desk, await _visit(db), codes, "forgotten")


async def test_no_more_than_a_hundred_at_once(
    db: Database, desk: NewSession, codes: list[str]
) -> None:
    me = await _visit(db)
    bulk = await _close(desk, me, [str(number) for number in range(MOST)] + codes)
    assert (len(bulk.undone), bulk.done) == (MOST, [])
