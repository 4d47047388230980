"""Makes the page of everything that is kept about somebody, and sends it to them."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from bot.bootstrap import App
from bot.my_data_page import MEDIA_TYPE, MOST_BYTES_INSIDE, NAME, render_my_data
from db.models import Address
from locales.catalogue import DEFAULT_LANGUAGE, load_catalogue
from services import exports, files, messages, my_data
from services.contact_policy import Purpose
from services.files import KeptFile
from services.my_data import MyData


class Export:
    """One page after the other, for who asked for it."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._catalogue = load_catalogue()

    async def send(self, address_id: int, *, asked_at: datetime) -> None:
        """Make the page and promise it. Raises FileStoreError when it must be tried again.

        Nothing is held while it is made; whether it is still wanted is asked again at the end.
        """
        async with self._app.new_session() as session:
            address = await exports.find_asker(session, address_id, asked_at=asked_at)
            if address is None:
                return
            data = await my_data.collect(session, address)
        # As many files as fit, the newest first; the page says of the others that they are not in.
        inside = await files.read_own_files(
            self._app.files, data.files[::-1], most_bytes=MOST_BYTES_INSIDE
        )
        page = await asyncio.to_thread(self._render, address, data, inside)
        name = await self._app.files.put(page)
        if not await self._promise(address_id, asked_at, name, len(page)):
            await files.drop(self._app.files, name)

    def _render(self, address: Address, data: MyData, inside: Mapping[UUID, KeptFile]) -> bytes:
        now = datetime.now(UTC)
        return render_my_data(data, address.language, self._catalogue, inside, now=now)

    async def _promise(self, address_id: int, asked_at: datetime, name: str, size: int) -> bool:
        """False when nobody wants it any more."""
        async with self._app.new_session.begin() as session:
            address = await exports.find_asker(session, address_id, asked_at=asked_at, hold=True)
            if address is None:
                return False
            now = datetime.now(UTC)
            file = await exports.add(
                session, address, name, size=size, media_type=MEDIA_TYPE, now=now
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
        return True

    def _words(self, address: Address) -> str:
        language = address.language or DEFAULT_LANGUAGE
        keys = ("page-title", "page-careful")
        return "\n".join(self._catalogue.text(key, language, address.channel) for key in keys)
