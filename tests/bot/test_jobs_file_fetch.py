"""What people send besides words is kept, or they are told why it is not."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from served_app import make_app, until
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from bot.bootstrap import App
from bot.channels.telegram_files import Fetched, FetchOutcome, Gone, TooBig
from bot.jobs.file_fetch import FileFetch, NotFetched
from db.crypto import current_keyring
from db.models import Address, File
from services import addresses, files, my_data, threads
from services.message_words import Worded
from services.outcomes import Later
from tests.support import waits_for_lock

CHAT = "4242424242"
NO_CONNECTION = Later(10.0, "no connection")
THROTTLED = Later(30.0, "throttled", throttled=True)


class Telegram:
    """Has one answer for every file."""

    def __init__(self, answer: FetchOutcome) -> None:
        self.answer = answer
        self.asked: list[str] = []

    async def fetch(self, file_id: str) -> FetchOutcome:
        self.asked.append(file_id)
        return self.answer


class Words:
    """Says the reason as it is."""

    def file_refused(
        self, language: str | None, channel: str, code: str | None, reason: str
    ) -> Worded:
        assert code is not None
        return Worded(reason, "neutral")


@pytest.fixture
async def app(db: Any, redis_url: str) -> AsyncIterator[App]:
    async with make_app(db.engine, redis_url, database_url=db.url) as made:
        yield made


@pytest.fixture
async def file(app: App) -> File:
    """A photo that somebody sent, and that nobody has fetched yet."""
    now = datetime.now(UTC)
    async with app.new_session.begin() as session:
        address = await addresses.get_or_create(session, "telegram", CHAT, now=now)
        await threads.attach_file(session, address, "photo", "telegram-id", now=now)
        return (await session.scalars(select(File))).one()


async def fetch(app: App, file: File, answer: FetchOutcome, *, last_try: bool = False) -> Telegram:
    telegram = Telegram(answer)
    work = FileFetch(app, telegram, Words())  # type: ignore[arg-type]
    await work.fetch(file.id, last_try=last_try)
    return telegram


async def now_is(app: App, file: File) -> tuple[str, str | None, str | None]:
    async with app.new_session() as session:
        found = await session.get_one(File, file.id)
        return found.state, found.reason, found.source


async def told(app: App) -> list[str]:
    async with app.new_session() as session:
        bodies = await session.scalars(text("SELECT body FROM outbox"))
        return [json.loads(current_keyring().decrypt(body))["text"] for body in bodies]


async def promised(app: App) -> list[Any]:
    query = text("SELECT task_name, args, scheduled_at FROM procrastinate_jobs ORDER BY id")
    async with app.new_session() as session:
        return list(await session.execute(query))


def photo() -> bytes:
    made = BytesIO()
    Image.new("RGB", (40, 30)).save(made, "JPEG")
    return made.getvalue()


async def test_a_photo_is_kept_and_nobody_is_bothered(app: App, file: File) -> None:
    telegram = await fetch(app, file, Fetched(photo()))
    assert telegram.asked == ["telegram-id"]
    assert await now_is(app, file) == ("kept", None, None)
    assert await told(app) == []


async def test_it_is_fetched_once(app: App, file: File) -> None:
    await fetch(app, file, Fetched(photo()))
    assert (await fetch(app, file, Fetched(photo()))).asked == []


async def test_a_file_of_a_kind_that_is_not_taken_is_refused_with_words(
    app: App, file: File
) -> None:
    await fetch(app, file, Fetched(b"MZ this is a program"))
    assert await now_is(app, file) == ("refused", "not_allowed", None)
    assert await told(app) == ["not_allowed"]


@pytest.mark.parametrize(
    ("answer", "becomes", "said"),
    [
        (TooBig(), ("refused", "too_big"), "too_big"),
        (Gone(), ("lost", "gone"), "lost"),
        (NO_CONNECTION, ("lost", "no_answer"), "lost"),
    ],
)
async def test_what_cannot_be_fetched_is_said_once(
    answer: FetchOutcome, becomes: tuple[str, str], said: str, app: App, file: File
) -> None:
    await fetch(app, file, answer, last_try=True)
    assert (await now_is(app, file))[:2] == becomes
    assert await told(app) == [said]


async def test_what_was_lost_is_kept_when_it_is_tried_once_more(app: App, file: File) -> None:
    await fetch(app, file, Gone())
    async with app.new_session.begin() as session:
        assert await files.retry(session, [file.id]) == {file.id}
    await fetch(app, file, Fetched(photo()))
    assert await now_is(app, file) == ("kept", None, None)


async def test_who_deletes_everything_while_a_file_is_refused_waits_for_no_deadlock(
    app: App, file: File
) -> None:
    """Both hold the address before anything else: whoever comes second waits for the first."""
    deletion = None

    class Slow(FileFetch):
        async def _tell(self, session: AsyncSession, file: File, now: datetime) -> None:
            nonlocal deletion
            await session.flush()
            deletion = asyncio.ensure_future(delete())
            await until(lambda: waits_for_lock(session))
            await super()._tell(session, file, now)

    async def delete() -> None:
        async with app.new_session.begin() as session:
            held = await session.get_one(Address, file.address_id)
            await my_data.delete_everything(session, held, now=datetime.now(UTC))

    refused = Telegram(Fetched(b"MZ this is a program"))
    await Slow(app, refused, Words()).fetch(file.id, last_try=False)  # type: ignore[arg-type]
    assert deletion is not None
    await deletion
    assert await told(app) == []


async def test_without_a_connection_it_is_tried_again(app: App, file: File) -> None:
    with pytest.raises(NotFetched):
        await fetch(app, file, NO_CONNECTION)
    assert (await now_is(app, file))[0] == "waiting"
    assert await told(app) == []


async def test_patience_that_the_carrier_asks_for_is_no_try(app: App, file: File) -> None:
    before = datetime.now(UTC)
    await fetch(app, file, THROTTLED, last_try=True)
    assert (await now_is(app, file))[0] == "waiting"
    _, again = await promised(app)
    assert (again.task_name, again.args) == ("fetch_file", {"file_id": str(file.id)})
    assert again.scheduled_at >= before + timedelta(seconds=30)


async def test_nobody_fills_the_disk_in_a_day(
    app: App, file: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MOST_A_DAY", 1)
    async with app.new_session.begin() as session:
        address = await session.get_one(Address, file.address_id)
        now = file.created_at + timedelta(hours=23)
        await threads.attach_file(session, address, "photo", "second", now=now)
        query = select(File).where(File.id != file.id)
        second = (await session.scalars(query)).one()
    await fetch(app, file, Fetched(photo()))
    refused = await fetch(app, second, Fetched(photo()))
    assert refused.asked == []
    assert (await now_is(app, file))[0] == files.KEPT
    assert (await now_is(app, second))[:2] == (files.REFUSED, files.TOO_MANY)
    assert await told(app) == [files.TOO_MANY]
