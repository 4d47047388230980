"""A press does what the desk would let them do, says so, and does it once."""

import asyncio
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import AuditRow, Request, Staff, StaffCard, StaffChat
from services import staff, threads
from services.staff_cards import pressing
from services.staff_cards.climbing import climb
from services.staff_cards.pressing import SEEN, TAKE, Pressed, press
from services.staff_cards.sending import LOOK_WITHIN, send_due
from tests.services.centre_at_work import FRIDAY, PlainWords, kinds_of, write_from
from tests.services.staff_chats import (
    HeardWords,
    ask_urgently,
    cards_of,
    find_boss,
    messages_to,
    told_to,
    work_with_chat,
)
from tests.support import Database

LATER = FRIDAY + timedelta(minutes=5)


class Desk:
    """One urgent request, told to two workers of its centre."""

    def __init__(self, db: Database) -> None:
        self.db = db

    async def open(self, *requests: str) -> None:
        async with self.db.new_session.begin() as session:
            for name in ("Sok", "Dara"):
                await work_with_chat(session, name)
            for chat in requests or ("42",):
                self.request = await ask_urgently(session, chat)
            await send_due(session, HeardWords(), FRIDAY)

    async def press(self, name: str, act: str, card: StaffCard | None = None) -> Pressed:
        async with self.db.new_session.begin() as session:
            person = await staff.get_by_name(session, name)
            chat = await session.get_one(StaffChat, person.id)
            card = card or await self.card_of(session, name)
        return await press(self.db.new_session, chat.address_id, card.id, act, now=LATER)

    async def card_of(self, session: AsyncSession, name: str) -> StaffCard:
        query = (
            select(StaffCard)
            .join(Staff, Staff.id == StaffCard.staff_id)
            .where(StaffCard.request_id == self.request.id)
        )
        for card in await session.scalars(query):
            if (await session.get_one(Staff, card.staff_id)).name == name:
                return card
        raise AssertionError(f"no card of {name}")

    async def now(self) -> Request:
        async with self.db.new_session.begin() as session:
            return await session.get_one(Request, self.request.id)

    async def audited(self) -> list[tuple[str, str]]:
        wanted = AuditRow.action.in_(["taken", "seen", "refused"])
        query = select(AuditRow.action, AuditRow.subject).where(wanted).order_by(AuditRow.id)
        async with self.db.new_session.begin() as session:
            return [tuple(row) for row in await session.execute(query)]


async def opened(db: Database, *requests: str) -> Desk:
    desk = Desk(db)
    await desk.open(*requests)
    return desk


async def test_take_makes_it_theirs(db: Database) -> None:
    desk = await opened(db)
    done = await desk.press("Sok", TAKE)
    assert (done.outcome, done.language) == (pressing.TAKEN, "km")
    assert done.told is not None
    assert done.told.code == desk.request.code
    request = await desk.now()
    async with db.new_session.begin() as session:
        owner = await session.get_one(Staff, request.owner_id)
        card = await desk.card_of(session, "Sok")
    assert (request.state, owner.name) == ("taken", "Sok")
    assert (card.taken_at, card.seen_at, card.climb_at) == (LATER, LATER, None)
    assert await desk.audited() == [("taken", "request")]


async def test_a_double_tap_is_one_taking(db: Database) -> None:
    desk = await opened(db)
    first, second = await desk.press("Sok", TAKE), await desk.press("Sok", TAKE)
    assert first == second
    async with db.new_session.begin() as session:
        request = await session.get_one(Request, desk.request.id)
        assert (await kinds_of(session, request)).count("taken") == 1
    assert await desk.audited() == [("taken", "request")]


async def test_of_two_at_once_one_has_it_and_the_other_is_told(db: Database) -> None:
    desk = await opened(db)
    done = await asyncio.gather(desk.press("Sok", TAKE), desk.press("Dara", TAKE))
    assert sorted(one.outcome for one in done) == [pressing.COLLEAGUE, pressing.TAKEN]


async def test_seen_stops_the_climb_and_takes_nothing(db: Database) -> None:
    desk = await opened(db)
    assert (await desk.press("Sok", SEEN)).outcome == pressing.NOTED
    assert (await desk.press("Sok", SEEN)).outcome == pressing.NOTED
    assert (await desk.now()).state == "new"
    async with db.new_session.begin() as session:
        await work_with_chat(session, "Manager", "centre_manager")
        await climb(session, FRIDAY + LOOK_WITHIN["urgent"])
        assert all(card.climb_at is None for card in await cards_of(session, desk.request))
        assert "Manager" not in {name for _, _, name in await told_to(session, desk.request)}
    assert await desk.audited() == [("seen", "staff_card")]


