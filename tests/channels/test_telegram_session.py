"""Dialogs on their way to Telegram: within the shared limit, and patient when they are told so."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramRetryAfter
from redis.asyncio import Redis
from served_app import served
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.channels.telegram_session import new_telegram_bot, share_limits
from bot.send_limits import CHAT_BURST, SharedScripts, TelegramLimits
from db.crypto import current_keyring
from services.outbox import DIALOG

TOKEN = "100000:test"


class Slept:
    """Counts instead of sleeping."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await asyncio.sleep(0)


class Telegram:
    """Takes everything, or asks for patience once."""

    def __init__(self) -> None:
        self.got: list[tuple[str, Any]] = []
        self.retry_after = 0

    async def answer(self, request: Request) -> Response:
        form = await request.form()
        self.got.append((request.path_params["method"], dict(form)))
        if self.retry_after:
            wait, self.retry_after = self.retry_after, 0
            parameters = {"retry_after": wait}
            body = {"ok": False, "error_code": 429, "description": "x", "parameters": parameters}
            return JSONResponse(body, status_code=429)
        message = {"message_id": 5, "date": 1, "chat": {"id": 42, "type": "private"}}
        is_press = request.path_params["method"] == "answerCallbackQuery"
        return Response(json.dumps({"ok": True, "result": True if is_press else message}))


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def slept() -> Slept:
    return Slept()


@pytest.fixture
def limits(redis: Redis, slept: Slept) -> TelegramLimits:
    return TelegramLimits(SharedScripts(redis, current_keyring(), sleep=slept), TOKEN, 30)


@pytest.fixture
def telegram() -> Telegram:
    return Telegram()


@pytest.fixture
async def bot(telegram: Telegram, limits: TelegramLimits) -> AsyncIterator[Bot]:
    route = Route("/bot" + TOKEN + "/{method}", telegram.answer, methods=["POST"])
    async with served(Starlette(routes=[route])) as url:
        bot = new_telegram_bot(TOKEN, url)
        share_limits(bot, limits)
        yield bot
        await bot.session.close()


async def test_what_is_shown_counts_and_what_is_answered_does_not(
    bot: Bot, limits: TelegramLimits, redis: Redis
) -> None:
    await bot.send_message(42, "x")
    await bot.edit_message_text("y", chat_id=42, message_id=5)
    await bot.answer_callback_query("1")
    (log,) = [key for key in await redis.keys("*") if key.endswith(b":log")]
    assert await redis.zcard(log) == 2


async def test_changing_a_screen_is_not_slowed_down_in_its_chat(bot: Bot, slept: Slept) -> None:
    for _ in range(CHAT_BURST):
        await bot.send_message(42, "x")
    await bot.edit_message_text("y", chat_id=42, message_id=5)
    assert slept.seconds == []
    await bot.send_message(42, "x")
    assert len(slept.seconds) == 1


async def test_patience_asked_of_a_dialog_is_everybody_s(
    bot: Bot, telegram: Telegram, limits: TelegramLimits
) -> None:
    telegram.retry_after = 7
    with pytest.raises(TelegramRetryAfter):
        await bot.send_message(42, "x")
    assert await limits.ask(DIALOG, "m") == pytest.approx(7, abs=0.5)
    with pytest.raises(TelegramRetryAfter) as raised:
        await bot.send_message(42, "x")
    assert raised.value.retry_after == 7
    assert len(telegram.got) == 1, "nothing more is sent before"


async def test_a_short_wait_is_waited_out(bot: Bot, telegram: Telegram) -> None:
    telegram.retry_after = 1
    await bot.send_message(42, "x")
    assert [method for method, _ in telegram.got] == ["sendMessage"] * 2
