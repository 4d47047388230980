"""What lies in a chat of staff stays true: whatever becomes of the request, its cards say it."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import OutboxRow, Request, StaffCard, StaffChat
from services import jobs, staff, threads, undelivered
from services.staff_cards.pressing import SEEN, press
from services.staff_cards.sending import MOST_SINGLE, send_due
from services.staff_cards.standing import Edits, list_edits
from tests.services.centre_at_work import FRIDAY, PlainWords, hire
from tests.services.desk_visitors import at_desk
from tests.services.referred import address_of, begin, make_agency, wanted
from tests.services.staff_chats import (
    HeardWords,
    ask_urgently,
    cards_of,
    chat_of,
    find_boss,
    messages_to,
    work_with_chat,
)
from tests.support import Database

LATER = FRIDAY + timedelta(minutes=5)
_FORGET_JOBS = text("DELETE FROM procrastinate_jobs")


async def _told(session: AsyncSession, *, sent: str = "sent") -> Request:
    """An urgent request of whom Sok and Dara have had word."""
    for name in ("Sok", "Dara"):
        await work_with_chat(session, name)
    request = await ask_urgently(session)
    await _deliver(session, sent)
    return request


async def _deliver(session: AsyncSession, state: str = "sent") -> None:
    await send_due(session, HeardWords(), FRIDAY)
    query = select(OutboxRow).where(OutboxRow.purpose == "staff_card")
    for row in await session.scalars(query):
        row.state, row.provider_id = state, str(row.id)
    await session.flush()


async def _edits(session: AsyncSession, request: Request) -> Edits:
    return await list_edits(session, request.id, HeardWords())


async def _say(session: AsyncSession, request: Request) -> dict[str, str]:
    """What each chat's card is to say now."""
    edits = await _edits(session, request)
    names = {chat_of(name): name for name in ("Sok", "Dara")}
    return {names[edit.chat]: edit.message.text for edit in edits.due}


async def test_as_long_as_it_waits_nothing_is_edited(db: Database) -> None:
    async with db.new_session.begin() as session:
        request = await _told(session)
        assert await _edits(session, request) == Edits([], is_early=False)


async def test_what_one_took_the_others_read(db: Database) -> None:
    async with db.new_session.begin() as session:
        request = await _told(session)
        await threads.take(
            session, request.code, staff=await staff.get_by_name(session, "Sok"), now=LATER
        )
        code = request.code
        assert await _say(session, request) == {
            "Sok": f"km {code} taken",
            "Dara": f"km {code} colleague",
        }
        sok = await session.scalar(select(OutboxRow.provider_id).order_by(OutboxRow.id).limit(1))
        assert (await _edits(session, request)).due[0].message_id == sok


async def test_what_was_taken_and_given_on_is_theirs_no_more(db: Database) -> None:
    async with db.new_session.begin() as session:
        request = await _told(session)
        sok, dara = (
            await staff.get_by_name(session, "Sok"),
            await staff.get_by_name(session, "Dara"),
        )
        await threads.take(session, request.code, staff=sok, now=LATER)
        await threads.assign(session, request.code, dara, staff=sok, now=LATER)
        code = request.code
        assert await _say(session, request) == {
            "Sok": f"km {code} colleague",
            "Dara": f"km {code} taken",
        }
        await threads.hand_over(session, code, "preah-vihear", staff=dara, now=LATER)
        # Not even its code: it is another centre's.
        assert await _say(session, request) == {
            "Sok": "km None elsewhere",
            "Dara": "km None elsewhere",
        }


@pytest.mark.parametrize(
    ("act", "said"), [("finish", "over"), ("calm", "calm"), ("reply", "answered")]
)
async def test_closed_answered_or_urgent_no_more(db: Database, act: str, said: str) -> None:
    async with db.new_session.begin() as session:
        request = await _told(session)
        sok, words = await staff.get_by_name(session, "Sok"), PlainWords()
        code = request.code
        if act == "finish":
            await threads.finish(session, code, "helped", staff=sok, words=words, now=LATER)
        elif act == "calm":
            await threads.set_urgency(session, code, "low", staff=sok, now=LATER)
        else:
            await threads.reply(session, code, "hello", staff=sok, words=words, now=LATER)
        assert (await _say(session, request))["Sok"] == f"km {code} {said}"


async def test_what_is_anybody_s_again_may_be_taken_again(db: Database) -> None:
    async with db.new_session.begin() as session:
        request = await _told(session)
        sok, code = await staff.get_by_name(session, "Sok"), request.code
        await threads.finish(session, code, "helped", staff=sok, words=PlainWords(), now=LATER)
        await threads.reopen(session, code, staff=sok, now=LATER)
        assert (await _say(session, request))["Dara"] == f"km urgent {code}"


async def test_what_stands_again_as_it_did_says_so_again(db: Database) -> None:
    """As when a closing is undone: the card said meanwhile that nobody need look any more."""
    async with db.new_session.begin() as session:
        request, boss = await _told(session), await find_boss(session)
        code = request.code
        await threads.set_urgency(session, code, "normal", staff=boss, now=LATER)
        assert set((await _say(session, request)).values()) == {f"km {code} calm"}
        await threads.set_urgency(session, code, "urgent", staff=boss, now=LATER)
        assert await _say(session, request) == dict.fromkeys(("Sok", "Dara"), f"km urgent {code}")


