"""Makes the page of everything that is kept about somebody, and sends it to them."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from bot.bootstrap import App
from bot.my_data_page import MEDIA_TYPE, MOST_BYTES_INSIDE, NAME, render_my_data
from db.models import Address, File
from locales.catalogue import DEFAULT_LANGUAGE, load_catalogue
from services import files, messages, my_data
from services.contact_policy import Purpose
from services.files import KeptFile

LASTS = timedelta(days=1)


class Export:
    """One page after the other, for who asked for it."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._catalogue = load_catalogue()

    async def send(self, address_id: int) -> None:
        """Make the page and promise it. Raises FileStoreError when it must be tried again."""
        async with self._app.new_session.begin() as session:
            address = await session.get(Address, address_id)
            # Who deleted everything meanwhile gets nothing that was kept before.
            if address is None or address.forget_at is not None:
                return
            now = datetime.now(UTC)
            page = await self._make_page(session, address, now)
            file = await files.keep_export(
                session,
                self._app.files,
                address.id,
                page,
                media_type=MEDIA_TYPE,
                now=now,
                lasts=LASTS,
            )
            # An answer in the dialog, in which they were told that whoever reads here can open it.
            await messages.send(
                session,
                address,
                Purpose.DIALOG,
                self._words(address),
                now=now,
                document={"file_id": str(file.id), "name": NAME},
            )

    async def _make_page(self, session: AsyncSession, address: Address, now: datetime) -> bytes:
        data = await my_data.collect(session, address)
        inside = await self._read(session, address, data.files)
        return await asyncio.to_thread(
            render_my_data, data, address.language, self._catalogue, inside, now=now
        )

    async def _read(
        self, session: AsyncSession, address: Address, found: Sequence[File]
    ) -> dict[UUID, KeptFile]:
        """As many as fit, the newest first; the page says of the others that they are not in it."""
        inside: dict[UUID, KeptFile] = {}
        free = MOST_BYTES_INSIDE
        for file in reversed(found):
            # Earlier exports hold nothing that this one does not.
            if file.state != files.KEPT or file.request_id is None or (file.size or 0) > free:
                continue
            kept = await files.read_own(session, self._app.files, address, file.id)
            inside[file.id] = kept
            free -= len(kept.data)
        return inside

    def _words(self, address: Address) -> str:
        language = address.language or DEFAULT_LANGUAGE
        keys = ("page-title", "page-careful")
        return "\n".join(self._catalogue.text(key, language, address.channel) for key in keys)
