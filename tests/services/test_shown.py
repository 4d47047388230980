"""What could not be sent and was read under "my requests" has arrived, for everybody."""

from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address, OutboxRow, Staff
from services import addresses, staff, threads
from services.request_queue import list_requests
from services.threads.reading import has_unsent_answers
from services.undelivered import note_undelivered
from tests.services.centre_at_work import FRIDAY, PlainWords, hire, outbox, write_from

LATER = FRIDAY + timedelta(hours=1)


async def _me(session: AsyncSession) -> Staff:
    return await staff.find_by_name(session, "Sok") or await hire(session)


async def _reply(session: AsyncSession, code: str, text: str) -> None:
    me = await _me(session)
    await threads.reply(session, code, text, staff=me, words=PlainWords(), now=LATER)


async def _stopped(session: AsyncSession) -> tuple[Address, str]:
    address = await write_from(session)
    code = (await threads.talk(session, address, "hello", now=FRIDAY)).code
    await addresses.stop(session, address.id, now=FRIDAY + timedelta(minutes=1))
    return address, code


async def _show(session: AsyncSession, address: Address, code: str) -> None:
    mine = await threads.get_mine(session, address, code)
    last = mine.from_centre[-1].event_id
    await threads.note_shown(session, address, code, last, now=LATER)


async def _mark(session: AsyncSession) -> str | None:
    (line,) = await list_requests(session)
    return line.last_delivery


async def test_what_was_read_is_neither_waiting_nor_overdue(session: AsyncSession) -> None:
    address, code = await _stopped(session)
    await _reply(session, code, "Come in")
    mine = await threads.get_mine(session, address, code)
    assert [said.is_waiting for said in mine.from_centre] == [True]
    assert mine.due_at is not None
    await _show(session, address, code)
    mine = await threads.get_mine(session, address, code)
    assert [said.is_waiting for said in mine.from_centre] == [False]
    assert mine.due_at is None
    assert not await has_unsent_answers(session, address, FRIDAY)
    assert await _mark(session) == "read"


async def test_what_the_person_wrote_after_it_waits_all_the_same(session: AsyncSession) -> None:
    address, code = await _stopped(session)
    await _reply(session, code, "Come in")
    await threads.write_to_request(session, address, code, "When?", now=LATER + timedelta(hours=1))
    await _show(session, address, code)
    assert (await threads.get_mine(session, address, code)).due_at is not None


async def test_what_waits_is_listed_though_the_person_wrote_again(session: AsyncSession) -> None:
    address, code = await _stopped(session)
    await _reply(session, code, "First")
    await threads.write_to_request(session, address, code, "hello?", now=FRIDAY)
    await _reply(session, code, "Second")
    mine = await threads.get_mine(session, address, code)
    assert [said.text for said in mine.from_centre] == ["First", "Second"]


async def test_more_that_was_written_meanwhile_is_not_taken_for_read(session: AsyncSession) -> None:
    address, code = await _stopped(session)
    await _reply(session, code, "First")
    mine = await threads.get_mine(session, address, code)
    await _reply(session, code, "Second")
    await threads.note_shown(session, address, code, mine.from_centre[-1].event_id, now=LATER)
    assert await has_unsent_answers(session, address, FRIDAY)


async def test_it_is_noted_once(session: AsyncSession) -> None:
    address, code = await _stopped(session)
    await _reply(session, code, "First")
    await _show(session, address, code)
    await _show(session, address, code)
    thread = await threads.get_thread(session, code)
    assert [event.kind for event in thread.events].count("shown") == 1


@pytest.mark.parametrize("was_read", [True, False])
async def test_what_was_read_is_not_noted_as_lost(session: AsyncSession, was_read: bool) -> None:
    address = await write_from(session)
    code = (await threads.talk(session, address, "hello", now=FRIDAY)).code
    await _reply(session, code, "Come in")
    await session.execute(update(OutboxRow).values(state="failed", updated_at=LATER))
    if was_read:
        await _show(session, address, code)
    assert await note_undelivered(session, LATER) == int(not was_read)


async def test_the_question_that_was_sent_after_it_is_the_last_message(
    session: AsyncSession,
) -> None:
    address, code = await _stopped(session)
    await _reply(session, code, "Come in")
    assert await _mark(session) == "withheld"
    await addresses.start(session, address.id)
    me = await _me(session)
    await threads.finish(session, code, "helped", staff=me, words=PlainWords(), now=LATER)
    (*_, asked) = await outbox(session)
    asked.state = "sent"
    await threads.confirm_help(session, address, code, False, now=LATER)
    assert await _mark(session) == "sent"


async def test_staff_see_that_it_was_read_beside_the_message_alone(session: AsyncSession) -> None:
    address = await write_from(session)
    code = (await threads.talk(session, address, "hello", now=FRIDAY)).code
    await _reply(session, code, "Come in")
    await session.execute(update(OutboxRow).values(state="failed", updated_at=LATER))
    await note_undelivered(session, LATER)
    assert await _deliveries(session, code) == {"staff_message": "failed"}
    await _show(session, address, code)
    assert await _deliveries(session, code) == {"staff_message": "read"}


async def _deliveries(session: AsyncSession, code: str) -> dict[str, str]:
    thread = await threads.get_thread(session, code)
    assert {"not_delivered", "staff_message"} <= {event.kind for event in thread.events}
    return {event.kind: event.delivery for event in thread.events if event.delivery is not None}
