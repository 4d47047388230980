"""What each job does: read its ids, open a transaction, call one service."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

import structlog
from procrastinate import JobContext
from sqlalchemy.ext.asyncio import AsyncSession

from bot.bootstrap import App
from bot.channels.telegram_edits import TelegramEdits
from bot.jobs.export import Export
from bot.jobs.file_fetch import FileFetch
from bot.staff_cards.editing import CardEditing
from bot.staff_cards.words import CatalogueCardWords, find_desk_url
from bot.standing_key import standing_key
from services import escalation, files, follow_up, my_data, pending_words, purge, undelivered
from services.staff_cards import climbing, notices, sending

log = structlog.get_logger(__name__)

Batch = Callable[[AsyncSession, datetime], Awaitable[int]]

BATCH = 100
MAX_TRIES = 5


class Work:
    """The jobs of a worker."""

    def __init__(
        self, app: App, file_fetch: FileFetch, export: Export, card_edits: TelegramEdits
    ) -> None:
        self._app = app
        self._file_fetch = file_fetch
        self._export = export
        self._card_words = CatalogueCardWords(find_desk_url(app.settings))
        self._card_editing = CardEditing(app, card_edits, self._card_words)

    async def climb(self) -> None:
        """What is overdue is made known one level further up."""
        await self._in_batches(escalation.climb)

    async def staff_cards(self) -> None:
        """Cards that nobody has seen go one level further up; what waited for the day goes out."""
        await self._in_batches(climbing.climb, climbing.BATCH)
        await self.send_cards()

    async def send_cards(self) -> None:
        """Make messages of the cards whose moment has come."""
        await self._in_batches(
            lambda session, now: sending.send_due(session, self._card_words, now), sending.BATCH
        )

    async def show_cards(self, request_id: int, tries: int = 0) -> None:
        """Say on the cards of a request what has become of it."""
        await self._card_editing.edit(request_id, tries)

    async def show_card_message(self, outbox_id: int, tries: int = 0) -> None:
        """Say in a message with cards what is left when a request in it was deleted."""
        await self._card_editing.edit_message(outbox_id, tries)

    async def send_test_card(self, staff_id: str) -> None:
        """Show a member of staff that cards arrive."""
        async with self._app.new_session.begin() as session:
            now = datetime.now(UTC)
            await notices.send_test(session, UUID(staff_id), self._card_words, now=now)

    async def tell_unlinked(self, address_id: int, staff_id: str) -> None:
        """Say in a chat that it gets no cards any more."""
        async with self._app.new_session.begin() as session:
            now = datetime.now(UTC)
            await notices.tell_unlinked(
                session, address_id, UUID(staff_id), self._card_words, now=now
            )

    async def note_undelivered(self) -> None:
        """What never arrived was no answer: the clock of its request runs again."""
        await self._in_batches(undelivered.note_undelivered)

    async def reopen_unanswered(self) -> None:
        """Who did not say whether help came has, as long as nobody knows better, got none."""
        await self._in_batches(follow_up.reopen_unanswered)

    async def forget_addresses(self) -> None:
        """Take away the addresses of those who deleted everything."""
        await self._in_batches(
            partial(my_data.forget_addresses, forget_standing=self._forget_standing)
        )

    async def _forget_standing(self, address_key: bytes) -> None:
        await self._app.redis.delete(standing_key(self._app.keyring, address_key))

    async def purge(self) -> None:
        """Empty and delete what has been kept long enough."""
        counts = {}
        for rule in purge.RULES:
            changed = await self._in_batches(partial(_purge, rule), purge.BATCH)
            if changed:
                counts[rule] = changed
        log.info("purged", rows=counts, files=await self._sweep())

    async def _sweep(self) -> int:
        """When it would delete more than is plausible, nothing goes until somebody has looked."""
        async with self._app.new_session() as session:
            try:
                return await files.sweep(session, self._app.files, now=datetime.now(UTC))
            except files.ImplausibleSweep as refused:
                log.error("sweep_refused", unknown=refused.orphans, files=refused.count)
                return 0

    async def fetch_file(self, context: JobContext, file_id: str) -> None:
        """Fetch a file from the carrier that has it."""
        last_try = context.job.attempts + 1 >= MAX_TRIES
        await self._file_fetch.fetch(UUID(file_id), last_try=last_try)

    async def export_my_data(self, address_id: int, asked_at: str) -> None:
        """Send somebody everything that is kept about them."""
        await self._export.send(address_id, asked_at=datetime.fromisoformat(asked_at))

    async def give_words(self, address_id: int) -> None:
        """Give the centre what somebody wrote who never said for whom it was."""
        async with self._app.new_session.begin() as session:
            await pending_words.give(session, address_id, now=datetime.now(UTC))

    async def delete_files(self, names: list[str]) -> None:
        """Delete what lies in the store; what is gone already is no fault."""
        await self._app.files.delete(names)

    async def _in_batches(self, work: Batch, most: int = BATCH) -> int:
        """Repeat until a batch is not full, each in a transaction of its own; returns the sum."""
        done = 0
        while True:
            async with self._app.new_session.begin() as session:
                changed = await work(session, datetime.now(UTC))
            done += changed
            if changed < most:
                return done


async def _purge(rule: str, session: AsyncSession, now: datetime) -> int:
    return await purge.purge(session, rule, now=now)
