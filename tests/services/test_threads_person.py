import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address, File, OutboxRow, Request
from services import addresses, requests, threads
from services.errors import EmptyText, MoveNotAllowed, RequestNotFound
from services.threads.reaching import find_ways
from services.threads.reading import has_unsent_answers
from tests.services.centre_at_work import (
    FRIDAY,
    PlainWords,
    events_of,
    hire,
    kinds_of,
    write_from,
)
from tests.services.desk_visitors import register
from tests.support import Database, waits_for_lock

LATER = FRIDAY + timedelta(hours=1)
MINUTES = timedelta(minutes=10)
WORDS = PlainWords()


async def test_words_to_nobody_in_particular_open_a_talk(session: AsyncSession) -> None:
    address = await write_from(session)
    request = await threads.talk(session, address, " សួស្ដី ", now=FRIDAY)
    assert (request.topic, request.state, request.centre_id) == ("talk", "new", "pursat")
    assert request.due_at is not None
    opened, said = await events_of(session, request)
    assert (opened.kind, said.kind, said.actor) == ("opened", "person_message", "person")
    assert said.body == {"text": "សួស្ដី"}


async def test_a_question_that_is_held_is_nothing_to_answer_before_it_is_sent(
    session: AsyncSession,
) -> None:
    address, me = await write_from(session), await hire(session)
    talk = await threads.talk(session, address, "hello", now=FRIDAY)
    await threads.reply(session, talk.code, "hello", staff=me, words=WORDS, now=FRIDAY)
    closed = await requests.open_request(session, address, "call", centre_id="pursat", now=FRIDAY)
    await threads.finish(
        session, closed.code, "helped", staff=me, words=WORDS, now=LATER, ask_from=LATER + MINUTES
    )
    said = await threads.talk(session, address, "my answer", now=LATER)
    assert (said.code, closed.state) == (talk.code, "done")
    asked = select(OutboxRow.id).where(OutboxRow.purpose == "follow_up")
    sent = {"state": "sent", "sent_at": LATER + MINUTES}
    await session.execute(update(OutboxRow).where(OutboxRow.id.in_(asked)).values(sent))
    said = await threads.talk(session, address, "not yet", now=LATER + 2 * MINUTES)
    assert said.code == closed.code


async def test_more_words_go_to_the_talk_that_is_open(session: AsyncSession) -> None:
    address = await write_from(session)
    first = await threads.talk(session, address, "one", now=FRIDAY)
    again = await threads.talk(session, address, "two", now=LATER)
    assert again.code == first.code
    await threads.withdraw(session, address, first.code, now=LATER)
    assert (await threads.talk(session, address, "three", now=LATER)).code != first.code


async def test_words_answer_what_staff_wrote_last(session: AsyncSession) -> None:
    address, me = await write_from(session), await hire(session)
    talk = await threads.talk(session, address, "hello", now=FRIDAY)
    call = await requests.ask_for_call(session, address, now=FRIDAY)
    await threads.reply(session, call.code, "When?", staff=me, words=WORDS, now=LATER)
    assert (await threads.talk(session, address, "At noon", now=LATER)).code == call.code
    much_later = LATER + timedelta(days=15)
    assert (await threads.talk(session, address, "Hello?", now=much_later)).code == talk.code


async def test_words_about_what_was_done_open_it_again(session: AsyncSession) -> None:
    address, me = await write_from(session), await hire(session)
    request = await threads.talk(session, address, "hello", now=FRIDAY)
    await threads.finish(session, request.code, "helped", staff=me, words=WORDS, now=FRIDAY)
    await threads.talk(session, address, "But nobody came", now=LATER)
    assert (request.state, request.owner_id) == ("reopened", me.id)


async def test_many_messages_at_once_open_one_talk(db: Database) -> None:
    async with db.new_session.begin() as session:
        address = await write_from(session)

    async def say(text: str) -> str:
        async with db.new_session.begin() as session:
            return (await threads.talk(session, address, text, now=FRIDAY)).code

    codes = await asyncio.gather(*(say(f"{number}") for number in range(10)))
    assert len(set(codes)) == 1
    async with db.new_session() as session:
        request = await requests.hold(session, codes[0])
        assert len(await kinds_of(session, request)) == 11


async def _say(session: AsyncSession, address: Address) -> Request:
    return await threads.talk(session, address, "hello?", now=LATER)


