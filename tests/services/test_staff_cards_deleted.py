"""Whoever deletes everything leaves nothing in the chats of staff that says they wait."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address, OutboxRow, Request, StaffCard
from services import my_data, staff, threads
from services.staff_cards.sending import MOST_SINGLE, send_due
from services.staff_cards.standing import Edit, Edits, list_edits, list_edits_of_message
from services.staff_cards.words import CardMessage
from tests.services.centre_at_work import FRIDAY
from tests.services.staff_chats import (
    HeardWords,
    ask_urgently,
    chat_of,
    messages_to,
    work_with_chat,
)
from tests.support import Database, waits_for_lock

LATER = FRIDAY + timedelta(minutes=5)
COUNTED = 3


async def _told(session: AsyncSession, state: str, requests: int = 1) -> Request:
    """Sok has had word of urgent requests, no job waits; the last of them."""
    await work_with_chat(session)
    for number in range(requests):
        request = await ask_urgently(session, str(40 + number))
    await send_due(session, HeardWords(), FRIDAY)
    is_card = OutboxRow.purpose == "staff_card"
    await session.execute(update(OutboxRow).where(is_card).values(state=state, provider_id="7"))
    await session.execute(text("DELETE FROM procrastinate_jobs"))
    return request


async def _delete(session: AsyncSession, request: Request) -> None:
    address = await session.get_one(Address, request.address_id, populate_existing=True)
    await my_data.delete_everything(session, address, now=LATER)


async def _look(session: AsyncSession) -> Edits:
    """What the job that was promised finds."""
    promised = "SELECT args FROM procrastinate_jobs WHERE task_name = 'show_card_message'"
    (args,) = await session.scalars(text(promised))
    return await list_edits_of_message(session, args["outbox_id"], HeardWords())


async def test_the_card_of_who_deleted_everything_is_valid_no_more(session: AsyncSession) -> None:
    await _delete(session, await _told(session, "sent"))
    edit = Edit(chat_of("Sok"), "7", CardMessage("km None gone"))
    assert await _look(session) == Edits([edit], is_early=False)


async def test_a_card_that_waits_to_be_sent_is_not_sent(session: AsyncSession) -> None:
    await _delete(session, await _told(session, "waiting"))
    (row,) = await messages_to(session, "Sok")
    assert (row.state, row.error_code, row.body) == ("withheld", "overtaken", None)


async def test_a_card_on_its_way_is_looked_at_again_and_not_sent_later(
    session: AsyncSession,
) -> None:
    await _delete(session, await _told(session, "sending"))
    assert await _look(session) == Edits([], is_early=True)
    # The carrier did not take it, so it was to be tried again.
    await session.execute(update(OutboxRow).values(state="waiting"))
    assert await _look(session) == Edits([], is_early=False)
    assert [row.state for row in await messages_to(session, "Sok")] == ["withheld"]


@pytest.mark.parametrize("state", ["sent", "waiting"])
async def test_a_message_that_counted_it_counts_those_that_are_left(
    session: AsyncSession, state: str
) -> None:
    await _delete(session, await _told(session, state, MOST_SINGLE + COUNTED))
    edits = await _look(session)
    if state == "waiting":  # the others are told; then it is counted anew
        assert edits == Edits([], is_early=True)
        return
    assert [edit.message.text for edit in edits.due] == [f"km {COUNTED - 1} 0"]


async def test_a_message_that_waits_is_sent_for_the_others_when_one_was_taken(
    session: AsyncSession,
) -> None:
    request = await _told(session, "waiting", MOST_SINGLE + COUNTED)
    sok = await staff.get_by_name(session, "Sok")
    await threads.take(session, request.code, staff=sok, now=LATER)
    assert await list_edits(session, request.id, HeardWords()) == Edits([], is_early=True)


async def test_a_card_that_is_just_being_written_finds_its_request_or_is_withheld(
    db: Database,
) -> None:
    async with db.new_session.begin() as session:
        await work_with_chat(session)
        request = await ask_urgently(session)

    async def delete() -> None:
        async with db.new_session.begin() as session:
            await _delete(session, request)

    async with db.new_session.begin() as sending:
        await send_due(sending, HeardWords(), FRIDAY)
        deleting = asyncio.create_task(delete())
        async with db.new_session() as looking:
            while not deleting.done() and not await waits_for_lock(looking):
                pass
    await deleting
    async with db.new_session.begin() as session:
        assert [row.state for row in await messages_to(session, "Sok")] == ["withheld"]
        assert (await session.scalars(select(StaffCard))).all() == []
