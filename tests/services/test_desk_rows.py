"""What becomes of the lines of an open list, told to who may see them."""

from collections.abc import Sequence

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Request
from services import staff, threads
from services.accounts.types import Visitor
from services.desk_rows import MOST, Changed, Deadline, Stand, list_changed
from tests.services.centre_at_work import FRIDAY, PlainWords, hire
from tests.services.desk_visitors import ask, see_as, visit

NOBODY_WAITS = Deadline(None, is_over=False)


@pytest.fixture
async def request_(session: AsyncSession) -> Request:
    return await ask(session)


@pytest.fixture
async def me(session: AsyncSession) -> Visitor:
    return await visit(session)


def _stand(request: Request) -> Stand:
    return Stand.of(request.code, request.state, request.urgency, request.owner_id, request.due_at)


async def _changed(session: AsyncSession, me: Visitor, drawn: Stand) -> Sequence[Changed]:
    await see_as(session, me)
    return await list_changed(session, me, [drawn], since=FRIDAY, now=FRIDAY)


def _gone(request: Request) -> Changed:
    return Changed(request.code, is_gone=True, deadline=NOBODY_WAITS)


async def test_what_stands_as_it_was_drawn_is_not_told(
    session: AsyncSession, me: Visitor, request_: Request
) -> None:
    assert await _changed(session, me, _stand(request_)) == []


async def test_who_has_it_now_is_told(
    session: AsyncSession, me: Visitor, request_: Request
) -> None:
    drawn, dara = _stand(request_), await hire(session, "Dara")
    await threads.take(session, request_.code, staff=dara, now=FRIDAY)
    assert await _changed(session, me, drawn) == [
        Changed(request_.code, state="taken", owner_name="Dara")
    ]


async def test_one_s_own_is_told_as_such(
    session: AsyncSession, me: Visitor, request_: Request
) -> None:
    drawn, sok = _stand(request_), await staff.get_by_name(session, "Sok")
    await threads.take(session, request_.code, staff=sok, now=FRIDAY)
    (changed,) = await _changed(session, me, drawn)
    assert changed.is_mine


async def test_urgent_closed_and_nobody_s(
    session: AsyncSession, me: Visitor, request_: Request
) -> None:
    sok, code = await staff.get_by_name(session, "Sok"), request_.code
    drawn = _stand(request_)
    await threads.set_urgency(session, code, "urgent", staff=sok, now=FRIDAY)
    (changed,) = await _changed(session, me, drawn)
    sooner = Deadline(request_.due_at, is_over=False)
    assert changed == Changed(code, urgency="urgent", deadline=sooner)
    await threads.take(session, code, staff=sok, now=FRIDAY)
    drawn = _stand(request_)
    await threads.finish(session, code, "helped", staff=sok, words=PlainWords(), now=FRIDAY)
    closed = Changed(code, state="done", is_mine=True, deadline=NOBODY_WAITS)
    assert await _changed(session, me, drawn) == [closed]
    drawn = _stand(request_)
    request_.owner_id = None
    await session.flush()
    assert await _changed(session, me, drawn) == [Changed(code, owner_name="")]


async def test_a_deadline_that_goes_by_or_falls_away_is_told(
    session: AsyncSession, me: Visitor, request_: Request
) -> None:
    sok, drawn, due_at = (
        await staff.get_by_name(session, "Sok"),
        _stand(request_),
        request_.due_at,
    )
    assert due_at is not None
    (late,) = await list_changed(session, me, [drawn], since=FRIDAY, now=due_at)
    assert late.is_only_due
    assert late.deadline == Deadline(due_at, is_over=True)
    assert await list_changed(session, me, [drawn], since=due_at, now=due_at) == []
    await threads.take(session, request_.code, staff=sok, now=FRIDAY)
    drawn = _stand(request_)
    await threads.reply(session, request_.code, "hi", staff=sok, words=PlainWords(), now=FRIDAY)
    (answered,) = await _changed(session, me, drawn)
    assert (answered.is_only_due, answered.deadline) == (True, NOBODY_WAITS)


async def test_another_centre_s_is_gone(
    session: AsyncSession, me: Visitor, request_: Request
) -> None:
    drawn, sok = _stand(request_), await staff.get_by_name(session, "Sok")
    await threads.hand_over(session, request_.code, "preah-vihear", staff=sok, now=FRIDAY)
    assert await _changed(session, me, drawn) == [_gone(request_)]


async def test_who_made_the_address_themselves_learns_nothing_of_another_centre_s(
    session: AsyncSession, request_: Request
) -> None:
    chan = await visit(session, "Chan", centre="preah-vihear")
    drawn = Stand(request_.code, "done", "normal", "")
    # Not even over a connection from which row-level security keeps nothing.
    found = await list_changed(session, chan, [drawn], since=FRIDAY, now=FRIDAY)
    assert found == [_gone(request_)]


def test_an_address_says_how_the_lines_stood() -> None:
    stand = Stand("12345678", "waiting_person", "urgent", "")
    taken = Stand("12345678", "taken", "low", "0a1b2c3d", "1760000000")
    assert Stand.parse_all(f"{stand},x,{taken},12345678-burnt-low-,") == [stand, taken]
    assert Stand.parse_all("") == []
    assert len(Stand.parse_all(",".join([str(stand)] * (MOST + 1)))) == MOST
