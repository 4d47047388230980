"""What a button of a card does: take the request, or say that it was seen.

Whoever presses is whoever has linked the chat it comes from, with the rights they have now. What
may be taken is decided by the same rule as at the desk, in a transaction that sees their centre.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Account, OutboxRow, Request, Staff, StaffCard, StaffChat
from services import audit, requests, threads
from services.acting import NewSession, acting
from services.contact_policy import Purpose
from services.desk_requests import rights
from services.errors import AlreadyTaken, MoveNotAllowed, NotAllowed, RequestNotFound
from services.files import OWN_CENTRE_ROLES
from services.staff_cards.roles import CARD_ROLES
from services.staff_cards.telling import round_of
from services.staff_cards.words import TEST_CARD, Counted, Told, tell

TAKE, SEEN = "t", "s"
"""The acts, as buttons carry them."""

UNLINKED, GONE, ELSEWHERE = "unlinked", "gone", "elsewhere"
TAKEN, COLLEAGUE, OVER, NOTED, TEST = "taken", "colleague", "over", "noted", "test"
ANSWERED, CALM = "answered", "calm"
"""What no press comes to: what has become of the request by itself (`standing`)."""
OUTCOMES: Final = (UNLINKED, GONE, ELSEWHERE, TAKEN, COLLEAGUE, OVER, NOTED, TEST, ANSWERED, CALM)


@dataclass(frozen=True, slots=True)
class Pressed:
    """What came of it, one of OUTCOMES; `told` or `counted` is what the card goes on saying.

    UNLINKED: this chat is nobody's (any more); GONE: there is no such card of theirs; ELSEWHERE:
    the request is not theirs to see now; OVER: nothing is left to take.
    """

    outcome: str
    language: str | None = None
    told: Told | None = None
    counted: Counted | None = None


@dataclass(frozen=True, slots=True)
class _Presser:
    """A member of staff in their chat; the shape that `services.acting` and the rule ask for."""

    staff_id: UUID
    role: str
    centre_id: str | None
    language: str


async def press(
    new_session: NewSession, address_id: int, card_id: int, act: str, *, now: datetime
) -> Pressed:
    """Do what the button says; pressed again, the answer is the same and nothing is done twice."""
    async with new_session.begin() as session:
        who = await _find_presser(session, address_id)
        if who is None:
            await audit.record_stranger_refused(session, ("staff_card", card_id), now=now)
            return Pressed(UNLINKED)
        if card_id == TEST_CARD:
            return Pressed(TEST, who.language)
        card = await _find_card(session, who, card_id)
        if card is None:
            await _note_refused(session, who, "staff_card", card_id, now)
            return Pressed(GONE, who.language)
    if act == SEEN:
        return await _see(new_session, who, card, now)
    return await _take(new_session, who, card, now)


async def is_card(session: AsyncSession, address_id: int, message_id: str) -> bool:
    """Whether this message of the chat, named by its carrier's id, is a card."""
    query = select(OutboxRow.id).where(
        OutboxRow.address_id == address_id,
        OutboxRow.provider_id == message_id,
        OutboxRow.purpose == Purpose.STAFF_CARD,
    )
    return await session.scalar(query.limit(1)) is not None


async def _find_presser(session: AsyncSession, address_id: int) -> _Presser | None:
    query = (
        select(Staff.id, Staff.role, Staff.centre_id, Account.language)
        .join(StaffChat, StaffChat.staff_id == Staff.id)
        .join(Account, Account.staff_id == Staff.id)
        .where(
            StaffChat.address_id == address_id,
            Staff.ended_at.is_(None),
            Staff.role.in_(CARD_ROLES),
        )
    )
    found = (await session.execute(query)).one_or_none()
    return None if found is None else _Presser(*found)


async def _find_card(session: AsyncSession, who: _Presser, card_id: int) -> StaffCard | None:
    query = select(StaffCard).where(StaffCard.id == card_id, StaffCard.staff_id == who.staff_id)
    return await session.scalar(query)


async def _see(new_session: NewSession, who: _Presser, card: StaffCard, now: datetime) -> Pressed:
    """Nobody above need hear of it now, whoever else was told."""
    async with acting(new_session, who) as session:
        request = await session.get(Request, card.request_id)
        if request is not None:
            seen = await _mark_seen(session, card, now)
            if seen:
                await _note(session, who, "seen", ("staff_card", card.id), now=now)
            counted = await _count(session, card)
            told = None if counted is not None else _tell(request, card, who)
            return Pressed(NOTED, who.language, told, counted)
    return await _refuse(new_session, who, card, now)


