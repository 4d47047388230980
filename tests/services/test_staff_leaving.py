"""Who changes the staff, and that no request stays with somebody who cannot see it."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import AuditRow, Request, Staff
from services import accounts, staff, threads
from services.errors import NotAllowed, StaffNameTaken, StaffNotFound, WrongSignIn
from tests.services.centre_at_work import FRIDAY, events_of, hire, kinds_of
from tests.services.desk_accounts import hire_with_account, set_up
from tests.services.desk_visitors import ask, register
from tests.support import Database

LATER = FRIDAY + timedelta(hours=1)
PASSWORD = "mango tree by the river"


async def boss(session: AsyncSession, name: str = "Sao") -> Staff:
    return await hire(session, name, "administrator", None)


async def at_work(
    session: AsyncSession, name: str, role: str = "case_worker", centre: str | None = "pursat"
) -> Staff:
    """Somebody who can sign in."""
    person = await hire_with_account(session, name, name.lower(), role, centre)
    await set_up(session, name.lower())
    return person


async def taken(session: AsyncSession, person: Staff) -> Request:
    """A request of Pursat that is theirs."""
    request = await ask(session)
    return await threads.take(session, request.code, staff=person, now=FRIDAY)


async def audited(session: AsyncSession) -> list[tuple[str, str, str | None]]:
    """What administrators did, and who."""
    query = select(AuditRow).where(AuditRow.subject.in_(["staff", "request"])).order_by(AuditRow.id)
    rows = (await session.scalars(query)).all()
    return [(row.action, row.actor, row.actor_id) for row in rows if row.actor == "staff"]


async def test_requests_of_who_leaves_go_back_to_the_centre_and_the_clock_goes_on(
    session: AsyncSession,
) -> None:
    sok, sao = await hire(session), await boss(session)
    request = await taken(session, sok)
    due_at = request.due_at
    assert due_at is not None
    assert await staff.end(session, sok, by=sao.id, now=LATER) == 1
    assert (request.owner_id, request.state, request.due_at) == (None, "new", due_at)
    event = (await events_of(session, request))[-1]
    assert (event.kind, event.staff_id, event.internal) == ("given_back", sao.id, True)
    assert await audited(session) == [
        ("ended", "staff", str(sao.id)),
        ("given_back", "staff", str(sao.id)),
    ]
    assert await staff.end(session, sok, by=sao.id, now=LATER) == 0
    chan = await hire(session, "Chan")
    assert await threads.take(session, request.code, staff=chan, now=LATER)


async def test_a_colleague_goes_on_with_them(session: AsyncSession) -> None:
    sok, chan, sao = await hire(session), await at_work(session, "Chan"), await boss(session)
    request = await taken(session, sok)
    assert await staff.end(session, sok, by=sao.id, to=chan, now=LATER) == 1
    assert (request.owner_id, request.state) == (chan.id, "taken")
    assert (await kinds_of(session, request))[-1] == "assigned"


async def test_nobody_goes_on_with_them_who_cannot_sign_in(session: AsyncSession) -> None:
    sok, chan, sao = await hire(session), await hire(session, "Chan"), await boss(session)
    await taken(session, sok)
    await accounts.invite(session, chan, "chan", by=sao.id, now=FRIDAY)
    with pytest.raises(NotAllowed):
        await staff.end(session, sok, by=sao.id, to=chan, now=LATER)


async def test_who_comes_back_needs_a_new_link(session: AsyncSession) -> None:
    sok, sao = await hire(session), await boss(session)
    link = await accounts.invite(session, sok, "sok", by=sao.id, now=FRIDAY)
    await accounts.accept(session, link, PASSWORD, now=FRIDAY)
    await staff.end(session, sok, by=sao.id, now=FRIDAY)
    for _ in range(2):  # the form may come again
        await staff.take_up(session, sok, by=sao.id, now=LATER)
    assert (sok.ended_at, sok.role, sok.centre_id) == (None, "case_worker", "pursat")
    with pytest.raises(WrongSignIn):
        await accounts.sign_in(session, "sok", PASSWORD, device="", now=LATER)
    link = await accounts.invite(session, sok, "sok", by=sao.id, now=LATER)
    await accounts.accept(session, link, PASSWORD, now=LATER)
    assert await accounts.sign_in(session, "sok", PASSWORD, device="", now=LATER)
    assert await audited(session) == [
        ("ended", "staff", str(sao.id)),
        ("changed", "staff", str(sao.id)),
    ]


async def test_who_comes_back_is_let_in_by_administrators_alone(session: AsyncSession) -> None:
    sok, chan = await hire(session), await hire(session, "Chan", "centre_manager")
    await staff.end(session, sok, now=FRIDAY)
    with pytest.raises(NotAllowed):
        await staff.take_up(session, sok, by=chan.id, now=LATER)
    await hire(session, sok.name)
    with pytest.raises(StaffNameTaken):
        await staff.take_up(session, sok, now=LATER)


@pytest.mark.parametrize(
    ("role", "centre"),
    [("case_worker", "preah-vihear"), ("administrator", None), ("auditor", None)],
)
async def test_not_to_a_colleague_of_another_centre(
    session: AsyncSession, role: str, centre: str | None
) -> None:
    sok, chan = await hire(session), await at_work(session, "Chan", role, centre)
    sao = await boss(session)
    await taken(session, sok)
    with pytest.raises(NotAllowed):
        await staff.end(session, sok, by=sao.id, to=chan, now=LATER)


@pytest.mark.parametrize(
    ("role", "centre", "moved"),
    [
        ("centre_manager", "pursat", 0),
        ("administrator", None, 0),
        ("case_worker", "preah-vihear", 1),
        ("auditor", None, 1),
    ],
)
async def test_other_work_keeps_what_they_still_see(
    session: AsyncSession, role: str, centre: str | None, moved: int
) -> None:
    sok, sao = await hire(session), await boss(session)
    request = await taken(session, sok)
    change = staff.change_role(session, sok, role, centre, by=sao.id, now=LATER)
    assert await change == moved
    assert request.owner_id == (None if moved else sok.id)


async def test_an_administrator_who_works_for_a_centre_keeps_what_is_of_that_centre(
    session: AsyncSession,
) -> None:
    sao, chan = await boss(session), await boss(session, "Chan")
    here = await taken(session, sao)
    there = await ask(session, await register(session, "+85512000222"))
    await threads.hand_over(session, there.code, "preah-vihear", staff=sao, now=FRIDAY)
    await threads.take(session, there.code, staff=sao, now=FRIDAY)
    change = staff.change_role(session, sao, "case_worker", "pursat", by=chan.id, now=LATER)
    assert await change == 1
    assert (here.owner_id, there.owner_id, there.centre_id) == (sao.id, None, "preah-vihear")


async def test_closed_requests_lose_an_owner_who_has_left(session: AsyncSession) -> None:
    sok = await hire(session)
    request = await ask(session)
    request.finish("informed", by=sok.id, now=FRIDAY, answer_by=None)
    await session.flush()
    before = await kinds_of(session, request)
    assert await staff.end(session, sok, now=LATER) == 0
    await session.refresh(request)
    assert (request.owner_id, request.state) == (None, "done")
    assert await kinds_of(session, request) == before


async def test_nobody_changes_or_ends_themselves(session: AsyncSession) -> None:
    sao = await boss(session)
    with pytest.raises(NotAllowed):
        await staff.end(session, sao, by=sao.id, now=LATER)
    with pytest.raises(NotAllowed):
        await staff.change_role(session, sao, "auditor", None, by=sao.id, now=LATER)


@pytest.mark.parametrize("role", ["case_worker", "centre_manager", "auditor"])
async def test_administrators_alone_change_the_staff(session: AsyncSession, role: str) -> None:
    centre = None if role == "auditor" else "pursat"
    sok, chan = await hire(session), await hire(session, "Chan", role, centre)
    for attempt in (
        staff.add(session, "Dara", "case_worker", "pursat", by=chan.id, now=LATER),
        staff.change_role(session, sok, "auditor", None, by=chan.id, now=LATER),
        staff.end(session, sok, by=chan.id, now=LATER),
    ):
        with pytest.raises(NotAllowed):
            await attempt


async def test_who_has_left_gets_no_other_role(session: AsyncSession) -> None:
    sok, sao = await hire(session), await boss(session)
    await staff.end(session, sok, by=sao.id, now=LATER)
    with pytest.raises(StaffNotFound):
        await staff.change_role(session, sok, "auditor", None, by=sao.id, now=LATER)


async def in_own_transaction(db: Database, work: Any) -> str:
    async with db.new_session.begin() as session:
        try:
            await work(session)
        except NotAllowed:
            return "refused"
    return "done"


async def test_of_two_administrators_who_end_each_other_at_once_one_stays(db: Database) -> None:
    async with db.new_session.begin() as session:
        people = [await boss(session), await boss(session, "Chan")]

    def end(who: Staff, by: Staff) -> Awaitable[str]:
        async def work(session: AsyncSession) -> None:
            await staff.end(session, await staff.get(session, who.id), by=by.id, now=LATER)

        return in_own_transaction(db, work)

    one, other = people
    done = await asyncio.gather(end(one, other), end(other, one))
    assert sorted(done) == ["done", "refused"]
    async with db.new_session() as session:
        assert len(await staff.list_staff(session)) == 1


async def test_two_who_add_the_same_name_at_once_add_it_once(db: Database) -> None:
    async def add() -> str:
        async with db.new_session.begin() as session:
            try:
                await staff.add(session, "Dara", "case_worker", "pursat", now=FRIDAY)
            except StaffNameTaken:
                return "taken"
        return "added"

    assert sorted(await asyncio.gather(add(), add())) == ["added", "taken"]


@pytest.mark.parametrize("order", [1, -1])
async def test_a_request_that_is_given_while_somebody_leaves_is_not_lost(
    db: Database, order: int
) -> None:
    async with db.new_session.begin() as session:
        sok, chan = await hire(session), await hire(session, "Chan")
        code = (await ask(session)).code

    async def assign(session: AsyncSession) -> None:
        to, me = await staff.get(session, sok.id), await staff.get(session, chan.id)
        await threads.assign(session, code, to, staff=me, now=LATER)

    async def end(session: AsyncSession) -> None:
        await staff.end(session, await staff.get(session, sok.id), now=LATER)

    await asyncio.gather(*(in_own_transaction(db, work) for work in (assign, end)[::order]))
    async with db.new_session() as session:
        request = (await session.scalars(select(Request).where(Request.code == code))).one()
        assert request.owner_id is None
