"""Edits messages that the bot has sent to a chat, for who has no dialog open there.

Nobody waits for it, so it takes what dialogs leave of what the carrier allows.
"""

import json
from http import HTTPStatus
from typing import Any, Final

import aiohttp

from bot.send_limits import LimitedError, TelegramLimits
from services.outbox import BULK
from services.outcomes import Later
from services.staff_cards.words import CardMessage

_TIMEOUT: Final = aiohttp.ClientTimeout(total=30, sock_connect=5, sock_read=20)
_RETRY_S: Final = 10.0
_FINAL: Final = (HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)


class TelegramEdits:
    """Messages of one bot, over a session that somebody else closes."""

    def __init__(
        self, session: aiohttp.ClientSession, api_url: str, token: str, limits: TelegramLimits
    ) -> None:
        self._session = session
        self._limits = limits
        self._method = f"{api_url}/bot{token}/editMessageText"

    async def edit(self, chat: str, message_id: str, message: CardMessage) -> Later | None:
        """Make the message say this; Later when it must be tried again.

        What says so already, what is gone, and what a blocked chat holds stays as it is.
        """
        parameters: dict[str, Any] = {
            "chat_id": chat,
            "message_id": int(message_id),
            "text": message.text,
        }
        if message.reply_markup is not None:
            parameters["reply_markup"] = message.reply_markup
        try:
            # Without the chat: what is changed there counts for the bot alone.
            async with self._limits.passing(None, BULK):
                later = await self._post(parameters)
        except LimitedError as error:
            return Later(
                error.after_s, "limited", throttled=True, for_everybody=error.for_everybody
            )
        if later is not None and later.for_everybody:
            await self._limits.pause(later.after_s)
        return later

    async def _post(self, parameters: dict[str, Any]) -> Later | None:
        try:
            async with self._session.post(
                self._method, json=parameters, timeout=_TIMEOUT
            ) as answer:
                return _to_outcome(answer.status, await answer.read())
        except (aiohttp.ClientError, TimeoutError, OSError):
            return Later(_RETRY_S, "no connection")


def _to_outcome(status: int, raw: bytes) -> Later | None:
    if status == HTTPStatus.OK or status in _FINAL:
        return None
    if status != HTTPStatus.TOO_MANY_REQUESTS:
        return Later(_RETRY_S, f"http {status}")
    try:
        after_s = float(json.loads(raw)["parameters"]["retry_after"])
    except (ValueError, KeyError, TypeError):
        after_s = _RETRY_S
    return Later(after_s, "throttled", throttled=True, for_everybody=True)
