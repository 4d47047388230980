"""Fetches what somebody sent besides words, and tells them when it could not be kept."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from bot.bootstrap import App
from bot.channels.telegram_files import Fetched, FetchOutcome, Gone, TelegramFiles, TooBig
from db.models import Address, File, Request
from services import files, jobs, messages
from services.contact_policy import Purpose
from services.message_words import MessageWords
from services.outcomes import Later

GONE = "gone"
NO_ANSWER = "no_answer"
LOST = "lost"


class NotFetched(Exception):  # noqa: N818 - what the carrier said, and no fault of ours
    """The carrier did not give the file just now."""


class _TooMany:
    """It was not even asked for: the person has sent as many as may be kept of a day."""


class FileFetch:
    """One file of a request after the other, from Telegram into the store."""

    def __init__(self, app: App, telegram: TelegramFiles, words: MessageWords) -> None:
        self._app = app
        self._telegram = telegram
        self._words = words

    async def fetch(self, file_id: UUID, *, last_try: bool) -> None:
        """Keep, refuse or lose it. Raises NotFetched or FileStoreError when it must be tried again.

        A carrier that asks for patience gets it: that counts as no try.
        """
        async with self._app.new_session() as session:
            source = await files.find_source(session, file_id)
            has_room = await files.has_room(session, file_id)
        if source is None:
            return
        outcome = await self._telegram.fetch(source) if has_room else _TooMany()
        if isinstance(outcome, Later) and not outcome.throttled and not last_try:
            raise NotFetched(outcome.reason)
        async with self._app.new_session.begin() as session:
            now = datetime.now(UTC)
            if isinstance(outcome, Later) and outcome.throttled:
                later = now + timedelta(seconds=outcome.after_s)
                await jobs.defer(session, jobs.FETCH_FILE, run_at=later, file_id=file_id)
                return
            file = await self._end(session, file_id, outcome)
            if file is not None and file.state != files.KEPT:
                await self._tell(session, file, now)

    async def _end(
        self, session: AsyncSession, file_id: UUID, outcome: FetchOutcome | _TooMany
    ) -> File | None:
        match outcome:
            case _TooMany():
                return await files.refuse(session, file_id, files.TOO_MANY)
            case Fetched(data):
                return await files.keep(session, self._app.files, file_id, data)
            case TooBig():
                return await files.refuse(session, file_id, files.TOO_BIG)
            case Gone():
                return await files.lose(session, file_id, GONE)
            case Later():
                return await files.lose(session, file_id, NO_ANSWER)

    async def _tell(self, session: AsyncSession, file: File, now: datetime) -> None:
        address = await session.get_one(Address, file.address_id)
        request = None if file.request_id is None else await session.get(Request, file.request_id)
        said = self._words.file_refused(
            address.language,
            address.channel,
            None if request is None else request.code,
            LOST if file.state == files.LOST else file.reason or LOST,
        )
        await messages.send(
            session,
            address,
            Purpose.REPLY,
            said.text,
            now=now,
            asked_at=file.created_at,
            neutral_text=said.neutral,
            dedup_key=f"file:{file.id}",
        )
