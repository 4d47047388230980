"""Puts the truth on cards that lie in the chats of staff."""

from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from bot.bootstrap import App
from bot.channels.telegram_edits import TelegramEdits
from bot.staff_cards.words import CatalogueCardWords
from services.outcomes import Later
from services.staff_cards import standing, telling

log = structlog.get_logger(__name__)

MOST_TRIES: Final = 5
_FIRST_WAIT_S: Final = 10.0
# Tried again after 10, 100, 1,000 and 10,000 seconds, as other jobs are.
_LONGER: Final = 10


class CardEditing:
    """The messages with cards of one request after the other."""

    def __init__(self, app: App, telegram: TelegramEdits, words: CatalogueCardWords) -> None:
        self._app = app
        self._telegram = telegram
        self._words = words

    async def edit(self, request_id: int, tries: int = 0) -> None:
        """Say what became of the request; what cannot be said now is promised for later.

        What is just going out arrives soon, and a carrier that asks for patience gets it: neither
        counts as a try.
        """
        async with self._app.new_session.begin() as session:
            edits = await standing.list_edits(session, request_id, self._words)
        missed: Later | None = None
        for edit in edits.due:
            later = await self._telegram.edit(edit.chat, edit.message_id, edit.message)
            if later is not None and later.throttled:
                await self._look_later(request_id, later.after_s, tries)
                return
            missed = missed or later
        if missed is not None:
            await self._try_again(request_id, missed, tries + 1)
        elif edits.is_early:
            await self._look_later(request_id, _FIRST_WAIT_S, tries)

    async def _try_again(self, request_id: int, missed: Later, tries: int) -> None:
        log.warning("card_not_edited", request_id=request_id, reason=missed.reason, tries=tries)
        if tries < MOST_TRIES:
            await self._look_later(request_id, _FIRST_WAIT_S * _LONGER ** (tries - 1), tries)

    async def _look_later(self, request_id: int, seconds: float, tries: int) -> None:
        at = datetime.now(UTC) + timedelta(seconds=seconds)
        async with self._app.new_session.begin() as session:
            await telling.look_later(session, request_id, at=at, tries=tries)
