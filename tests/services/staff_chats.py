"""Staff with a linked chat, and what their cards say, for the tests of cards."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Account, Address, OutboxRow, Request, Staff, StaffCard
from services import threads
from services.staff_cards import linking
from services.staff_cards.linking import Linked, NotLinked
from services.staff_cards.words import CardMessage, Counted, Told
from tests.services.centre_at_work import FRIDAY, hire, write_from
from tests.services.desk_visitors import at_desk


@dataclass
class HeardWords:
    """Remembers what it was asked to say."""

    told: list[Told] = field(default_factory=list)
    counted: list[Counted] = field(default_factory=list)

    def card(self, language: str, told: Told) -> CardMessage:
        self.told.append(told)
        return CardMessage(f"{language} {told.cause} {told.code}", {"inline_keyboard": []})

    def cards(self, language: str, counted: Counted) -> CardMessage:
        self.counted.append(counted)
        return CardMessage(f"{language} {counted.urgent} {counted.overdue}")

    def standing(self, language: str, told: Told | None, outcome: str) -> CardMessage:
        return CardMessage(f"{language} {None if told is None else told.code} {outcome}")

    def none_left(self, language: str) -> CardMessage:
        return CardMessage(f"{language} none left")

    def test_card(self, language: str) -> CardMessage:
        return CardMessage(f"{language} test")

    def unlinked(self, language: str) -> CardMessage:
        return CardMessage(f"{language} unlinked")


async def work_with_chat(
    session: AsyncSession,
    name: str = "Sok",
    role: str = "case_worker",
    centre: str | None = "pursat",
    *,
    now: datetime = FRIDAY,
) -> Staff:
    """Somebody with an account and a linked chat (`chat_of` their name)."""
    person = await employ(session, name, role, centre)
    await link(session, person, chat_of(name), now=now)
    return person


def chat_of(name: str) -> str:
    return str(int.from_bytes(name.encode()[:6]))


async def employ(
    session: AsyncSession,
    name: str = "Sok",
    role: str = "case_worker",
    centre: str | None = "pursat",
) -> Staff:
    """Somebody with an account and no chat."""
    person = await hire(session, name, role, centre)
    session.add(
        Account(staff_id=person.id, username=name.lower(), created_at=FRIDAY, updated_at=FRIDAY)
    )
    await session.flush()
    return person


async def link(
    session: AsyncSession, person: Staff, chat: str, *, now: datetime = FRIDAY
) -> Linked | NotLinked:
    made = await linking.new_link(session, at_desk(person), now=now)
    address = await write_from(session, chat, now=now)
    return await linking.link(session, address, made.start, now=now)


async def ask_urgently(
    session: AsyncSession, chat: str = "42", *, now: datetime = FRIDAY
) -> Request:
    """An urgent request that nobody has taken."""
    request = await threads.talk(session, await write_from(session, chat, now=now), "x", now=now)
    boss = await find_boss(session)
    return await threads.set_urgency(session, request.code, "urgent", staff=boss, now=now)


async def find_boss(session: AsyncSession) -> Staff:
    """An administrator without a chat."""
    for person in await session.scalars(select(Staff).where(Staff.role == "administrator")):
        if person.name == "Boss":
            return person
    return await hire(session, "Boss", "administrator", None)


async def cards_of(session: AsyncSession, request: Request) -> list[StaffCard]:
    query = select(StaffCard).where(StaffCard.request_id == request.id).order_by(StaffCard.id)
    fresh = query.execution_options(populate_existing=True)
    return list(await session.scalars(fresh))


async def told_to(session: AsyncSession, request: Request) -> list[tuple[str, str, str]]:
    """(cause, level, name) of every card of a request, in their order."""
    found = []
    for card in await cards_of(session, request):
        person = await session.get_one(Staff, card.staff_id)
        found.append((card.cause, card.level, person.name))
    return found


async def messages_to(session: AsyncSession, name: str) -> list[OutboxRow]:
    """What was promised to somebody's chat, oldest first."""
    query = (
        select(OutboxRow)
        .join(Address, Address.id == OutboxRow.address_id)
        .where(OutboxRow.purpose == "staff_card")
        .order_by(OutboxRow.id)
        .execution_options(populate_existing=True)
    )
    rows = (await session.scalars(query)).all()
    chats = {row.id: (await session.get_one(Address, row.address_id)).value for row in rows}
    return [row for row in rows if chats[row.id] == chat_of(name)]
