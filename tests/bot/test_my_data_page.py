"""The page of everything that is kept: complete, in plain words, and nothing of it runs."""

import base64
import re
from datetime import datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import Browser
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.my_data_page import MOST_BYTES_INSIDE, render_my_data
from db.crypto import Keyring
from db.models import Address, File, Request
from locales.catalogue import LANGUAGES, load_catalogue
from services import addresses, consent, files, my_data, pending_words, threads
from services.file_store import FileStore
from services.files import KeptFile
from services.my_data import MyData
from services.registration import FORM, register
from simulator.telegram.files import read_sample
from tests.support import INSTALLATION, save_draft

ANSWERS: dict[str, Any] = {
    "consent": "registration-1",
    "name": "សុខា <script>alert(1)</script>",
    "age": 34,
    "sex": "female",
    "province": "15",
    "district": "1501",
    "commune": "150101",
    "phone_e164": "+85512345678",
    "wanted_provinces": ["15", "02"],
    "sectors": ["garment", "weaving_of_old"],
    "salary": {"amount": 1_200_000, "currency": "KHR"},
}
CONTENTS = {
    "photo": read_sample("photo"),
    "voice": read_sample("voice"),
    "document": read_sample("document"),
}


class _Text(HTMLParser):
    """The words of a page as they are read, styles left out."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.sources: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]


def read(page: bytes) -> tuple[str, list[str]]:
    parser = _Text()
    parser.feed(re.sub("<style>.*?</style>", "", page.decode(), flags=re.DOTALL))
    return " ".join(" ".join(parser.words).split()), parser.sources


@pytest.fixture
def store(tmp_path: Path, keyring: Keyring) -> FileStore:
    return FileStore((tmp_path / "files").as_uri(), keyring, INSTALLATION)


@pytest.fixture
async def address(session: AsyncSession, store: FileStore, now: datetime) -> Address:
    """Somebody who registered, wrote, sent files, and did not finish a second form."""
    address = await addresses.get_or_create(session, "telegram", "4242", now=now)
    await consent.record(session, address, consent.SERVICE, True, "registration-1", now=now)
    await consent.record(session, address, consent.NEWS, False, "purposes-1", now=now)
    await save_draft(session, address.id, FORM, ANSWERS)
    await register(session, address, now=now)
    await session.refresh(address)
    address.is_shared = True
    later = now + timedelta(days=1)
    talk = await threads.talk(session, address, "ខ្ញុំបាត់សៀវភៅ\nគ្រួសារ", now=later)
    for kind in CONTENTS:
        await threads.attach_file(session, address, kind, "source", now=later, code=talk.code)
    await threads.attach_file(
        session, address, "photo", "lost", now=later, code=talk.code, caption="នៅផ្ទះ"
    )
    await keep_all(session, store)
    await save_draft(session, address.id, FORM, {"name": "ម៉ាលី", "age": 20})
    doubted = pending_words.Piece(text="៣ខែហើយ", inbox_id=None, message_id=None)
    await pending_words.keep(session, address, doubted, now=later)
    request = (await session.scalars(select(Request).where(Request.code == talk.code))).one()
    request.record("note", now=later, internal=True, body={"text": "for staff only"})
    await session.flush()
    return address


async def keep_all(session: AsyncSession, store: FileStore) -> None:
    for file in await session.scalars(select(File).order_by(File.created_at)):
        if file.source == "lost":
            await files.lose(session, file.id, "gone")
        else:
            await files.keep(session, store, file.id, CONTENTS[file.kind])
    await session.flush()


async def collect(
    session: AsyncSession, address: Address, store: FileStore, most_bytes: int = MOST_BYTES_INSIDE
) -> tuple[MyData, dict[UUID, KeptFile]]:
    data = await my_data.collect(session, address)
    return data, await files.read_own_files(store, data.files, most_bytes=most_bytes)


async def test_the_page_says_everything_in_khmer(
    session: AsyncSession, address: Address, store: FileStore, now: datetime
) -> None:
    data, kept = await collect(session, address, store)
    words, sources = read(render_my_data(data, "km", load_catalogue(), kept, now=now))
    for wanted in (
        "ព័ត៌មានរបស់បង",
        "22 វិច្ឆិកា 2026",
        "សុខា <script>alert(1)</script>",
        "34 ឆ្នាំ (ឆ្នាំកំណើតប្រហែល 1992)",
        "ស្រី",
        "ខេត្តពោធិ៍សាត់",
        "012 345 678",
        "កាត់ដេរ",
        "weaving_of_old",
        "1,200,000 រៀល",
        "Telegram លេខ 4242",
        "មានអ្នកផ្សេងប្រើ",
        "មិនយល់ព្រម",
        "ខ្ញុំបាត់សៀវភៅ គ្រួសារ",
        "នៅផ្ទះ",
        "យើងមិនបានរក្សាទុកឯកសារនេះទេ។",
        "ម៉ាលី",
        "៣ខែហើយ",
        data.requests[0].request.code,
        data.requests[1].request.code,
    ):
        assert wanted in words, wanted
    assert "for staff only" not in words
    kinds = [source.partition(";")[0] for source in sources]
    assert kinds == ["data:image/jpeg", "data:audio/ogg", "data:application/pdf"]
    assert base64.b64decode(sources[2].partition(",")[2]) == CONTENTS["document"]


async def test_in_english_no_word_is_khmer_but_theirs(
    session: AsyncSession, address: Address, store: FileStore, now: datetime
) -> None:
    data, kept = await collect(session, address, store)
    words, _ = read(render_my_data(data, "en", load_catalogue(), kept, now=now))
    for theirs in (ANSWERS["name"], "ខ្ញុំបាត់សៀវភៅ គ្រួសារ", "នៅផ្ទះ", "ម៉ាលី", "៣ខែហើយ"):
        assert theirs in words
        words = words.replace(theirs, "")
    assert not re.findall("[\u1780-\u17ff]+", words)


async def test_nothing_of_the_page_runs_or_reaches_out(
    session: AsyncSession, address: Address, store: FileStore, now: datetime
) -> None:
    data, kept = await collect(session, address, store)
    page = render_my_data(data, "km", load_catalogue(), kept, now=now).decode()
    assert "<script" not in page
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
    assert not re.findall(r"(?:src|href)=\"(?!data:)", page)


async def test_a_file_that_has_no_room_is_named(
    session: AsyncSession, address: Address, store: FileStore, now: datetime
) -> None:
    data, kept = await collect(session, address, store, most_bytes=len(CONTENTS["document"]))
    words, sources = read(render_my_data(data, "en", load_catalogue(), kept, now=now))
    assert [source.partition(";")[0] for source in sources] == ["data:application/pdf"]
    assert words.count("This file is not part of this page.") == 2


async def test_of_a_stranger_there_is_next_to_nothing(
    session: AsyncSession, store: FileStore, now: datetime
) -> None:
    address = await addresses.get_or_create(session, "sms", "+85512000001", now=now)
    data, kept = await collect(session, address, store)
    for language in (*LANGUAGES, None):
        words, _ = read(render_my_data(data, language, load_catalogue(), kept, now=now))
        assert "012 000 001" in words
    assert "សំណើរបស់ខ្ញុំ មិនមានទេ។" in words


async def test_a_browser_shows_the_photo_and_complains_of_nothing(
    browser: Browser,
    session: AsyncSession,
    address: Address,
    store: FileStore,
    *,
    tmp_path: Path,
    now: datetime,
) -> None:
    data, kept = await collect(session, address, store)
    path = tmp_path / "MRC.html"
    path.write_bytes(render_my_data(data, "km", load_catalogue(), kept, now=now))
    async with await browser.new_context(viewport={"width": 360, "height": 800}) as context:
        page = await context.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        await page.goto(path.as_uri())
        assert await page.locator("img").evaluate("image => image.naturalWidth > 0")
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert complaints == []
