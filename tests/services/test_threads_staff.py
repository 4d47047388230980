import asyncio
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address, Request
from services import addresses, threads
from services.errors import (
    AlreadyTaken,
    EmptyText,
    MoveNotAllowed,
    NotAllowed,
    RequestNotFound,
    TextTooLong,
    UnknownCentre,
    UnknownOutcome,
    UnknownUrgency,
)
from services.follow_up import ANSWER_WITHIN
from tests.services.centre_at_work import (
    FRIDAY,
    PlainWords,
    events_of,
    hire,
    kinds_of,
    outbox,
    write_from,
)
from tests.support import Database

LATER = FRIDAY + timedelta(hours=1)
WORDS = PlainWords()


async def _asked(session: AsyncSession, address: Address | None = None) -> Request:
    address = address or await write_from(session)
    return await threads.talk(session, address, "hello", now=FRIDAY)


async def test_a_reply_is_an_event_and_a_message_of_one_transaction(session: AsyncSession) -> None:
    request, me = await _asked(session), await hire(session)
    result = await threads.reply(session, request.code, " Yes ", staff=me, words=WORDS, now=LATER)
    (row,) = await outbox(session)
    assert (row.id, row.purpose, row.asked_at) == (result.outbox_id, "reply", FRIDAY)
    event = (await events_of(session, request))[-1]
    assert (event.kind, event.staff_id, event.outbox_id) == ("staff_message", me.id, row.id)
    assert event.body == {"text": "Yes", "owner": str(me.id)}
    assert (request.state, request.owner_id, request.due_at) == ("taken", me.id, None)


async def test_a_reply_that_may_not_go_out_says_why_and_leaves_the_clock(
    session: AsyncSession,
) -> None:
    address, me = await write_from(session), await hire(session)
    request = await _asked(session, address)
    await addresses.stop(session, address.id, now=LATER)
    await session.refresh(address)
    result = await threads.reply(session, request.code, "Yes", staff=me, words=WORDS, now=LATER)
    assert (result.outbox_id, result.withheld) == (None, "stopped")
    assert request.due_at is not None
    assert await outbox(session) == []
    thread = await threads.get_thread(session, request.code)
    assert (thread.events[-1].text, thread.events[-1].delivery) == ("Yes", "withheld")