async def test_seen_on_a_message_of_several_counts_for_all(db: Database) -> None:
    desk = await opened(db, *[str(chat) for chat in range(9)])
    done = await desk.press("Sok", SEEN)
    assert done.counted is not None
    assert done.counted.urgent == 4
    async with db.new_session.begin() as session:
        (*_, together) = await messages_to(session, "Sok")
        query = select(StaffCard.seen_at).where(StaffCard.outbox_id == together.id)
        assert set(await session.scalars(query)) == {LATER}


async def test_seen_on_an_old_card_says_nothing_of_what_came_since(db: Database) -> None:
    desk = await opened(db)
    async with db.new_session.begin() as session:
        manager = await work_with_chat(session, "Manager", "centre_manager")
        boss = await find_boss(session)
        old = await desk.card_of(session, "Sok")
        code = desk.request.code
        await threads.finish(session, code, "helped", staff=boss, words=PlainWords(), now=FRIDAY)
        await threads.reopen(session, code, staff=manager, now=LATER)
        await send_due(session, HeardWords(), LATER)
    assert (await desk.press("Sok", SEEN, old)).outcome == pressing.NOTED
    async with db.new_session.begin() as session:
        await climb(session, LATER + LOOK_WITHIN["urgent"])
        assert "Manager" in {name for _, _, name in await told_to(session, desk.request)}


async def test_what_is_closed_or_withdrawn_says_so(db: Database) -> None:
    desk = await opened(db, "8", "9")
    async with db.new_session.begin() as session:
        person = await write_from(session, "9")
        await threads.withdraw(session, person, desk.request.code, now=LATER)
    assert (await desk.press("Sok", TAKE)).outcome == pressing.OVER
    desk.request = await _other(db, desk.request)
    async with db.new_session.begin() as session:
        boss, words = await find_boss(session), PlainWords()
        await threads.finish(
            session, desk.request.code, "helped", staff=boss, words=words, now=LATER
        )
    assert (await desk.press("Dara", TAKE)).outcome == pressing.OVER
    assert await desk.audited() == []


async def _other(db: Database, request: Request) -> Request:
    async with db.new_session.begin() as session:
        return (await session.scalars(select(Request).where(Request.id != request.id))).one()


async def test_what_went_to_another_centre_is_refused_and_written_down(db: Database) -> None:
    desk = await opened(db)
    async with db.new_session.begin() as session:
        boss, code = await find_boss(session), desk.request.code
        await threads.hand_over(session, code, "preah-vihear", staff=boss, now=LATER)
    for act in (TAKE, SEEN):
        done = await desk.press("Sok", act)
        assert (done.outcome, done.told) == (pressing.ELSEWHERE, None)
    assert (await desk.now()).owner_id is None
    assert await desk.audited() == [("refused", "request")]


async def test_a_colleagues_card_is_refused_and_written_down(db: Database) -> None:
    desk = await opened(db)
    async with db.new_session.begin() as session:
        theirs = await desk.card_of(session, "Dara")
    done = await desk.press("Sok", TAKE, theirs)
    assert (done.outcome, done.told) == (pressing.GONE, None)
    assert (await desk.now()).state == "new"
    assert await desk.audited() == [("refused", "staff_card")]


async def test_a_chat_that_is_nobodys_any_more_is_refused(db: Database) -> None:
    desk = await opened(db)
    async with db.new_session.begin() as session:
        me = await staff.get_by_name(session, "Sok")
        chat = await session.get_one(StaffChat, me.id)
        card = await desk.card_of(session, "Sok")
        await staff.end(session, me, now=LATER)
    for _ in range(3):
        done = await press(db.new_session, chat.address_id, card.id, TAKE, now=LATER)
        assert done == Pressed(pressing.UNLINKED)
    assert (await desk.now()).state == "new"
    assert await desk.audited() == [("refused", "staff_card")]


async def test_an_administrator_takes_nothing_that_the_desk_would_not_show(db: Database) -> None:
    desk = await opened(db)
    async with db.new_session.begin() as session:
        admin = await work_with_chat(session, "Admin", "administrator", None)
        card = await desk.card_of(session, "Sok")
        await session.execute(
            update(StaffCard).where(StaffCard.id == card.id).values(staff_id=admin.id)
        )
    assert (await desk.press("Admin", TAKE)).outcome == pressing.ELSEWHERE
    assert (await desk.press("Admin", SEEN)).outcome == pressing.NOTED
    assert (await desk.now()).state == "new"


async def test_a_test_card_answers(db: Database) -> None:
    desk = await opened(db)
    async with db.new_session.begin() as session:
        me = await staff.get_by_name(session, "Sok")
        chat = await session.get_one(StaffChat, me.id)
    done = await press(desk.db.new_session, chat.address_id, 0, SEEN, now=LATER)
    assert done == Pressed(pressing.TEST, "km")
