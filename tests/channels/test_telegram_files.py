"""Fetching what people sent on Telegram: the bytes, or plainly why there are none."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from served_app import served
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.channels import telegram_files
from bot.channels.telegram_files import Fetched, FetchOutcome, Gone, TelegramFiles, TooBig
from services.file_types import MAX_BYTES
from services.outcomes import Later
from simulator.telegram.files import read_sample
from tests.simulator.running import TOKEN as SIMULATOR_TOKEN
from tests.simulator.running import run_simulator

TOKEN = "1:t"
FILE = {"file_id": "F", "file_unique_id": "U", "file_size": 5, "file_path": "voice/file 1.oga"}


class FakeTelegram:
    """Answers getFile and the download as it was told to."""

    def __init__(self) -> None:
        self.method: Response = JSONResponse({"ok": True, "result": FILE})
        self.file: Response = Response(b"voice")
        self.asked: list[Any] = []

    async def answer(self, request: Request) -> Response:
        self.asked.append((await request.json())["file_id"])
        return self.method

    async def download(self, request: Request) -> Response:
        self.asked.append(request.path_params["path"])
        return self.file

    def refuse(self, code: int, description: str, **parameters: Any) -> None:
        body = {"ok": False, "error_code": code, "description": description}
        self.method = JSONResponse(body | {"parameters": parameters}, status_code=code)


@contextlib.asynccontextmanager
async def files(fake: FakeTelegram) -> AsyncIterator[TelegramFiles]:
    routes = [
        Route(f"/bot{TOKEN}/getFile", fake.answer, methods=["POST"]),
        Route(f"/file/bot{TOKEN}/{{path:path}}", fake.download),
    ]
    async with served(Starlette(routes=routes)) as url, aiohttp.ClientSession() as session:
        yield TelegramFiles(session, url, TOKEN)


async def fetch(fake: FakeTelegram) -> FetchOutcome:
    async with files(fake) as door:
        return await door.fetch("F")


async def test_a_file_is_found_and_fetched() -> None:
    fake = FakeTelegram()
    assert await fetch(fake) == Fetched(b"voice")
    assert fake.asked == ["F", "voice/file 1.oga"]


@pytest.mark.parametrize(
    ("code", "description", "outcome"),
    [
        (400, "Bad Request: file is too big", TooBig()),
        (400, "Bad Request: invalid file_id", Gone()),
        (
            400,
            "Bad Request: wrong file_id or the file is temporarily unavailable",
            Later(10.0, "http 400"),
        ),
        (401, "Unauthorized", Later(300.0, "token refused", throttled=True)),
        (500, "Internal Server Error", Later(10.0, "http 500")),
    ],
)
async def test_what_telegram_answers(code: int, description: str, outcome: FetchOutcome) -> None:
    fake = FakeTelegram()
    fake.refuse(code, description)
    assert await fetch(fake) == outcome


async def test_telegram_asks_for_patience() -> None:
    fake = FakeTelegram()
    fake.refuse(429, "Too Many Requests: retry after 7", retry_after=7)
    assert await fetch(fake) == Later(7, "throttled", throttled=True)


async def test_what_is_said_to_be_too_big_is_not_even_begun() -> None:
    fake = FakeTelegram()
    size = {"file_size": MAX_BYTES + 1}
    fake.method = JSONResponse({"ok": True, "result": FILE | size})
    assert await fetch(fake) == TooBig()
    assert fake.asked == ["F"]


async def test_what_turns_out_too_big_is_let_go() -> None:
    fake = FakeTelegram()
    fake.file = Response(bytes(MAX_BYTES + 1))
    assert await fetch(fake) == TooBig()


@pytest.mark.parametrize(
    ("method", "outcome"),
    [
        (JSONResponse({"ok": True, "result": {"file_id": "F"}}), Gone()),
        (Response("<html>bad gateway</html>", status_code=502), Later(10.0, "http 502")),
        (JSONResponse([], status_code=200), Later(10.0, "http 200")),
    ],
)
async def test_odd_answers(method: Response, outcome: FetchOutcome) -> None:
    fake = FakeTelegram()
    fake.method = method
    assert await fetch(fake) == outcome


async def test_a_download_leads_nowhere_else() -> None:
    fake = FakeTelegram()
    fake.file = RedirectResponse("http://127.0.0.1:1/secrets")
    assert await fetch(fake) == Later(10.0, "http 307")


async def test_a_telegram_that_is_not_there_is_asked_again() -> None:
    async with aiohttp.ClientSession() as session:
        door = TelegramFiles(session, "http://127.0.0.1:1", TOKEN)
        assert await door.fetch("F") == Later(telegram_files._RETRY_S, "no connection")


async def test_voices_photos_and_documents_of_a_phone_can_be_fetched() -> None:
    async with run_simulator() as simulator:
        phone = await simulator.add_started_phone()
        for kind in ("voice", "photo", "document"):
            await simulator.act(phone, kind)
        messages = [update["message"] for update in await simulator.take_updates()]
        door = TelegramFiles(simulator.http, simulator.url, SIMULATOR_TOKEN)
        voice = await door.fetch(messages[0]["voice"]["file_id"])
        photo = await door.fetch(messages[1]["photo"][-1]["file_id"])
        document = await door.fetch(messages[2]["document"]["file_id"])
        unknown = await door.fetch("unknown")
    assert (voice, photo) == (Fetched(read_sample("voice")), Fetched(read_sample("photo")))
    assert document == Fetched(read_sample("document"))
    assert unknown == Later(10.0, "http 400")
