"""Joins the Telegram chat of a member of staff to their account: by their own hand, and revocably.

At the desk, signed in with both factors, they are shown a link and a number; whichever of the two
the bot hears first links the chat it came from. One chat each, and one member of staff per chat.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.crypto import current_keyring
from db.models import Account, Address, ChatLink, OutboxRow, Staff, StaffChat
from services import audit, codes, jobs
from services.accounts.tokens import hash_token, new_token
from services.accounts.types import Visitor
from services.contact_policy import Purpose
from services.errors import NotAllowed
from services.staff_cards.recipients import is_reachable
from services.staff_cards.roles import CARD_ROLES

LASTS: Final = timedelta(minutes=10)
AWAITED_FOR: Final = timedelta(minutes=30)
START: Final = "staff-"
"""What a link of ours makes Telegram say after /start, before its token."""
CODE_LENGTH: Final = 12
"""Long enough that nobody guesses one within its ten minutes."""

OVER, OF_ANOTHER = "over", "of_another"

LINK, CHAT = "chat_link", "staff_chat"
"""As the audit calls them; a chat by the id of whose it is."""


@dataclass(frozen=True, slots=True)
class NewLink:
    """Shown once. `start` goes behind /start, `code` is typed instead."""

    start: str = field(repr=False)
    code: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Chat:
    """Where somebody gets cards, as far as their account page says it."""

    linked_at: datetime
    is_reachable: bool
    at_any_hour: bool


@dataclass(frozen=True, slots=True)
class Linked:
    """This chat gets the cards of who signs in under this name."""

    username: str
    language: str


@dataclass(frozen=True, slots=True)
class NotLinked:
    """OVER: unknown, used, too old, or of who works here no more; OF_ANOTHER: so is this chat."""

    reason: str


async def new_link(session: AsyncSession, visitor: Visitor, *, now: datetime) -> NewLink:
    """A new link; earlier ones of theirs end. Raises NotAllowed for who gets no cards."""
    if not visitor.is_confirmed or visitor.role not in CARD_ROLES:
        raise NotAllowed
    await _end_links(session, visitor.staff_id, now)
    token, code = new_token(), codes.new_code(length=CODE_LENGTH)
    link = ChatLink(
        token_hash=hash_token(token),
        code_hash=_hash_code(code),
        staff_id=visitor.staff_id,
        created_at=now,
        expires_at=now + LASTS,
    )
    session.add(link)
    await session.flush()
    await audit.record_by(session, visitor.staff_id, "added", LINK, link.id, now=now)
    return NewLink(START + token, code, link.expires_at)


async def knows_code(session: AsyncSession, code: str) -> bool:
    """Whether these digits are a link's, over or not: else they are what some person has said."""
    if not codes.is_valid(code, length=CODE_LENGTH):
        return False
    query = select(ChatLink.id).where(ChatLink.code_hash == _hash_code(code)).limit(1)
    return await session.scalar(query) is not None


async def is_awaited(session: AsyncSession, *, now: datetime) -> bool:
    """Whether somebody at the desk was shown a number not long ago, and has not used it yet.

    Twelve digits that are nobody's are then most likely one that was mistyped, or typed too late.
    """
    since = now - AWAITED_FOR
    query = select(ChatLink.id).where(ChatLink.created_at > since, ChatLink.used_at.is_(None))
    return await session.scalar(query.limit(1)) is not None


async def link(
    session: AsyncSession, address: Address, said: str, *, now: datetime
) -> Linked | NotLinked:
    """Join this chat to whose link or number was said. Said twice by the same chat, it is linked.

    What is refused is written down with whose link it was, but as done by whose chat this is: the
    caller commits either way.
    """
    found = await _find(session, said)
    if found is None:
        await audit.record_stranger_refused(session, (LINK, None), now=now)
        return NotLinked(OVER)
    person = await _hold_staff(session, found.staff_id)
    await session.refresh(found)
    account = await session.get_one(Account, found.staff_id)
    linked = Linked(account.username, account.language)
    holder = await session.scalar(select(StaffChat).where(StaffChat.address_id == address.id))
    is_own = holder is not None and holder.staff_id == found.staff_id
    if found.used_at is not None and is_own:
        return linked
    reason = None
    if found.used_at is not None or found.expires_at <= now or not _may_link(person):
        reason = OVER
    elif holder is not None and not is_own:
        reason = OF_ANOTHER
    if reason is not None:
        await _note_refused(session, found, holder, now)
        return NotLinked(reason)
    found.used_at = now
    # Whoever is on duty at night stays so with a new phone.
    chosen = select(StaffChat.at_any_hour).where(StaffChat.staff_id == found.staff_id)
    at_any_hour = await session.scalar(chosen) or False
    await _leave(session, found.staff_id, but=address.id)
    session.add(
        StaffChat(
            staff_id=found.staff_id,
            address_id=address.id,
            linked_at=now,
            at_any_hour=at_any_hour,
        )
    )
    await audit.record_by(session, found.staff_id, "linked", CHAT, found.staff_id, now=now)
    return linked


