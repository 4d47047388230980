"""Makes messages of cards whose moment has come, few enough for somebody to read them.

Of a burst the first come one by one, the rest in one message that counts them. What was answered
meanwhile, in the night perhaps, is not sent at all.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Account, Address, OutboxRow, Request, Staff, StaffCard, StaffChat
from services import centre_clock, messages
from services.centre_clock import CentreClock
from services.contact_policy import Purpose
from services.files import OWN_CENTRE_ROLES
from services.messages import Withheld
from services.staff_cards.climbing import give_up
from services.staff_cards.roles import CARD_ROLES
from services.staff_cards.telling import OVERDUE, URGENT, is_wanted
from services.staff_cards.words import CardMessage, CardWords, Counted, tell

MOST_SINGLE: Final = 5
WITHIN: Final = timedelta(minutes=10)
"""So many cards of their own within this time, then one that counts the rest."""
LOOK_WITHIN: Final = {URGENT: timedelta(minutes=15), OVERDUE: timedelta(minutes=30)}
"""After so much time in which the centre was open, the next above hears of an unseen card."""
BATCH: Final = 500
_LONGEST_HELD: Final = timedelta(days=30)  # no centre is closed for longer


@dataclass(frozen=True, slots=True)
class _Due:
    """A card that may be sent, with what decides how."""

    card: StaffCard
    request: Request
    clock: CentreClock


@dataclass(frozen=True, slots=True)
class _Reader:
    """Who reads the cards, in which role, and where."""

    staff_id: UUID
    role: str
    centre_id: str | None
    language: str
    address: Address

    def may_hear_of(self, request: Request) -> bool:
        """Whoever works elsewhere since the card was written has nothing to do with it."""
        return self.centre_id in (None, request.centre_id)


async def send_due(
    session: AsyncSession, words: CardWords, now: datetime, limit: int = BATCH
) -> int:
    """Promise the messages; returns how many cards were looked at. One at a time may run."""
    rows = (await session.execute(_due_cards(now, limit))).all()
    readers = await _hold_readers(session, {card.staff_id for card, _ in rows})
    clocks = await centre_clock.list_for(session, {card.centre_id for card, _ in rows})
    by_reader: dict[UUID, list[_Due]] = defaultdict(list)
    unreachable: list[tuple[StaffCard, Request]] = []
    for card, request in rows:
        reader = readers.get(card.staff_id)
        if not is_wanted(card, request):
            end(card, now)
        elif reader is None or not reader.may_hear_of(request):
            unreachable.append((card, request))
        else:
            by_reader[reader.staff_id].append(_Due(card, request, clocks[card.centre_id]))
    for staff_id, due in by_reader.items():
        unreachable += await _send_all(session, readers[staff_id], due, words, now)
    await give_up(session, unreachable, now)
    await session.flush()
    return len(rows)


def end(card: StaffCard, now: datetime) -> None:
    """Nobody needs it any more."""
    card.climb_at = None
    card.ended_at = now


def _due_cards(now: datetime, limit: int) -> Any:
    return (
        select(StaffCard, Request)
        .join(Request, Request.id == StaffCard.request_id)
        .where(
            StaffCard.climb_at <= now,
            StaffCard.outbox_id.is_(None),
            StaffCard.ended_at.is_(None),
        )
        # Urgent ones stand by themselves as long as there is room.
        .order_by(StaffCard.cause.desc(), StaffCard.id)
        .limit(limit)
        # The request too, and as `climbing.climb`: handing it over changes its cards.
        .with_for_update(key_share=True, skip_locked=True, of=(StaffCard, Request))
        .execution_options(populate_existing=True)
    )


async def _hold_readers(
    session: AsyncSession, staff_ids: Collection[UUID]
) -> Mapping[UUID, _Reader]:
    """Who of them reads cards, by their id; role and chat stay so until the transaction ends.

    Otherwise a card could go to a chat that is taken from them this very moment.
    """
    query = (
        select(Staff.id, Staff.role, Staff.centre_id, Account.language, Address)
        .join(Account, Account.staff_id == Staff.id)
        .join(StaffChat, StaffChat.staff_id == Staff.id)
        .join(Address, Address.id == StaffChat.address_id)
        .where(Staff.id.in_(staff_ids), Staff.ended_at.is_(None), Staff.role.in_(CARD_ROLES))
        .order_by(Staff.id)
        .with_for_update(read=True, key_share=True, of=(Staff, StaffChat))
        .execution_options(populate_existing=True)
    )
    return {row[0]: _Reader(*row) for row in await session.execute(query)}


async def _send_all(
    session: AsyncSession, reader: _Reader, due: Sequence[_Due], words: CardWords, now: datetime
) -> list[tuple[StaffCard, Request]]:
    """Send or hold the cards of one reader; returns those that cannot reach them."""
    recent = await _list_recent(session, reader.staff_id, now)
    room = MOST_SINGLE + 1 - len(recent)
    if room <= 0:
        for one in due:
            one.card.climb_at = recent[0] + WITHIN
        return []
    alone = due if len(due) <= room else due[: room - 1]
    together = due[len(alone) :]
    lost = []
    for one in alone:
        told = tell(
            one.request, one.card.id, one.card.cause, may_take=reader.role in OWN_CENTRE_ROLES
        )
        lost += await _send(session, reader, [one], words.card(reader.language, told), now)
    if together:
        message = words.cards(reader.language, _count(together))
        lost += await _send(session, reader, together, message, now)
    return lost


async def _list_recent(session: AsyncSession, staff_id: UUID, now: datetime) -> Sequence[datetime]:
    """When they were last sent a message with cards, oldest first."""
    sent = select(StaffCard.outbox_id).where(
        StaffCard.staff_id == staff_id, StaffCard.created_at > now - _LONGEST_HELD
    )
    query = (
        select(OutboxRow.created_at)
        .where(OutboxRow.id.in_(sent), OutboxRow.created_at > now - WITHIN)
        .order_by(OutboxRow.created_at)
    )
    return (await session.scalars(query)).all()


async def _send(
    session: AsyncSession,
    reader: _Reader,
    due: Sequence[_Due],
    message: CardMessage,
    now: datetime,
) -> list[tuple[StaffCard, Request]]:
    sent = await messages.send(
        session,
        reader.address,
        Purpose.STAFF_CARD,
        message.text,
        now=now,
        reply_markup=message.reply_markup,
        dedup_key=f"card:{due[0].card.id}",
    )
    if isinstance(sent, Withheld):
        return [(one.card, one.request) for one in due]
    for one in due:
        one.card.outbox_id = sent.outbox_id
        one.card.climb_at = one.clock.after(now, LOOK_WITHIN[one.card.cause])
    return []


def _count(due: Sequence[_Due]) -> Counted:
    counts: dict[str, int] = defaultdict(int)
    for one in due:
        counts[one.card.cause] += 1
    return Counted(due[0].card.id, urgent=counts[URGENT], overdue=counts[OVERDUE])