async def _mark_seen(session: AsyncSession, card: StaffCard, now: datetime) -> int:
    """All cards of the message; returns how many were new. Their rounds climb no further.

    The cards of those rounds are held in one order: two who press at once share them.
    """
    of_message = StaffCard.id == card.id
    if card.outbox_id is not None:
        of_message = (StaffCard.outbox_id == card.outbox_id) & (StaffCard.staff_id == card.staff_id)
    query = (
        select(StaffCard)
        .where(StaffCard.request_id.in_(select(StaffCard.request_id).where(of_message)))
        .order_by(StaffCard.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    held = (await session.scalars(query)).all()
    newly = [one for one in held if one.seen_at is None and _are_of_one_message(one, card)]
    rounds = {round_of(one) for one in newly}
    for one in held:
        if one.outbox_id is not None and round_of(one) in rounds:
            one.climb_at = None
    for one in newly:
        one.seen_at = now
    await session.flush()
    return len(newly)


def _are_of_one_message(one: StaffCard, other: StaffCard) -> bool:
    if one.outbox_id is None:
        return one.id == other.id
    return (one.outbox_id, one.staff_id) == (other.outbox_id, other.staff_id)


async def _take(new_session: NewSession, who: _Presser, card: StaffCard, now: datetime) -> Pressed:
    try:
        async with acting(new_session, who) as session:
            request = await _hold(session, who, card)
            told = _tell(request, card, who)
            before = (request.owner_id, request.state)
            person = await session.get_one(Staff, who.staff_id)
            await threads.take(session, request.code, staff=person, now=now)
            if (request.owner_id, request.state) != before:
                changed = ("owner_id", "state")
                await _note(session, who, "taken", ("request", request.id), changed, now=now)
            await _mark_seen(session, card, now)
            await session.execute(
                update(StaffCard).where(StaffCard.id == card.id).values(taken_at=now)
            )
        return Pressed(TAKEN, who.language, told)
    except AlreadyTaken:
        return Pressed(COLLEAGUE, who.language, told)
    except MoveNotAllowed:
        return Pressed(OVER, who.language, told)
    except (RequestNotFound, NotAllowed):
        return await _refuse(new_session, who, card, now)


async def _hold(session: AsyncSession, who: _Presser, card: StaffCard) -> Request:
    """Raises RequestNotFound for what the desk would not show them."""
    request = await session.get(Request, card.request_id)
    if request is None:
        raise RequestNotFound
    held = await requests.hold(session, request.code)
    rights.check_may_read(who, held)
    return held


async def _refuse(
    new_session: NewSession, who: _Presser, card: StaffCard, now: datetime
) -> Pressed:
    async with new_session.begin() as session:
        await _note_refused(session, who, "request", card.request_id, now)
    return Pressed(ELSEWHERE, who.language)


def _tell(request: Request, card: StaffCard, who: _Presser) -> Told:
    return tell(request, card.id, card.cause, may_take=who.role in OWN_CENTRE_ROLES)


async def _count(session: AsyncSession, card: StaffCard) -> Counted | None:
    """How many requests its message counts; None when it is about one."""
    if card.outbox_id is None:
        return None
    query = select(StaffCard.cause).where(
        StaffCard.outbox_id == card.outbox_id, StaffCard.staff_id == card.staff_id
    )
    causes = (await session.scalars(query)).all()
    if len(causes) <= 1:
        return None
    urgent = sum(cause == "urgent" for cause in causes)
    return Counted(card.id, urgent=urgent, overdue=len(causes) - urgent)


async def _note(
    session: AsyncSession,
    who: _Presser,
    action: str,
    subject: tuple[str, int],
    fields: Sequence[str] = (),
    *,
    now: datetime,
) -> None:
    await audit.record_by(
        session,
        by=who.staff_id,
        action=action,
        subject=subject[0],
        subject_id=subject[1],
        fields=fields,
        now=now,
    )


async def _note_refused(
    session: AsyncSession, who: _Presser, subject: str, subject_id: int, now: datetime
) -> None:
    await audit.record_refused(session, who.staff_id, subject, subject_id, now=now)
