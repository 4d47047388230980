"""Puts the truth on cards that lie in the chats of staff."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bot.bootstrap import App
from bot.channels.telegram_edits import TelegramEdits
from bot.staff_cards.words import CatalogueCardWords
from services import jobs
from services.outcomes import Later
from services.staff_cards import looks
from services.staff_cards.standing import Edits, list_edits, list_edits_of_message

log = structlog.get_logger(__name__)

_Look = Callable[[AsyncSession, int, CatalogueCardWords], Awaitable[Edits]]

MOST_TRIES: Final = 5
_FIRST_WAIT_S: Final = 10.0
# Tried again after 10, 100, 1,000 and 10,000 seconds, as other jobs are.
_LONGER: Final = 10


class CardEditing:
    """Messages with cards, one after the other. Each look may be one that is tried again.

    What cannot be said now is promised for later. What is just going out arrives soon, and a
    carrier that asks for patience gets it: neither counts as a try.
    """

    def __init__(self, app: App, telegram: TelegramEdits, words: CatalogueCardWords) -> None:
        self._app = app
        self._telegram = telegram
        self._words = words

    async def edit(self, request_id: int, tries: int = 0) -> None:
        """Say what became of the request."""
        await self._look(list_edits, jobs.SHOW_CARDS, tries, request_id=request_id)

    async def edit_message(self, outbox_id: int, tries: int = 0) -> None:
        """Say what is left in a message when a request that it told of is deleted."""
        await self._look(list_edits_of_message, jobs.SHOW_CARD_MESSAGE, tries, outbox_id=outbox_id)

    async def _look(self, look: _Look, job: str, tries: int, **about: int) -> None:
        (look_at,) = about.values()
        async with self._app.new_session.begin() as session:
            edits = await look(session, look_at, self._words)
        missed: Later | None = None
        for edit in edits.due:
            later = await self._telegram.edit(edit.chat, edit.message_id, edit.message)
            if later is not None and later.throttled:
                await self._look_later(job, later.after_s, tries, about)
                return
            missed = missed or later
        if missed is not None:
            await self._try_again(job, missed, tries + 1, about)
        elif edits.is_early:
            await self._look_later(job, _FIRST_WAIT_S, tries, about)

    async def _try_again(
        self, job: str, missed: Later, tries: int, about: Mapping[str, int]
    ) -> None:
        log.warning("card_not_edited", **about, reason=missed.reason, tries=tries)
        if tries < MOST_TRIES:
            await self._look_later(job, _FIRST_WAIT_S * _LONGER ** (tries - 1), tries, about)

    async def _look_later(
        self, job: str, seconds: float, tries: int, about: Mapping[str, int]
    ) -> None:
        at = datetime.now(UTC) + timedelta(seconds=seconds)
        async with self._app.new_session.begin() as session:
            await looks.promise_later(session, job, at=at, tries=tries, **about)