async def find_chat(session: AsyncSession, staff_id: UUID) -> Chat | None:
    """The chat that somebody has linked."""
    query = (
        select(StaffChat.linked_at, is_reachable(), StaffChat.at_any_hour)
        .join(Address, Address.id == StaffChat.address_id)
        .where(StaffChat.staff_id == staff_id)
    )
    found = (await session.execute(query)).one_or_none()
    return None if found is None else Chat(*found)


async def choose_hours(
    session: AsyncSession, staff_id: UUID, *, at_any_hour: bool, now: datetime
) -> bool:
    """Whether what is urgent may ring while the centre is closed; False when no chat is linked."""
    query = (
        update(StaffChat)
        .where(StaffChat.staff_id == staff_id)
        .values(at_any_hour=at_any_hour)
        .returning(StaffChat.staff_id)
    )
    if await session.scalar(query) is None:
        return False
    fields = ["at_any_hour"]
    await audit.record_by(session, staff_id, "changed", CHAT, staff_id, now=now, fields=fields)
    return True


async def unlink(
    session: AsyncSession, staff_id: UUID, *, now: datetime, by: UUID | None = None
) -> bool:
    """Their chat gets no cards any more, and is told so; False when none was linked.

    Called wherever a role ends or changes; `by` is None for the system. Links that nobody used end
    as well, and what waits to be sent is withheld.
    """
    await _end_links(session, staff_id, now)
    if not await _leave(session, staff_id):
        return False
    await audit.record_by(session, by, "unlinked", CHAT, staff_id, now=now)
    return True


async def forget(session: AsyncSession, address_ids: Sequence[int], *, now: datetime) -> None:
    """Whoever deletes everything that is kept of a chat gets no cards there; nothing is said."""
    gone = delete(StaffChat).where(StaffChat.address_id.in_(address_ids))
    for staff_id in (await session.scalars(gone.returning(StaffChat.staff_id))).all():
        await audit.record_by(session, staff_id, "unlinked", CHAT, staff_id, now=now)


async def _leave(session: AsyncSession, staff_id: UUID, *, but: int | None = None) -> bool:
    """Take their chat away; unless it is linked to them anew, it is told."""
    gone = delete(StaffChat).where(StaffChat.staff_id == staff_id)
    left = await session.scalar(gone.returning(StaffChat.address_id))
    if left is not None and left != but:
        await session.execute(
            update(OutboxRow)
            .where(
                OutboxRow.address_id == left,
                OutboxRow.purpose == Purpose.STAFF_CARD,
                OutboxRow.state == "waiting",
            )
            .values(
                state="withheld", error_code="unlinked", leased_until=None, updated_at=func.now()
            )
        )
        await jobs.defer(session, jobs.TELL_UNLINKED, address_id=left, staff_id=staff_id)
    return left is not None


async def _end_links(session: AsyncSession, staff_id: UUID, now: datetime) -> None:
    await session.execute(
        update(ChatLink)
        .where(ChatLink.staff_id == staff_id, ChatLink.expires_at > now)
        .values(expires_at=now)
    )


async def _find(session: AsyncSession, said: str) -> ChatLink | None:
    """Of a link, or of digits (the latest that had them)."""
    token = said.removeprefix(START)
    named = ChatLink.token_hash == hash_token(token)
    if codes.is_valid(said, length=CODE_LENGTH):
        named = or_(named, ChatLink.code_hash == _hash_code(said))
    query = select(ChatLink).where(named).order_by(ChatLink.created_at.desc()).limit(1)
    return await session.scalar(query)


async def _hold_staff(session: AsyncSession, staff_id: UUID) -> Staff:
    """Nobody ends their role meanwhile, and two links of theirs are used one after the other."""
    query = (
        select(Staff)
        .where(Staff.id == staff_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(query)).one()


def _may_link(person: Staff) -> bool:
    return person.ended_at is None and person.role in CARD_ROLES


def _hash_code(code: str) -> bytes:
    """With a key that the database has not: digits alone are soon tried out."""
    return current_keyring().blind_index(f"chat link:{code}")


async def _note_refused(
    session: AsyncSession, found: ChatLink, holder: StaffChat | None, now: datetime
) -> None:
    if holder is not None:
        await audit.record_refused(session, holder.staff_id, LINK, found.id, now=now)
    else:
        whose = (CHAT, found.staff_id)
        await audit.record_stranger_refused(session, (LINK, found.id), whose, now=now)
