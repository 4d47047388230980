"""Telegram's "slow down" for a dialog: waited out when it is short, else the turn comes again.

A person in front of a screen should not notice a second or two; a consumer must not sleep for
minutes with an address in its hands.
"""

import asyncio
from typing import Final

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.session.middlewares.base import BaseRequestMiddleware, NextRequestMiddlewareType
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramRetryAfter
from aiogram.methods import Response, TelegramMethod
from aiogram.methods.base import TelegramType
from aiogram.types import Message

LONGEST_WAIT_S: Final = 5
REQUEST_TIMEOUT_S: Final = 20.0

# aiogram makes the model of an answer anew for each call, a millisecond or two of pydantic,
# unless somebody keeps it: pydantic remembers it for as long as it is in use.
ANSWERS_IN_USE: Final = (Response[bool], Response[Message], Response[Message | bool])


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


def new_telegram_session(api_url: str) -> AiohttpSession:
    session = AiohttpSession(api=TelegramAPIServer.from_base(api_url), timeout=REQUEST_TIMEOUT_S)
    session.middleware(WaitOutShortLimits())
    return session
