"""Asking Telegram for updates: what it was told we have, we have."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from served_app import PUBLIC_URL, private_message, served, until
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.channels import telegram_in
from bot.channels.telegram_in import TelegramReceiver, TelegramUpdate
from bot.supervision import Tasks
from bot.understanding import COMMANDS

TOKEN = "1:t"


class FakeTelegram:
    """Keeps updates until a higher offset says that they were received."""

    def __init__(self, *updates: Any) -> None:
        self.updates = list(updates)
        self.refusals: list[tuple[int, dict[str, Any]]] = []
        self.refused_methods: set[str] = set()
        self.calls: list[tuple[str, dict[str, Any]]] = []

    async def answer(self, request: Request) -> Response:
        method = request.path_params["method"]
        params = json.loads(await request.body())
        self.calls.append((method, params))
        if self.refusals:
            status, body = self.refusals.pop(0)
            return JSONResponse({"ok": False, **body}, status_code=status)
        if method in self.refused_methods:
            return JSONResponse({"ok": False, "error_code": 404}, status_code=404)
        if method != "getUpdates":
            return JSONResponse({"ok": True, "result": True})
        offset = params.get("offset", 0)
        self.updates = [update for update in self.updates if _number(update) >= offset]
        if not self.updates:
            await asyncio.sleep(0.01)
        content = json.dumps({"ok": True, "result": self.updates})
        return Response(content, media_type="application/json")

    def offsets(self) -> list[int | None]:
        return [params.get("offset") for method, params in self.calls if method == "getUpdates"]


def _number(update: Any) -> int:
    number = update.get("update_id") if isinstance(update, dict) else None
    return number if type(number) is int and number < 2**63 else 0


@contextlib.asynccontextmanager
async def receiver(fake: FakeTelegram) -> AsyncIterator[TelegramReceiver]:
    application = Starlette(
        routes=[Route(f"/bot{TOKEN}/{{method}}", fake.answer, methods=["POST"])]
    )
    async with served(application) as url, aiohttp.ClientSession() as session:
        yield TelegramReceiver(session, url, TOKEN)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telegram_in, "_PAUSE_S", 0.01)


@contextlib.asynccontextmanager
async def polling(fake: FakeTelegram, keep: telegram_in.Keep) -> AsyncIterator[list[int]]:
    skipped: list[int] = []
    tasks = Tasks()
    async with receiver(fake) as door:
        tasks.keep(lambda: door.poll(keep, lambda: skipped.append(1)), name="poll")
        try:
            yield skipped
        finally:
            await tasks.cancel()


async def test_the_offset_moves_on_only_after_an_update_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.supervision._FIRST_PAUSE_S", 0.01)
    fake = FakeTelegram(private_message(10), private_message(11))
    kept: list[str] = []

    async def keep(update: TelegramUpdate) -> None:
        if update.provider_id == "1:11" and len(kept) < 3:
            kept.append("failed")
            raise OSError("no database")
        kept.append(update.provider_id)

    async with polling(fake, keep):
        await until(lambda: 12 in fake.offsets())
    assert 11 not in fake.offsets()
    assert kept[-2:] == ["1:10", "1:11"]


async def test_an_update_is_kept_as_the_webhook_would_keep_it() -> None:
    update = private_message(10)
    kept: list[TelegramUpdate] = []

    async def keep(found: TelegramUpdate) -> None:
        kept.append(found)

    group = {"update_id": 11, "message": {"chat": {"id": -1, "type": "group"}}}
    async with polling(FakeTelegram(update, group), keep) as skipped:
        await until(lambda: skipped)
    by_webhook = telegram_in.read_update(json.dumps(update).encode(), "1")
    assert kept == [by_webhook]


@pytest.mark.parametrize(
    "odd",
    [
        private_message(10, text="half a sign: \ud83d"),
        {"update_id": True},
        {"update_id": "10"},
        {"update_id": 2**70},
        "nothing that Telegram would send",
        None,
    ],
)
async def test_an_odd_update_does_not_hold_up_those_after_it(odd: Any) -> None:
    fake = FakeTelegram(odd, private_message(11))
    kept: list[str] = []

    async def keep(found: TelegramUpdate) -> None:
        kept.append(found.provider_id)

    async with polling(fake, keep):
        await until(lambda: 12 in fake.offsets())
    assert kept[-1] == "1:11"


async def test_an_odd_update_alone_is_not_asked_for_without_a_pause() -> None:
    fake = FakeTelegram({"update_id": None})
    async with polling(fake, _keep_nothing) as skipped:
        await until(lambda: len(skipped) > 2)
    assert set(fake.offsets()) == {None}


async def _keep_nothing(found: TelegramUpdate) -> None:
    raise AssertionError(found)


def test_another_bot_counts_its_updates_anew() -> None:
    body = json.dumps(private_message(10)).encode()
    mine, other = (telegram_in.read_update(body, telegram_in.bot_id_of(t)) for t in (TOKEN, "2:t"))
    assert mine is not None and other is not None
    assert mine.provider_id != other.provider_id


async def test_polling_goes_on_after_refusals() -> None:
    fake = FakeTelegram(private_message(10))
    fake.refusals = [
        (409, {"error_code": 409, "description": "Conflict"}),
        (502, {}),
        (429, {"error_code": 429, "parameters": {"retry_after": 0}}),
    ]
    kept: list[TelegramUpdate] = []

    async def keep(found: TelegramUpdate) -> None:
        kept.append(found)

    async with polling(fake, keep):
        await until(lambda: kept)


async def test_a_webhook_is_set_with_its_secret() -> None:
    fake = FakeTelegram()
    async with receiver(fake) as door:
        await door.use_webhook(PUBLIC_URL, "s3cret")
    method, params = fake.calls[0]
    assert method == "setWebhook"
    assert params["url"] == f"{PUBLIC_URL}/telegram/webhook"
    assert params["secret_token"] == "s3cret"


def menus(fake: FakeTelegram) -> list[tuple[str | None, dict[str, str]]]:
    """What the menu was set to: the language of the app, and the words of each command."""
    return [
        (
            params.get("language_code"),
            {each["command"]: each["description"] for each in params["commands"]},
        )
        for method, params in fake.calls
        if method == "setMyCommands"
    ]


async def test_the_menu_speaks_khmer_and_english_where_the_app_does() -> None:
    fake = FakeTelegram()
    async with receiver(fake) as door:
        await door.use_webhook(PUBLIC_URL, "s3cret")
    (everybody, khmer), (some, english) = menus(fake)
    assert (everybody, some) == (None, "en")
    assert set(khmer) == set(english) == set(COMMANDS)
    assert khmer["stop"] == "ឈប់ទទួលសារ"
    assert english["stop"] == "Stop receiving messages"


async def test_polling_sets_the_menu_once_and_goes_on_where_it_is_refused() -> None:
    fake = FakeTelegram(private_message(10))
    kept: list[TelegramUpdate] = []

    async def keep(found: TelegramUpdate) -> None:
        kept.append(found)

    fake.refused_methods = {"setMyCommands"}
    async with polling(fake, keep):
        await until(lambda: 11 in fake.offsets())
    assert [update.provider_id for update in kept] == ["1:10"]
    assert len(menus(fake)) == 1
