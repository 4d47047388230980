"""What is handled long after it came: it had failed, and somebody lets it be tried again.

Whoever wrote it stands elsewhere by now, and may have said STOP since. Old words must answer no
screen and lift no STOP, and nobody is to be startled by an answer to what they wrote weeks ago.
What is meant for the centre goes to its thread, as of when it was written; for the rest it is too
late.
"""

from contextlib import suppress
from datetime import datetime, timedelta

from aiogram.types import CallbackQuery, Message, Update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.outside import find_answer, find_enclosure
from bot.understanding import Meaning, Said, Typed
from dialogs.to_centre import is_for_centre
from dialogs.turn import Turn
from services import errors, questions, requests, taking_back, threads
from services.inbox import InboxItem
from services.referrals.errors import NotReadYet
from services.types import Address

LATE = timedelta(hours=1)


def is_belated(item: InboxItem, address: Address | None, now: datetime) -> bool:
    """Whether it failed and is old by now, or older than a STOP."""
    if not item.has_failed or item.received_at is None:
        return False
    stopped_at = address.stopped_at if address is not None else None
    is_older_than_stop = stopped_at is not None and item.received_at < stopped_at
    return is_older_than_stop or now - item.received_at > LATE


async def take_belated(turn: Turn, meaning: Meaning | None, update: Update | None = None) -> None:
    """Keep what it says to the centre; nothing is shown. `turn.now` is when it came."""
    async with turn.new_session.begin() as session:
        if update is not None and update.callback_query is not None:
            await _answer(session, turn, update.callback_query)
        elif meaning == Said("stop"):
            await taking_back.stop(session, turn.address.id, now=turn.now)
        elif meaning == Said("call"):
            await requests.ask_for_call(session, turn.address, now=turn.now, inbox_id=turn.item_id)
        elif isinstance(meaning, Typed):
            await _write(session, turn, meaning.text, None if update is None else update.message)


async def _answer(session: AsyncSession, turn: Turn, press: CallbackQuery) -> None:
    """Only a question that names itself: a screen, and a letter by SMS, are others by now."""
    if (found := find_answer(press)) is not None:
        with suppress(errors.QuestionNotFound, errors.RequestNotFound, NotReadYet):
            await questions.answer(
                session, turn.address, *found, now=turn.now, inbox_id=turn.item_id
            )


async def _write(session: AsyncSession, turn: Turn, text: str, message: Message | None) -> None:
    enclosure = find_enclosure(message) if message is not None else None
    if enclosure is not None:
        await threads.attach_file(
            session,
            turn.address,
            enclosure.kind,
            enclosure.source,
            duration_s=enclosure.duration_s,
            caption=enclosure.caption,
            now=turn.now,
            inbox_id=turn.item_id,
        )
    elif is_for_centre(text):
        await threads.talk(session, turn.address, text, now=turn.now, inbox_id=turn.item_id)
