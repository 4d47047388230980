"""Who asks for everything that is kept about them gets it as a file, once, for a day."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.request import url2pathname
from uuid import UUID

import pytest
from PIL import Image
from served_app import make_app
from sqlalchemy import select, text

from bot.bootstrap import App
from bot.jobs.export import Export
from db.crypto import current_keyring
from db.models import Address, File, OutboxRow
from services import addresses, exports, files, my_data, threads
from services.file_store import FileStore
from tests.support import INSTALLATION

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
        found = await addresses.get_or_create(
            session, "telegram", "4242424242", now=now - timedelta(days=1)
        )
        await threads.talk(session, found, WORDS, now=now)
        await threads.attach_file(session, found, "photo", "telegram-id", now=now)
        photo = (await session.scalars(select(File))).one()
        await files.keep(session, app.files, photo.id, picture())
        return found


@pytest.fixture
def asked() -> datetime:
    return datetime.now(UTC)


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


def lying_in(app: App) -> list[Path]:
    folder = Path(url2pathname(app.settings.files_url.removeprefix("file://")))
    return [path for path in folder.rglob("*") if path.is_file()]


async def send(app: App, address: Address, *, asked_at: datetime | None = None) -> None:
    await Export(app).send(address.id, asked_at=asked_at or datetime.now(UTC))


async def test_everything_is_sent_as_one_file_that_lasts_a_day(app: App, address: Address) -> None:
    await send(app, address)
    (message,) = await promised(app)
    assert WORDS not in message["text"]
    page = await read(app, message)
    assert WORDS in page
    assert "data:image/jpeg;base64," in page
    async with app.new_session() as session:
        export = (await session.scalars(select(File).where(File.expires_at.is_not(None)))).one()
    assert export.expires_at is not None
    assert export.expires_at - export.created_at == timedelta(days=1)


async def test_the_next_one_does_not_hold_the_last_one(
    app: App, address: Address, asked: datetime
) -> None:
    await send(app, address, asked_at=asked)
    await send(app, address, asked_at=asked + timedelta(hours=2))
    first, second = [await read(app, message) for message in await promised(app)]
    assert len(second) < len(first) * 1.1


async def test_within_an_hour_one_is_made(app: App, address: Address, asked: datetime) -> None:
    """However often its job runs: it was begun anew after a kill, or somebody tapped twice."""
    await send(app, address, asked_at=asked)
    await send(app, address, asked_at=asked)
    await send(app, address, asked_at=asked + timedelta(minutes=59))
    assert len(await promised(app)) == 1
    assert len(lying_in(app)) == 2


async def test_who_asks_again_within_the_hour_is_told_so(
    app: App, address: Address, asked: datetime
) -> None:
    async with app.new_session.begin() as session:
        assert await exports.ask_for(session, address, now=asked)
        assert await exports.ask_for(session, address, now=asked)
    await send(app, address, asked_at=asked)
    async with app.new_session.begin() as session:
        assert not await exports.ask_for(session, address, now=asked + timedelta(minutes=30))
        query = text("SELECT args FROM procrastinate_jobs WHERE task_name = 'export_my_data'")
        (arguments,) = await session.scalars(query)
        assert arguments == {"address_id": address.id, "asked_at": asked.isoformat()}
        assert await exports.ask_for(session, address, now=asked + timedelta(hours=2))


async def test_a_file_whose_bytes_are_missing_is_left_out(app: App, address: Address) -> None:
    async with app.new_session() as session:
        photo = (await session.scalars(select(File))).one()
    await app.files.delete([photo.stored_name])
    await send(app, address)
    (message,) = await promised(app)
    page = await read(app, message)
    assert WORDS in page
    assert "data:image/jpeg;base64," not in page


async def delete_everything(app: App, address: Address, now: datetime) -> None:
    async with app.new_session.begin() as session:
        held = await session.get_one(Address, address.id)
        await my_data.delete_everything(session, held, now=now)


async def test_who_deleted_everything_since_they_asked_gets_nothing(
    app: App, address: Address, asked: datetime
) -> None:
    async with app.new_session.begin() as session:
        assert await exports.ask_for(session, address, now=asked)
    await delete_everything(app, address, asked + timedelta(seconds=1))
    async with app.new_session() as session:
        query = text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'export_my_data'")
        assert await session.scalar(query) == 0
    await send(app, address, asked_at=asked)
    await Export(app).send(0, asked_at=asked)
    assert await promised(app) == []


async def test_who_deletes_everything_while_the_page_is_made_gets_nothing(
    app: App, address: Address, asked: datetime
) -> None:
    """Or what is gone would come back: in the page, and in the store."""

    class Slow(FileStore):
        async def put(self, data: bytes) -> str:
            name = await super().put(data)
            await delete_everything(app, address, datetime.now(UTC))
            return name

    slow = Slow(app.settings.files_url, app.keyring, INSTALLATION)
    await send(replace(app, files=slow), address, asked_at=asked)
    assert await promised(app) == []
    async with app.new_session() as session:
        assert (await session.scalars(select(File))).all() == []
        query = text("SELECT args FROM procrastinate_jobs WHERE task_name = 'delete_files'")
        for arguments in (await session.scalars(query)).all():
            await app.files.delete(arguments["names"])
    assert lying_in(app) == []


async def test_who_came_back_after_deleting_can_ask_again(
    app: App, address: Address, asked: datetime
) -> None:
    await send(app, address, asked_at=asked)
    later = datetime.now(UTC)
    await delete_everything(app, address, later)
    async with app.new_session.begin() as session:
        known = await session.get_one(Address, address.id)
        assert await exports.ask_for(session, known, now=later + timedelta(minutes=1))
    await send(app, address, asked_at=later + timedelta(minutes=1))
    (message,) = await promised(app)
    assert WORDS not in await read(app, message)
