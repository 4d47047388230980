"""Cards on their way while their readers leave, and while their requests go elsewhere."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from sqlalchemy import Select, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import OutboxRow, Request, Staff, StaffCard, StaffChat
from services import jobs, staff, threads
from services.staff_cards import linking, looks
from services.staff_cards.climbing import climb
from services.staff_cards.pressing import NOTED, SEEN, press
from services.staff_cards.sending import LOOK_WITHIN, MOST_SINGLE, send_due
from services.staff_cards.standing import Edits, list_edits
from tests.services.centre_at_work import FRIDAY
from tests.services.staff_chats import (
    HeardWords,
    ask_urgently,
    cards_of,
    messages_to,
    work_with_chat,
)
from tests.support import Database, waits_for_lock

AFTER = FRIDAY + LOOK_WITHIN["urgent"]
LONG = timedelta(days=3650)
_FETCH = text("SELECT id FROM procrastinate_fetch_job_v2(ARRAY['default'], NULL)")
_WAITING = text("SELECT args, scheduled_at FROM procrastinate_jobs WHERE task_name = 'show_cards'")

Leave = Callable[[AsyncSession, Staff], Awaitable[object]]


async def _end(session: AsyncSession, person: Staff) -> None:
    await staff.end(session, person, now=FRIDAY)


async def _unlink(session: AsyncSession, person: Staff) -> None:
    await linking.unlink(session, person.id, now=FRIDAY)


@pytest.mark.parametrize("leave", [_end, _unlink])
async def test_a_card_that_is_being_sent_as_its_reader_leaves_is_withheld(
    db: Database, leave: Leave
) -> None:
    async with db.new_session.begin() as session:
        me = await work_with_chat(session)
        await ask_urgently(session)

    async def go() -> None:
        async with db.new_session.begin() as session:
            await leave(session, await session.get_one(Staff, me.id))

    async with db.new_session.begin() as sending:
        await send_due(sending, HeardWords(), FRIDAY)
        leaving = asyncio.create_task(go())
        async with db.new_session() as looking:
            while not leaving.done() and not await waits_for_lock(looking):
                pass
    await leaving
    async with db.new_session.begin() as session:
        assert [row.state for row in await messages_to(session, "Sok")] == ["withheld"]


async def _send(session: AsyncSession) -> int:
    return await send_due(session, HeardWords(), FRIDAY)


async def _climb(session: AsyncSession) -> int:
    return await climb(session, AFTER)


async def test_the_cards_of_a_request_that_somebody_is_changing_wait_for_the_next_run(
    db: Database,
) -> None:
    """Handing it over changes its cards too: each would wait for the other, for ever."""
    async with db.new_session.begin() as session:
        await work_with_chat(session)
        request = await ask_urgently(session)
    held = select(Request).where(Request.id == request.id).with_for_update(key_share=True)
    for run in (_send, _climb):
        async with db.new_session.begin() as changing, db.new_session.begin() as running:
            await changing.execute(held)
            assert await run(running) == 0
        async with db.new_session.begin() as session:
            assert await run(session) == 1


async def test_two_who_press_seen_at_once_on_the_same_requests_both_have_seen_them(
    db: Database,
) -> None:
    """Each press changes the cards of the other too; one begins while the other is half done."""
    async with db.new_session.begin() as session:
        for name in ("Sok", "Dara"):
            await work_with_chat(session, name)
        for chat in range(MOST_SINGLE + 4):
            request = await ask_urgently(session, str(chat))
        await send_due(session, HeardWords(), FRIDAY)
        last = {card.staff_id: card for card in await cards_of(session, request)}
    (one, other), pressed = last.values(), []
    async with db.new_session.begin() as half, db.new_session() as looking:
        await half.execute(_held(other).with_for_update())
        for card in (other, one):
            pressed.append(asyncio.create_task(_see(db, card)))
            while await looking.scalar(_held(card).with_for_update(skip_locked=True)):
                await looking.rollback()
            while not await waits_for_lock(looking):
                pass
    assert await asyncio.gather(*pressed) == [NOTED, NOTED]
    async with db.new_session.begin() as session:
        cards = await cards_of(session, request)
    assert {(card.seen_at, card.climb_at) for card in cards} == {(FRIDAY, None)}


def _held(card: StaffCard) -> Select[StaffCard]:
    return select(StaffCard).where(StaffCard.id == card.id)


async def _see(db: Database, card: StaffCard) -> str:
    async with db.new_session() as session:
        chat = await session.get_one(StaffChat, card.staff_id)
    done = await press(db.new_session, chat.address_id, card.id, SEEN, now=FRIDAY)
    return done.outcome


async def test_a_look_at_cards_waits_for_who_is_changing_their_request(db: Database) -> None:
    """The job that waited already may begin before what was promised on it is committed."""
    async with db.new_session.begin() as session:
        request = await _told(session)

    async def look() -> Edits:
        async with db.new_session.begin() as session:
            return await list_edits(session, request.id, HeardWords())

    async with db.new_session.begin() as taking:
        await threads.take(taking, request.code, staff=await _sok(taking), now=FRIDAY)
        looking = asyncio.create_task(look())
        async with db.new_session() as watching:
            while not looking.done() and not await waits_for_lock(watching):
                pass
    assert [edit.message.text for edit in (await looking).due] == [f"km {request.code} taken"]


async def test_of_two_looks_at_the_same_cards_one_is_taken_at_a_time(db: Database) -> None:
    """The older would be late with what was true before, and the last to say it."""
    async with db.new_session.begin() as session:
        request = await _told(session)
    begun = []
    for _ in range(2):
        async with db.new_session.begin() as session:
            sok = await _sok(session)
            await threads.add_note(session, request.code, "note", staff=sok, now=FRIDAY)
        async with db.new_session.begin() as session:
            begun.append(await session.scalar(_FETCH))
    first, second = begun
    assert first is not None
    assert second is None


async def test_a_look_that_waits_for_its_next_try_does_not_keep_a_change_waiting(
    db: Database,
) -> None:
    async with db.new_session.begin() as session:
        request = await _told(session)
        await looks.promise_later(
            session, jobs.SHOW_CARDS, request_id=request.id, at=FRIDAY + LONG, tries=3
        )
        await threads.take(session, request.code, staff=await _sok(session), now=FRIDAY)
        assert (await session.execute(_WAITING)).all() == [({"request_id": request.id}, None)]


async def _told(session: AsyncSession) -> Request:
    """Sok has had word of this request, and no job waits."""
    await work_with_chat(session)
    request = await ask_urgently(session)
    await send_due(session, HeardWords(), FRIDAY)
    is_card = OutboxRow.purpose == "staff_card"
    await session.execute(update(OutboxRow).where(is_card).values(state="sent", provider_id="7"))
    await session.execute(text("DELETE FROM procrastinate_jobs"))
    return request


async def _sok(session: AsyncSession) -> Staff:
    return await staff.get_by_name(session, "Sok")
