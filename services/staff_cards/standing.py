"""A card that was sent goes on telling the truth: taken, closed, handed over, it says so.

Whoever read "urgent" on their phone would open the desk for what a colleague has done already. So
whoever changes a request promises a look at its cards (`telling.promise_look`). As long as staff
have not touched it nothing is edited; then it is worded anew, also where it stands again as it did.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import ColumnElement, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import (
    OPEN_STATES,
    Account,
    Address,
    OutboxRow,
    Request,
    RequestEvent,
    Staff,
    StaffCard,
    StaffChat,
)
from services.files import OWN_CENTRE_ROLES
from services.outbox import OVERTAKEN
from services.staff_cards import pressing
from services.staff_cards.telling import FREE_STATES, URGENT, is_wanted
from services.staff_cards.words import CardMessage, CardWords, Counted, tell

MOST: Final = 50
"""Messages about one request, the newest: nobody scrolls back to what is older."""
_UNDERWAY: Final = ("waiting", "sending")
_SENT: Final = ("sent", "delivered")


@dataclass(frozen=True, slots=True)
class Edit:
    """What a message of a chat is to say now; both are named as their carrier does."""

    chat: str = field(repr=False)
    message_id: str
    message: CardMessage


@dataclass(frozen=True, slots=True)
class Edits:
    """With `is_early` one of the messages is still to go out: it is to be looked at again."""

    due: Sequence[Edit]
    is_early: bool


@dataclass(frozen=True, slots=True)
class _Sent:
    """A card in its reader's chat, with its message.

    `was_touched`: staff have done something since it was written, so it may say otherwise by now.
    """

    card: StaffCard
    request: Request
    row: OutboxRow
    staff: Staff
    language: str
    was_touched: bool
    chat: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Said:
    """A message in a chat, and what it is to say."""

    row: OutboxRow
    chat: str = field(repr=False)
    message: CardMessage


async def list_edits(session: AsyncSession, request_id: int, words: CardWords) -> Edits:
    """What the messages with cards of this request are to say, but for those that are true.

    What was not sent yet and is needless by now is not sent at all. The request is held: whoever
    is changing it may have promised the very look that asks here.
    """
    held = select(Request.id).where(Request.id == request_id)
    await session.execute(held.with_for_update(read=True))
    messages = (
        select(StaffCard.outbox_id)
        .where(StaffCard.request_id == request_id, StaffCard.outbox_id.is_not(None))
        .order_by(StaffCard.id.desc())
        .limit(MOST)
    )
    by_message: dict[int, list[_Sent]] = defaultdict(list)
    for one in await _list_sent(session, StaffCard.outbox_id.in_(messages)):
        by_message[one.row.id].append(one)
    due: list[Edit] = []
    is_early = False
    for cards in by_message.values():
        wanted = [is_wanted(one.card, one.request) for one in cards]
        if not all(wanted) or any(one.was_touched for one in cards):
            said = _Said(cards[0].row, cards[0].chat, _say(cards, words))
            edits = await _find_edit(session, said, is_needless=not any(wanted))
            due += edits.due
            is_early |= edits.is_early
    return Edits(due, is_early)


async def list_edits_of_message(session: AsyncSession, outbox_id: int, words: CardWords) -> Edits:
    """What this message with cards is to say, when a request that it told of was deleted."""
    query = (
        select(OutboxRow, Address, Account.language)
        .join(Address, Address.id == OutboxRow.address_id)
        .join(StaffChat, StaffChat.address_id == Address.id)
        .join(Account, Account.staff_id == StaffChat.staff_id)
        .where(OutboxRow.id == outbox_id)
    )
    found = (await session.execute(query)).one_or_none()
    if found is None:
        return Edits([], is_early=False)
    row, address, language = found
    cards = await _list_sent(session, StaffCard.outbox_id == outbox_id)
    message = _say(cards, words) if cards else words.standing(language, None, pressing.GONE)
    return await _find_edit(session, _Said(row, address.value, message), is_needless=not cards)


async def _find_edit(session: AsyncSession, said: _Said, *, is_needless: bool) -> Edits:
    """What is needless is not sent any more; what tells of others too is looked at once it was."""
    row = said.row
    if row.state == "waiting" and is_needless:
        await _withhold(session, row)
    elif row.state in _UNDERWAY:
        return Edits([], is_early=True)
    elif row.state in _SENT and row.provider_id is not None:
        return Edits([Edit(said.chat, row.provider_id, said.message)], is_early=False)
    return Edits([], is_early=False)


async def _list_sent(session: AsyncSession, which: ColumnElement[bool]) -> Sequence[_Sent]:
    """All these cards that have a message, where their reader has that chat still."""
    was_touched = exists().where(
        RequestEvent.request_id == StaffCard.request_id,
        RequestEvent.actor == "staff",
        RequestEvent.at > StaffCard.created_at,
    )
    query = (
        select(StaffCard, Request, OutboxRow, Staff, Account.language, was_touched, Address)
        .join(Request, Request.id == StaffCard.request_id)
        .join(OutboxRow, OutboxRow.id == StaffCard.outbox_id)
        .join(Staff, Staff.id == StaffCard.staff_id)
        .join(Account, Account.staff_id == Staff.id)
        .join(StaffChat, StaffChat.staff_id == Staff.id)
        .join(Address, Address.id == StaffChat.address_id)
        .where(which, OutboxRow.address_id == Address.id)
        .order_by(StaffCard.id)
    )
    rows = await session.execute(query)
    return [_Sent(*row[:6], chat=row[6].value) for row in rows]


async def _withhold(session: AsyncSession, row: OutboxRow) -> None:
    await session.execute(
        update(OutboxRow)
        .where(OutboxRow.id == row.id, OutboxRow.state == "waiting")
        .values(state="withheld", error_code=OVERTAKEN, leased_until=None, updated_at=func.now())
    )


def _say(cards: Sequence[_Sent], words: CardWords) -> CardMessage:
    if len(cards) > 1:
        return _say_many(cards, words)
    one = cards[0]
    outcome = find_outcome(one.card, one.request, one.staff)
    told = tell(
        one.request, one.card.id, one.card.cause, may_take=one.staff.role in OWN_CENTRE_ROLES
    )
    if outcome is None:
        return words.card(one.language, told)
    return words.standing(one.language, None if outcome == pressing.ELSEWHERE else told, outcome)


def _say_many(cards: Sequence[_Sent], words: CardWords) -> CardMessage:
    """How many of them wait still."""
    left = [one.card for one in cards if is_wanted(one.card, one.request)]
    if not left:
        return words.none_left(cards[0].language)
    urgent = sum(card.cause == URGENT for card in left)
    return words.cards(
        cards[0].language, Counted(left[0].id, urgent=urgent, overdue=len(left) - urgent)
    )


def find_outcome(card: StaffCard, request: Request, reader: Staff) -> str | None:
    """What has become of the request, for who reads its card; None when it waits as it did."""
    if reader.centre_id not in (None, request.centre_id):
        return pressing.ELSEWHERE
    if request.state not in OPEN_STATES:
        return pressing.OVER
    if request.state not in FREE_STATES and request.owner_id is not None:
        if request.owner_id != reader.id:
            return pressing.COLLEAGUE
        return pressing.ANSWERED if request.due_at is None else pressing.TAKEN
    if card.cause == URGENT and request.urgency != URGENT:
        return pressing.CALM
    return pressing.NOTED if card.seen_at is not None else None