async def _send_photo(session: AsyncSession, address: Address) -> Request:
    return await threads.attach_file(session, address, "photo", "a-file", now=LATER)


@pytest.mark.parametrize("write", [_say, _send_photo])
async def test_of_two_phones_that_write_at_once_neither_stands_in_the_others_way(
    db: Database, write: Callable[[AsyncSession, Address], Awaitable[Request]]
) -> None:
    """It goes to what was begun on the first: who holds that, and is to hold the second, may."""
    async with db.new_session.begin() as session:
        first = await register(session)
        second = await write_from(session, "99")
        second.person_id = first.person_id
        talk = await threads.talk(session, first, "hello", now=FRIDAY)

    async def go() -> str:
        async with db.new_session.begin() as session:
            return (await write(session, await session.get_one(Address, second.id))).code

    async with db.new_session.begin() as holder, db.new_session() as looking:
        await requests.lock_address(holder, first.id)
        writing = asyncio.create_task(go())
        while not writing.done() and not await waits_for_lock(looking):
            pass
        of_second = select(Address.id).where(Address.id == second.id)
        found = await holder.scalar(of_second.with_for_update(skip_locked=True))
    assert await writing == talk.code
    assert found == second.id


async def test_only_ones_own_requests_can_be_written_to_or_seen(session: AsyncSession) -> None:
    address, stranger = await write_from(session), await write_from(session, "43")
    request = await threads.talk(session, address, "hello", now=FRIDAY)
    for act in (
        threads.write_to_request(session, stranger, request.code, "me too", now=FRIDAY),
        threads.get_mine(session, stranger, request.code),
        threads.withdraw(session, stranger, request.code, now=FRIDAY),
        threads.confirm_help(session, stranger, request.code, True, now=FRIDAY),
        threads.attach_file(session, stranger, "photo", "id", code=request.code, now=FRIDAY),
    ):
        with pytest.raises(RequestNotFound):
            await act
    assert await threads.list_mine(session, stranger) == []


async def test_blanks_say_nothing(session: AsyncSession) -> None:
    address = await write_from(session)
    with pytest.raises(EmptyText):
        await threads.talk(session, address, " \n", now=FRIDAY)
    assert await session.scalar(select(func.count()).select_from(Request)) == 0


async def test_a_withdrawn_request_takes_nothing_more(session: AsyncSession) -> None:
    address = await write_from(session)
    request = await threads.talk(session, address, "hello", now=FRIDAY)
    await threads.withdraw(session, address, request.code, now=FRIDAY)
    with pytest.raises(MoveNotAllowed):
        await threads.write_to_request(session, address, request.code, "more", now=LATER)
    mine = await threads.get_mine(session, address, request.code)
    assert (mine.stage, mine.can_write, mine.can_withdraw) == ("withdrawn", False, False)


async def test_a_photo_joins_the_thread_and_is_fetched_by_a_job(session: AsyncSession) -> None:
    address = await write_from(session)
    request = await threads.attach_file(
        session, address, "photo", "telegram-id", caption="my papers", now=FRIDAY
    )
    file = (await session.scalars(select(File))).one()
    assert (file.state, file.source, file.request_id) == ("waiting", "telegram-id", request.id)
    _, event = await events_of(session, request)
    assert (event.kind, event.file_id, event.body) == (
        "person_file",
        file.id,
        {"text": "my papers"},
    )
    job = (await session.execute(text("SELECT task_name, args FROM procrastinate_jobs"))).one()
    assert tuple(job) == ("fetch_file", {"file_id": str(file.id)})


async def test_ones_own_requests_are_listed_newest_first(session: AsyncSession) -> None:
    address, me = await write_from(session), await hire(session)
    talk = await threads.talk(session, address, "hello", now=FRIDAY)
    call = await requests.ask_for_call(session, address, now=FRIDAY)
    await threads.reply(session, call.code, "First", staff=me, words=WORDS, now=FRIDAY)
    await threads.reply(session, call.code, "Second", staff=me, words=WORDS, now=LATER)
    newer, older = await threads.list_mine(session, address)
    assert (older.code, older.stage, older.owner_name) == (talk.code, "received", None)
    assert older.due_at == talk.due_at
    assert (newer.code, newer.stage, newer.owner_name) == (call.code, "in_progress", "Sok")
    assert [(said.text, said.delivery) for said in newer.from_centre] == [
        ("First", "waiting"),
        ("Second", "waiting"),
    ]
    assert older.from_centre == []


