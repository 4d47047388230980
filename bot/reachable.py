"""Somebody can be reached again, and learns of the answers that could not be sent meanwhile.

They are not sent after all: they may be old, and stand under "my requests" anyway.
"""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from bot.message_words import CatalogueWords
from db.models import Address
from services import addresses, messages
from services.contact_policy import Purpose
from services.threads import has_unsent_answers


async def unblock(session: AsyncSession, address: Address) -> bool:
    """Write down that messages arrive there again; returns whether answers wait."""
    since = address.blocked_at
    if since is None:
        return False
    await addresses.mark_unblocked(session, address.id)
    return await has_unsent_answers(session, address, since)


async def tell_of_answers(
    session: AsyncSession, address: Address, words: CatalogueWords, now: datetime
) -> None:
    """Say it to who wrote nothing, but has unblocked us."""
    text = words.text("notice-answers-wait", address.language, address.channel)
    await messages.send(
        session, address, Purpose.REPLY, text, now=now, asked_at=now, neutral_text=text
    )
