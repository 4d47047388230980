"""Edits messages that the bot has sent to a chat, for who has no dialog open there."""

import json
from http import HTTPStatus
from typing import Any, Final

import aiohttp

from services.outcomes import Later
from services.staff_cards.words import CardMessage

_TIMEOUT: Final = aiohttp.ClientTimeout(total=30, sock_connect=5, sock_read=20)
_RETRY_S: Final = 10.0
_FINAL: Final = (HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)


class TelegramEdits:
    """Messages of one bot, over a session that somebody else closes."""

    def __init__(self, session: aiohttp.ClientSession, api_url: str, token: str) -> None:
        self._session = session
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
    return Later(after_s, "throttled", throttled=True)