async def test_what_the_centre_wrote_is_read_until_the_person_writes_again(
    session: AsyncSession,
) -> None:
    address, me = await write_from(session), await hire(session)
    code = (await threads.talk(session, address, "hello", now=FRIDAY)).code

    async def read() -> list[str]:
        mine = await threads.get_mine(session, address, code)
        return [said.text for said in mine.from_centre]

    for number in range(25):
        await threads.reply(session, code, str(number), staff=me, words=WORDS, now=FRIDAY)
    assert await read() == [str(number) for number in range(25)]
    await threads.talk(session, address, "yes", now=LATER)
    assert await read() == ["24"]
    await threads.reply(session, code, "good", staff=me, words=WORDS, now=LATER)
    await threads.reply(session, code, "bye", staff=me, words=WORDS, now=LATER)
    assert await read() == ["good", "bye"]


@pytest.mark.parametrize("state", ["withheld", "unreachable", "failed", "sent"])
async def test_answers_that_could_not_be_sent_are_known_to_wait(
    session: AsyncSession, state: str
) -> None:
    address, me = await write_from(session), await hire(session)
    code = (await threads.talk(session, address, "hello", now=FRIDAY)).code
    await threads.reply(session, code, "Come in", staff=me, words=WORDS, now=FRIDAY)
    await session.execute(update(OutboxRow).values(state=state, updated_at=LATER))
    has_unsent = await has_unsent_answers(session, address, LATER)
    assert has_unsent is (state != "sent")
    stranger = await write_from(session, "43")
    assert not await has_unsent_answers(session, stranger, FRIDAY)
    assert not await has_unsent_answers(session, address, LATER + timedelta(seconds=1))


async def test_answers_written_after_stop_are_known_to_wait(session: AsyncSession) -> None:
    address, me = await write_from(session), await hire(session)
    code = (await threads.talk(session, address, "hello", now=FRIDAY)).code
    await addresses.stop(session, address.id, now=LATER)
    assert not await has_unsent_answers(session, address, LATER)
    await threads.reply(session, code, "Come in", staff=me, words=WORDS, now=LATER)
    assert await has_unsent_answers(session, address, LATER)


@pytest.mark.parametrize(
    ("came", "stage", "can_confirm"), [(True, "confirmed", False), (False, "reopened", False)]
)
async def test_the_person_says_whether_help_came(
    session: AsyncSession, came: bool, stage: str, can_confirm: bool
) -> None:
    address, me = await write_from(session), await hire(session)
    request = await threads.talk(session, address, "hello", now=FRIDAY)
    await threads.finish(session, request.code, "helped", staff=me, words=WORDS, now=FRIDAY)
    done = await threads.get_mine(session, address, request.code)
    assert (done.stage, done.can_confirm) == ("done", True)
    await threads.confirm_help(session, address, request.code, came, now=LATER)
    mine = await threads.get_mine(session, address, request.code)
    assert (mine.stage, mine.can_confirm) == (stage, can_confirm)


async def test_an_answer_about_help_that_is_no_longer_asked_changes_nothing(
    session: AsyncSession,
) -> None:
    address = await write_from(session)
    request = await threads.talk(session, address, "hello", now=FRIDAY)
    for came in (True, False):
        await threads.confirm_help(session, address, request.code, came, now=LATER)
    assert request.state == "new"
    assert await kinds_of(session, request) == ["opened", "person_message"]


async def test_a_number_written_after_asking_for_a_call_is_the_one_to_call(
    session: AsyncSession,
) -> None:
    address = await write_from(session)
    call = await requests.ask_for_call(session, address, now=FRIDAY)
    await requests.add_phone_number(session, call.code, address, "+85512345678", now=FRIDAY)
    for words in ("លេខ 099 000 111", "thank you"):
        await threads.write_to_request(session, address, call.code, words, now=LATER)
    assert await kinds_of(session, call) == [
        "opened",
        "phone_number",
        "phone_number",
        "person_message",
    ]
    ways = await find_ways(session, call)
    assert [number.e164 for number in ways.numbers] == ["+85599000111", "+85512345678"]