@pytest.mark.parametrize(("channel", "most"), [("telegram", 4096), ("sms", 1600)])
async def test_a_reply_that_its_channel_does_not_carry_is_refused(
    session: AsyncSession, channel: str, most: int
) -> None:
    value = "42" if channel == "telegram" else "+85512345678"
    request = await threads.talk(
        session, await write_from(session, value, channel), "?", now=FRIDAY
    )
    me = await hire(session)
    around = len(WORDS.reply(None, channel, request.code, "").text)
    too_long = "𐐀" * ((most - around) // 2) + "ក" * 2  # letters of two units each
    with pytest.raises(TextTooLong) as raised:
        await threads.reply(session, request.code, too_long, staff=me, words=WORDS, now=FRIDAY)
    assert raised.value.most == most
    assert await outbox(session) == []
    assert request.due_at is not None
    fitting = "ក" * (most - around)
    await threads.reply(session, request.code, fitting, staff=me, words=WORDS, now=FRIDAY)
    assert len(await outbox(session)) == 1


async def test_nothing_is_said_to_who_withdrew(session: AsyncSession) -> None:
    address, me = await write_from(session), await hire(session)
    request = await _asked(session, address)
    await threads.withdraw(session, address, request.code, now=FRIDAY)
    with pytest.raises(MoveNotAllowed):
        await threads.reply(session, request.code, "Yes", staff=me, words=WORDS, now=LATER)
    assert await outbox(session) == []


async def test_of_two_who_take_at_once_one_wins(db: Database) -> None:
    async with db.new_session.begin() as session:
        request = await _asked(session)
        staff = [await hire(session, name) for name in ("Sok", "Sao")]

    async def take(number: int) -> str:
        async with db.new_session.begin() as session:
            try:
                await threads.take(session, request.code, staff=staff[number], now=LATER)
            except AlreadyTaken as error:
                return f"taken by {error.name}"
            return f"won {staff[number].name}"

    results = sorted(await asyncio.gather(take(0), take(1)))
    assert results in (["taken by Sao", "won Sao"], ["taken by Sok", "won Sok"])
    async with db.new_session() as session:
        assert (await kinds_of(session, request)).count("taken") == 1


async def test_taking_twice_is_taking_once(session: AsyncSession) -> None:
    request, me = await _asked(session), await hire(session)
    for _ in range(2):
        await threads.take(session, request.code, staff=me, now=LATER)
    assert (await kinds_of(session, request)).count("taken") == 1


async def test_what_the_person_writes_while_it_is_finished_is_not_lost(db: Database) -> None:
    """In whichever order they come, the words are in the thread and somebody will read them."""
    async with db.new_session.begin() as session:
        address, me = await write_from(session), await hire(session)
        codes = [(await _asked(session, address)).code]

    async def write() -> None:
        async with db.new_session.begin() as session:
            await threads.write_to_request(session, address, codes[0], "wait!", now=LATER)

    async def finish() -> None:
        async with db.new_session.begin() as session:
            await threads.finish(session, codes[0], "helped", staff=me, words=WORDS, now=LATER)

    await asyncio.gather(write(), finish())
    async with db.new_session() as session:
        thread = await threads.get_thread(session, codes[0])
        kinds = [event.kind for event in thread.events]
        assert kinds.count("done") == 1
        assert "wait!" in [event.text for event in thread.events]
        is_last = kinds[-1] == "done"
        assert thread.request.state == ("done" if is_last else "reopened")


async def test_writing_and_replying_at_once_never_wait_for_one_another(db: Database) -> None:
    async with db.new_session.begin() as session:
        address, me = await write_from(session), await hire(session)
        request = await _asked(session, address)

    async def talk() -> None:
        async with db.new_session.begin() as session:
            await threads.talk(session, address, "and?", now=LATER)

    async def reply() -> None:
        async with db.new_session.begin() as session:
            await threads.reply(session, request.code, "Yes", staff=me, words=WORDS, now=LATER)

    await asyncio.gather(*(act() for _ in range(4) for act in (talk, reply)))
    async with db.new_session() as session:
        kinds = await kinds_of(session, request)
    assert (kinds.count("person_message"), kinds.count("staff_message")) == (5, 4)


async def test_finishing_asks_whether_help_came(session: AsyncSession) -> None:
    request, me = await _asked(session), await hire(session)
    words = PlainWords()
    result = await threads.finish(
        session, request.code, "referred", staff=me, words=words, now=LATER
    )
    (row,) = await outbox(session)
    assert (row.id, row.purpose) == (result.outbox_id, "follow_up")
    assert (request.state, request.outcome) == ("done", "referred")
    assert request.answer_by == LATER + ANSWER_WITHIN
    (question,) = words.asked
    assert (question.letter, question.kind, question.options) == ("K", "help_came", ("yes", "no"))


async def test_silence_means_nothing_of_who_could_not_be_reached(session: AsyncSession) -> None:
    request, me = await _asked(session), await hire(session)
    await threads.finish(session, request.code, "not_reached", staff=me, words=WORDS, now=LATER)
    assert request.answer_by is None
    assert len(await outbox(session)) == 1


async def test_silence_means_nothing_of_who_may_not_be_asked(session: AsyncSession) -> None:
    address, me = await write_from(session), await hire(session)
    request = await _asked(session, address)
    await addresses.stop(session, address.id, now=LATER)
    await session.refresh(address)
    result = await threads.finish(session, request.code, "helped", staff=me, words=WORDS, now=LATER)
    assert (result.withheld, request.answer_by, request.state) == ("stopped", None, "done")


async def test_the_rest_of_a_days_work(session: AsyncSession) -> None:
    request, me = await _asked(session), await hire(session)
    colleague = await hire(session, "Sao")
    code = request.code
    await threads.take(session, code, staff=me, now=LATER)
    await threads.wait_for_person(session, code, staff=me, now=LATER)
    await threads.wait_for_others(session, code, staff=me, now=LATER)
    await threads.go_on(session, code, staff=me, now=LATER)
    await threads.add_note(session, code, "call again", staff=me, now=LATER)
    await threads.assign(session, code, colleague, staff=me, now=LATER)
    await threads.set_urgency(session, code, "urgent", staff=me, now=LATER)
    await threads.finish(session, code, "helped", staff=colleague, words=WORDS, now=LATER)
    await threads.reopen(session, code, staff=me, now=LATER)
    thread = await threads.get_thread(session, code)
    assert [event.kind for event in thread.events] == [
        "opened",
        "person_message",
        "taken",
        "waiting_person",
        "waiting_others",
        "going_on",
        "note",
        "assigned",
        "urgency",
        "done",
        "reopened",
    ]
    assert (thread.owner_name, thread.ways.channel) == ("Sao", "telegram")
    assert [event.kind for event in thread.events if event.internal] == [
        "note",
        "assigned",
        "urgency",
    ]


async def test_another_centre_takes_over_with_its_thread(session: AsyncSession) -> None:
    request, me = await _asked(session), await hire(session)
    them = await hire(session, "Sao", centre="preah-vihear")
    with pytest.raises(NotAllowed):
        await threads.take(session, request.code, staff=them, now=LATER)
    await threads.hand_over(session, request.code, "preah-vihear", staff=me, now=LATER)
    with pytest.raises(NotAllowed):
        await threads.add_note(session, request.code, "still mine?", staff=me, now=LATER)
    await threads.take(session, request.code, staff=them, now=LATER)
    thread = await threads.get_thread(session, request.code)
    assert (thread.request.centre_id, thread.owner_name) == ("preah-vihear", "Sao")
    events = await events_of(session, thread.request)
    assert {event.centre_id for event in events} == {"preah-vihear"}


async def test_what_does_not_exist_is_named(session: AsyncSession) -> None:
    request, me = await _asked(session), await hire(session)
    code = request.code
    with pytest.raises(UnknownCentre):
        await threads.hand_over(session, code, "nowhere", staff=me, now=LATER)
    with pytest.raises(UnknownOutcome):
        await threads.finish(session, code, "fine", staff=me, words=WORDS, now=LATER)
    with pytest.raises(UnknownUrgency):
        await threads.set_urgency(session, code, "very", staff=me, now=LATER)
    with pytest.raises(RequestNotFound):
        await threads.take(session, "87654321", staff=me, now=LATER)
    with pytest.raises(EmptyText):
        await threads.reply(session, code, " ", staff=me, words=WORDS, now=LATER)
    assert await kinds_of(session, request) == ["opened", "person_message"]


@pytest.mark.parametrize(
    ("outbox_state", "delivery"),
    [
        ("sending", "waiting"),
        ("sent", "sent"),
        ("delivered", "delivered"),
        ("uncertain", "uncertain"),
        ("undelivered", "failed"),
        ("unreachable", "unreachable"),
        ("withheld", "withheld"),
    ],
)
async def test_the_thread_says_how_far_a_message_came(
    session: AsyncSession, outbox_state: str, delivery: str
) -> None:
    request, me = await _asked(session), await hire(session)
    await threads.reply(session, request.code, "Yes", staff=me, words=WORDS, now=LATER)
    (row,) = await outbox(session)
    row.state = outbox_state
    thread = await threads.get_thread(session, request.code)
    assert thread.events[-1].delivery == delivery