async def test_who_has_seen_it_still_has(db: Database) -> None:
    async with db.new_session.begin() as session:
        request = await _told(session)
        chat = await session.get_one(StaffChat, (await staff.get_by_name(session, "Dara")).id)
        cards = {card.staff_id: card for card in await cards_of(session, request)}
        card = cards[chat.staff_id]
    await press(db.new_session, chat.address_id, card.id, SEEN, now=LATER)
    async with db.new_session.begin() as session:
        boss, code = await find_boss(session), request.code
        await threads.take(session, code, staff=await staff.get_by_name(session, "Sok"), now=LATER)
        await threads.finish(session, code, "helped", staff=boss, words=PlainWords(), now=LATER)
        await threads.reopen(session, code, staff=boss, now=LATER)
        assert (await _say(session, request))["Dara"] == f"km {code} noted"


async def test_a_message_that_counts_counts_anew(db: Database) -> None:
    async with db.new_session.begin() as session:
        sok = await work_with_chat(session)
        requests = [await ask_urgently(session, str(40 + at)) for at in range(MOST_SINGLE + 3)]
        await _deliver(session)
        assert len(await messages_to(session, "Sok")) == MOST_SINGLE + 1
        counted = requests[MOST_SINGLE:]
        for left, request in zip((2, 1, 0), counted, strict=True):
            await threads.take(session, request.code, staff=sok, now=LATER)
            (edit,) = (await _edits(session, request)).due
            assert edit.message.text == (f"km {left} 0" if left else "km none left")


async def test_what_waits_to_be_sent_is_not_sent(db: Database) -> None:
    async with db.new_session.begin() as session:
        request = await _told(session, sent="waiting")
        await threads.take(
            session, request.code, staff=await staff.get_by_name(session, "Sok"), now=LATER
        )
        assert await _edits(session, request) == Edits([], is_early=False)
        rows = [*(await messages_to(session, "Sok")), *(await messages_to(session, "Dara"))]
        assert [(row.state, row.error_code) for row in rows] == [("withheld", "overtaken")] * 2


async def test_what_is_just_going_out_is_looked_at_again(db: Database) -> None:
    async with db.new_session.begin() as session:
        request = await _told(session, sent="sending")
        await threads.take(
            session, request.code, staff=await staff.get_by_name(session, "Sok"), now=LATER
        )
        assert await _edits(session, request) == Edits([], is_early=True)


async def test_a_chat_that_was_taken_from_them_is_left_alone(db: Database) -> None:
    async with db.new_session.begin() as session:
        request = await _told(session)
        dara = await staff.get_by_name(session, "Dara")
        await session.delete(await session.get_one(StaffChat, dara.id))
        await threads.take(
            session, request.code, staff=await staff.get_by_name(session, "Sok"), now=LATER
        )
        assert list(await _say(session, request)) == ["Sok"]


async def test_whoever_changes_it_promises_one_look(db: Database) -> None:
    async with db.new_session.begin() as session:
        sok = await hire(session)
        untold = await ask_urgently(session)
        await threads.take(session, untold.code, staff=sok, now=LATER)
        assert await _looks(session) == []
    async with db.new_session.begin() as session:
        for name in ("Chan", "Dara"):
            await work_with_chat(session, name)
        request = await ask_urgently(session, "43")
        await _deliver(session)
        dara = await staff.get_by_name(session, "Dara")
        await threads.take(session, request.code, staff=dara, now=LATER)
        await threads.add_note(session, request.code, "note", staff=dara, now=LATER)
        assert await session.scalar(select(StaffCard.id).limit(1)) is not None
        assert await _looks(session) == [{"request_id": request.id}]


async def _ask_about_agency(session: AsyncSession, request: Request) -> None:
    sok = at_desk(await staff.get_by_name(session, "Sok"))
    through_us = wanted(await make_agency(session), shared=("need",), through_us=True)
    await begin(session, sok, request, through_us)


async def _write_again(session: AsyncSession, request: Request) -> None:
    person = await address_of(session, request)
    await threads.write_to_request(session, person, request.code, "and now?", now=LATER)


async def _lose_reply(session: AsyncSession, request: Request) -> None:
    is_reply = OutboxRow.purpose == "reply"
    lost = {"state": "failed", "updated_at": LATER}
    await session.execute(update(OutboxRow).where(is_reply).values(**lost))
    assert await undelivered.note_undelivered(session, LATER) == 1


async def _try_reply_again(session: AsyncSession, request: Request) -> None:
    await _lose_reply(session, request)
    await session.execute(_FORGET_JOBS)
    replies = await session.scalars(select(OutboxRow.id).where(OutboxRow.purpose == "reply"))
    assert await undelivered.try_again(session, replies.all(), LATER)


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (_ask_about_agency, "answered"),
        (_write_again, "taken"),
        (_lose_reply, "taken"),
        (_try_reply_again, "answered"),
    ],
)
async def test_whatever_else_becomes_of_it_promises_a_look(
    db: Database, act: Callable[[AsyncSession, Request], Awaitable[None]], said: str
) -> None:
    async with db.new_session.begin() as session:
        request = await _told(session)
        sok, words = await staff.get_by_name(session, "Sok"), PlainWords()
        await threads.reply(session, request.code, "yes", staff=sok, words=words, now=FRIDAY)
        await session.execute(_FORGET_JOBS)
        await act(session, request)
        assert await _looks(session) == [{"request_id": request.id}]
        assert (await _say(session, request))["Sok"] == f"km {request.code} {said}"


async def _looks(session: AsyncSession) -> list[object]:
    query = text("SELECT args FROM procrastinate_jobs WHERE task_name = :name")
    return list(await session.scalars(query, {"name": jobs.SHOW_CARDS}))
