"""Who asks for everything that is kept about them gets it as a file, once, for a day."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from uuid import UUID

import pytest
from PIL import Image
from served_app import make_app
from sqlalchemy import select

from bot.bootstrap import App
from bot.jobs.export import Export
from db.crypto import current_keyring
from db.models import Address, File, OutboxRow
from services import addresses, files, my_data, threads

WORDS = "ខ្ញុំត្រូវការជំនួយ"


@pytest.fixture
async def app(db: Any, redis_url: str) -> AsyncIterator[App]:
    async with make_app(db.engine, redis_url, database_url=db.url) as made:
        yield made


@pytest.fixture
async def address(app: App) -> Address:
    """Somebody who has written to the centre and sent a photo."""
    now = datetime.now(UTC)
    async with app.new_session.begin() as session:
        found = await addresses.get_or_create(session, "telegram", "4242424242", now=now)
        await threads.talk(session, found, WORDS, now=now)
        await threads.attach_file(session, found, "photo", "telegram-id", now=now)
        photo = (await session.scalars(select(File))).one()
        await files.keep(session, app.files, photo.id, picture())
        return found


def picture() -> bytes:
    made = BytesIO()
    Image.new("RGB", (40, 30)).save(made, "JPEG")
    return made.getvalue()


async def promised(app: App) -> list[dict[str, Any]]:
    async with app.new_session() as session:
        rows = (await session.scalars(select(OutboxRow).order_by(OutboxRow.id))).all()
        return [json.loads(current_keyring().decrypt(row.body or b"")) for row in rows]


async def read(app: App, message: dict[str, Any]) -> str:
    async with app.new_session() as session:
        file_id = UUID(message["document"]["file_id"])
        kept = await files.read_to_send(session, app.files, file_id)
        assert kept.media_type == "text/html"
        return kept.data.decode()


async def test_everything_is_sent_as_one_file_that_lasts_a_day(app: App, address: Address) -> None:
    await Export(app).send(address.id)
    (message,) = await promised(app)
    assert WORDS not in message["text"]
    page = await read(app, message)
    assert WORDS in page
    assert "data:image/jpeg;base64," in page
    async with app.new_session() as session:
        export = (await session.scalars(select(File).where(File.expires_at.is_not(None)))).one()
    assert export.expires_at is not None
    assert export.expires_at - export.created_at == timedelta(days=1)


async def test_the_next_one_does_not_hold_the_last_one(app: App, address: Address) -> None:
    await Export(app).send(address.id)
    await Export(app).send(address.id)
    first, second = [await read(app, message) for message in await promised(app)]
    assert len(second) < len(first) * 1.1


async def test_who_deleted_everything_meanwhile_gets_nothing(app: App, address: Address) -> None:
    async with app.new_session.begin() as session:
        held = await session.get_one(Address, address.id)
        await my_data.delete_everything(session, held, now=datetime.now(UTC))
    await Export(app).send(address.id)
    await Export(app).send(0)
    assert await promised(app) == []
