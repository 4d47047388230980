"""Telegram's limits for a dialog, and its "slow down": waited out when that is short.

Dialogs ask the limit that all processes share, before bulk. A person in front of a screen should
not notice a second or two; a consumer must not sleep for minutes with an address in its hands, so
what takes longer ends the turn, which comes again.
"""

import asyncio
import math
from typing import Final

from aiogram import Bot
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.session.middlewares.base import BaseRequestMiddleware, NextRequestMiddlewareType
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramRetryAfter
from aiogram.methods import Response, TelegramMethod
from aiogram.methods.base import TelegramType
from aiogram.types import Message

from bot.send_limits import LimitedError, TelegramLimits
from services.outbox import DIALOG

LONGEST_WAIT_S: Final = 5
REQUEST_TIMEOUT_S: Final = 20.0

# aiogram makes the model of an answer anew for each call, a millisecond or two of pydantic,
# unless somebody keeps it: pydantic remembers it for as long as it is in use.
ANSWERS_IN_USE: Final = (Response[bool], Response[Message], Response[Message | bool])


_COUNTED: Final = ("send", "edit", "copy", "forward")
_NOT_COUNTED: Final = ("sendChatAction",)


class WaitOutShortLimits(BaseRequestMiddleware):
    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        try:
            return await make_request(bot, method)
        except TelegramRetryAfter as error:
            if error.retry_after > LONGEST_WAIT_S:
                raise
            await asyncio.sleep(error.retry_after)
            return await make_request(bot, method)


class ShareLimits(BaseRequestMiddleware):
    """What shows or changes something counts; answering a press or asking for a file does not."""

    def __init__(self, limits: TelegramLimits) -> None:
        self._limits = limits

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        name = method.__api_method__
        if not name.startswith(_COUNTED) or name in _NOT_COUNTED:
            return await make_request(bot, method)
        chat = None if name.startswith("edit") else str(getattr(method, "chat_id", ""))
        try:
            async with self._limits.passing(chat, DIALOG):
                return await make_request(bot, method)
        except LimitedError as error:
            raise TelegramRetryAfter(method, "limited", math.ceil(error.after_s)) from None
        except TelegramRetryAfter as error:
            await self._limits.pause(error.retry_after)
            raise


def share_limits(bot: Bot, limits: TelegramLimits) -> None:
    """Let a bot's dialogs pass the limit that all processes share."""
    bot.session.middleware(ShareLimits(limits))


def new_telegram_bot(token: str, api_url: str) -> Bot:
    session = AiohttpSession(api=TelegramAPIServer.from_base(api_url), timeout=REQUEST_TIMEOUT_S)
    session.middleware(WaitOutShortLimits())
    return Bot(token, session=session, default=DefaultBotProperties(link_preview_is_disabled=True))
