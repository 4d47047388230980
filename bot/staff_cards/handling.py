"""What staff do in their chat with cards: link it, press a button, answer where nobody reads.

None of it belongs to a dialog: whoever is served here may be in the midst of a form of their own,
which goes on as it stood.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import regex
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message, Update

from bot.staff_cards.words import CatalogueCardWords
from dialogs.turn import Turn
from services import addresses, khmer, phone_numbers
from services.staff_cards import linking, pressing
from services.staff_cards.linking import CODE_LENGTH, START, Linked
from services.staff_cards.pressing import NOTED, TAKEN, TEST, Pressed

_PRESS: Final = regex.compile(r"!([0-9]{1,18}):([ts])")
_START: Final = regex.compile(rf"/start(?:@\w+)?\s+({START}[A-Za-z0-9_-]{{1,60}})")
_CODE: Final = regex.compile(rf"(?:[0-9][ .-]?){{{CODE_LENGTH}}}")


def _is_phone(digits: str) -> bool:
    try:
        phone_numbers.parse(digits)
    except phone_numbers.PhoneNumberError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class StaffCards:
    """Takes what is meant for it out of the updates of Telegram, and answers at once."""

    telegram: Bot
    words: CatalogueCardWords

    async def take(self, update: Update, turn: Turn, quotes: int | None) -> bool:
        """Whether it was ours: then nothing else is to be done with it."""
        try:
            return await self._take(update, turn, quotes)
        except TelegramForbiddenError:
            # They blocked us between asking and our answer.
            async with turn.new_session.begin() as session:
                await addresses.mark_blocked(session, turn.address.id, now=turn.now)
            return True

    async def _take(self, update: Update, turn: Turn, quotes: int | None) -> bool:
        if (press := update.callback_query) is not None:
            return await self._take_press(press, turn)
        message = update.message
        if message is None:
            return False
        if (said := await self._find_link(message.text or "", turn)) is not None:
            await self._link(message, turn, said)
            return True
        return quotes is not None and await self._take_quoting(message, turn, quotes)

    async def _find_link(self, text: str, turn: Turn) -> str | None:
        if (started := _START.fullmatch(text.strip())) is not None:
            return started[1]
        typed = khmer.fold(text).strip()
        if _CODE.fullmatch(typed) is None:
            return None
        code = regex.sub("[^0-9]", "", typed)
        async with turn.new_session() as session:
            is_ours = await linking.knows_code(session, code) or (
                not _is_phone(code) and await linking.is_awaited(session, now=turn.now)
            )
        return code if is_ours else None

    async def _link(self, message: Message, turn: Turn, said: str) -> None:
        async with turn.new_session.begin() as session:
            found = await linking.link(session, turn.address, said, now=turn.now)
        if isinstance(found, Linked):
            answer = self.words.linked(found.language, found.username)
        else:
            answer = self.words.not_linked(turn.language, found.reason)
        await self.telegram.send_message(message.chat.id, answer)

    async def _take_quoting(self, message: Message, turn: Turn, quotes: int) -> bool:
        async with turn.new_session() as session:
            if not await pressing.is_card(session, turn.address.id, str(quotes)):
                return False
        await self.telegram.send_message(message.chat.id, self.words.unheard(turn.language))
        return True

    async def _take_press(self, press: CallbackQuery, turn: Turn) -> bool:
        found = _PRESS.fullmatch(press.data or "")
        if found is None:
            return False
        done = await pressing.press(
            turn.new_session, turn.address.id, int(found[1]), found[2], now=turn.now
        )
        await self._show(press, done, done.language or turn.language)
        return True

    async def _show(self, press: CallbackQuery, done: Pressed, language: str) -> None:
        """On the card, and above it where it was refused: an edit alone is easily missed."""
        card = self.words.pressed(done, language)
        markup = card.reply_markup
        if press.message is not None:
            # Pressed twice it says so already; what is too old to be edited stays as it is.
            with suppress(TelegramBadRequest):
                await self.telegram.edit_message_text(
                    text=card.text,
                    chat_id=press.message.chat.id,
                    message_id=press.message.message_id,
                    reply_markup=None
                    if markup is None
                    else InlineKeyboardMarkup.model_validate(markup),
                )
        with suppress(TelegramBadRequest):
            await self.telegram.answer_callback_query(
                press.id,
                text=self.words.outcome(language, done.outcome),
                show_alert=done.outcome not in (TAKEN, NOTED, TEST),
            )
