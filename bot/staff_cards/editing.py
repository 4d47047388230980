"""Puts the truth on cards that lie in the chats of staff."""

from datetime import UTC, datetime, timedelta

from bot.bootstrap import App
from bot.channels.telegram_edits import TelegramEdits
from bot.staff_cards.words import CatalogueCardWords
from services import jobs
from services.staff_cards import standing


class NotEdited(Exception):  # noqa: N818 - what the carrier said, and no fault of ours
    """Some card could not be edited just now."""


class CardEditing:
    """The messages with cards of one request after the other."""

    def __init__(self, app: App, telegram: TelegramEdits, words: CatalogueCardWords) -> None:
        self._app = app
        self._telegram = telegram
        self._words = words

    async def edit(self, request_id: int) -> None:
        """Say what became of the request. Raises NotEdited when it must be tried again.

        A carrier that asks for patience gets it: that counts as no try.
        """
        async with self._app.new_session.begin() as session:
            edits = await standing.list_edits(session, request_id, self._words)
        missed = "on its way" if edits.is_early else None
        for edit in edits.due:
            later = await self._telegram.edit(edit.chat, edit.message_id, edit.message)
            if later is not None and later.throttled:
                await self._wait(request_id, later.after_s)
                return
            missed = missed if later is None else later.reason
        if missed is not None:
            raise NotEdited(missed)

    async def _wait(self, request_id: int, seconds: float) -> None:
        async with self._app.new_session.begin() as session:
            await jobs.defer(
                session,
                jobs.SHOW_CARDS,
                run_at=datetime.now(UTC) + timedelta(seconds=seconds),
                queueing_lock=f"{jobs.SHOW_CARDS}:{request_id}",
                request_id=request_id,
            )
