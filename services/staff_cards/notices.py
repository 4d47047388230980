"""What else goes to a linked chat: a card to try it out, and word that there will be no more."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Account, Address, StaffChat
from services import jobs, messages
from services.accounts.types import Visitor
from services.contact_policy import Purpose
from services.staff_cards.words import CardMessage, CardWords


async def ask_for_test(session: AsyncSession, visitor: Visitor) -> None:
    """Promise a test card to the visitor's own chat; while one waits there is no second."""
    lock = f"{jobs.SEND_TEST_CARD}:{visitor.staff_id}"
    await jobs.defer(session, jobs.SEND_TEST_CARD, queueing_lock=lock, staff_id=visitor.staff_id)


async def send_test(
    session: AsyncSession, staff_id: UUID, words: CardWords, *, now: datetime
) -> None:
    """At most one in a minute; nothing where no chat is linked."""
    query = (
        select(Address, Account.language)
        .join(StaffChat, StaffChat.address_id == Address.id)
        .join(Account, Account.staff_id == StaffChat.staff_id)
        .where(StaffChat.staff_id == staff_id)
    )
    found = (await session.execute(query)).one_or_none()
    if found is not None:
        address, language = found
        key = f"test card:{staff_id}:{now:%Y%m%d%H%M}"
        await _send(session, address, words.test_card(language), key, now)


async def tell_unlinked(
    session: AsyncSession, address_id: int, staff_id: UUID, words: CardWords, *, now: datetime
) -> None:
    """Say it to the chat that was theirs, unless it is linked again by now or is gone."""
    address = await session.get(Address, address_id)
    linked = select(StaffChat.staff_id).where(StaffChat.address_id == address_id)
    if address is None or await session.scalar(linked) is not None:
        return
    account = await session.get_one(Account, staff_id)
    await _send(session, address, words.unlinked(account.language), None, now)


async def _send(
    session: AsyncSession, address: Address, message: CardMessage, key: str | None, now: datetime
) -> None:
    await messages.send(
        session,
        address,
        Purpose.STAFF_CARD,
        message.text,
        now=now,
        reply_markup=message.reply_markup,
        dedup_key=key,
    )
