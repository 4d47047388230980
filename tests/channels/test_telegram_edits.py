"""Editing what the bot has sent: done, left as it is, or tried again."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from redis.asyncio import Redis
from served_app import served
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.channels.telegram_edits import TelegramEdits
from bot.send_limits import LimitedError, Ready, SharedScripts, TelegramLimits
from db.crypto import current_keyring
from services.outbox import BULK
from services.outcomes import Later
from services.staff_cards.words import CardMessage

TOKEN = "1:t"


class FakeTelegram:
    """Answers as it was told to; remembers what it was asked."""

    def __init__(self) -> None:
        self.status = 200
        self.body: Any = {"ok": True}
        self.asked: list[Any] = []

    async def answer(self, request: Request) -> Response:
        self.asked.append(await request.json())
        return JSONResponse(self.body, status_code=self.status)


class Limits(TelegramLimits):
    """Lets everything pass until `refused`; remembers who passed and what pauses there were."""

    def __init__(self) -> None:
        scripts = SharedScripts(Redis.from_url("redis://127.0.0.1:1/0"), current_keyring())
        super().__init__(scripts, TOKEN, 0)
        self.refused: LimitedError | None = None
        self.passed: list[tuple[str | None, int]] = []
        self.pauses: list[float] = []

    @contextlib.asynccontextmanager
    async def passing(
        self, chat: str | None, lane: int, ready: Ready | None = None
    ) -> AsyncIterator[None]:
        if self.refused is not None:
            raise self.refused
        self.passed.append((chat, lane))
        async with super().passing(chat, lane, ready):
            yield

    async def pause(self, after_s: float) -> None:
        self.pauses.append(after_s)


@pytest.fixture
def telegram() -> FakeTelegram:
    return FakeTelegram()


@pytest.fixture
def limits() -> Limits:
    return Limits()


@pytest.fixture
async def edits(telegram: FakeTelegram, limits: Limits) -> AsyncIterator[TelegramEdits]:
    routes = [Route(f"/bot{TOKEN}/editMessageText", telegram.answer, methods=["POST"])]
    async with served(Starlette(routes=routes)) as url, aiohttp.ClientSession() as session:
        yield TelegramEdits(session, url, TOKEN, limits)


async def test_words_and_buttons_are_put_in_the_place_of_the_old(
    edits: TelegramEdits, telegram: FakeTelegram
) -> None:
    keyboard = {"inline_keyboard": [[{"text": "Open", "url": "https://desk.example"}]]}
    assert await edits.edit("42", "7", CardMessage("taken", keyboard)) is None
    assert await edits.edit("42", "7", CardMessage("over")) is None
    assert telegram.asked == [
        {"chat_id": "42", "message_id": 7, "text": "taken", "reply_markup": keyboard},
        {"chat_id": "42", "message_id": 7, "text": "over"},
    ]


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (400, {"description": "Bad Request: message is not modified"}, None),
        (400, {"description": "Bad Request: message to edit not found"}, None),
        (403, {"description": "Forbidden: bot was blocked by the user"}, None),
        (401, {"description": "Unauthorized"}, Later(10.0, "http 401")),
        (502, {}, Later(10.0, "http 502")),
        (
            429,
            {"parameters": {"retry_after": 7}},
            Later(7.0, "throttled", throttled=True, for_everybody=True),
        ),
        (429, {}, Later(10.0, "throttled", throttled=True, for_everybody=True)),
    ],
)
async def test_what_telegram_answers(
    edits: TelegramEdits, telegram: FakeTelegram, status: int, body: Any, outcome: Later | None
) -> None:
    telegram.status, telegram.body = status, body
    assert await edits.edit("42", "7", CardMessage("taken")) == outcome


async def test_a_telegram_that_is_not_there_is_asked_again() -> None:
    async with aiohttp.ClientSession() as session:
        edits = TelegramEdits(session, "http://127.0.0.1:1", TOKEN, Limits())
        assert await edits.edit("42", "7", CardMessage("x")) == Later(10.0, "no connection")


async def test_edits_take_what_dialogs_leave_of_the_limit(
    edits: TelegramEdits, telegram: FakeTelegram, limits: Limits
) -> None:
    assert await edits.edit("42", "7", CardMessage("taken")) is None
    assert limits.passed == [(None, BULK)]
    limits.refused = LimitedError(6.0, for_everybody=True)
    later = await edits.edit("42", "7", CardMessage("over"))
    assert later == Later(6.0, "limited", throttled=True, for_everybody=True)
    assert len(telegram.asked) == 1


async def test_when_telegram_asks_for_patience_everything_pauses(
    edits: TelegramEdits, telegram: FakeTelegram, limits: Limits
) -> None:
    telegram.status, telegram.body = 429, {"parameters": {"retry_after": 7}}
    await edits.edit("42", "7", CardMessage("taken"))
    assert limits.pauses == [7.0]
