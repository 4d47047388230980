"""What happens while the page of a request is being read reaches that page all the same."""

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import OutboxRow, RequestEvent, Staff
from services import desk_requests, threads
from services.desk_requests.changes import find_state
from services.threads import Thread
from tests.services.centre_at_work import FRIDAY, PlainWords, hire
from tests.services.desk_visitors import ask, at_desk
from tests.support import Database

Act = Callable[[AsyncSession, str, Staff], Awaitable[object]]


async def _deliver(session: AsyncSession, _code: str, _staff: Staff) -> None:
    await session.execute(update(OutboxRow).values(state="delivered"))


async def _note(session: AsyncSession, code: str, staff: Staff) -> None:
    await threads.add_note(session, code, "She called", staff=staff, now=FRIDAY)


async def _make_urgent(session: AsyncSession, code: str, staff: Staff) -> None:
    await threads.set_urgency(session, code, "urgent", staff=staff, now=FRIDAY)


@pytest.mark.parametrize("act", [_deliver, _note, _make_urgent])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_what_comes_between_is_not_taken_for_shown(
    db: Database, monkeypatch: pytest.MonkeyPatch, act: Act, when: str
) -> None:
    async with db.new_session.begin() as session:
        staff = await hire(session)
        code = (await ask(session)).code
        await threads.take(session, code, staff=staff, now=FRIDAY)
        await threads.reply(session, code, "Come", staff=staff, words=PlainWords(), now=FRIDAY)
    read_thread = threads.get_thread

    async def read_meanwhile(session: AsyncSession, code: str) -> Thread:
        async def change() -> None:
            async with db.new_session.begin() as other:
                await act(other, code, await other.get_one(Staff, staff.id))

        if when == "before":
            await change()
        thread = await read_thread(session, code)
        if when == "after":
            await change()
        return thread

    monkeypatch.setattr("services.threads.get_thread", read_meanwhile)
    async with db.new_session.begin() as session:
        visitor = at_desk(await session.get_one(Staff, staff.id))
        page = await desk_requests.get_page(session, visitor, code, now=FRIDAY)
    async with db.new_session.begin() as session:
        now_it_is = await find_state(session, visitor, code)
        last = await session.scalar(select(func.max(RequestEvent.id)))
    assert page.digest != now_it_is.digest
    assert act is _deliver or page.read < last
