"""Telegram messages that nobody asked for just now, sent by python-telegram-bot.

Its own HTTP layer costs several times what aiohttp does, so that layer is replaced. What failed
before anything was written is known to be unsent; what failed after is uncertain.
"""

import json
from types import TracebackType
from typing import Any, Self

import aiohttp
from telegram import InlineKeyboardMarkup
from telegram.error import BadRequest, Forbidden, InvalidToken, NetworkError, TelegramError
from telegram.ext import ExtBot
from telegram.request import BaseRequest, RequestData

from services.outbox import OutboxItem
from services.outcomes import Later, Outcome, Refused, Sent, Uncertain, Unreachable

_READ_TIMEOUT_S = 20.0
_CONNECT_TIMEOUT_S = 5.0
_CONNECTIONS = 64
_RETRY_S = 5.0
_BROKEN_TOKEN_S = 300.0
_TOO_MANY_REQUESTS = 429
_GATEWAY_FAILED = (502, 504)
_SERVER_ERRORS = range(500, 600)
_CHAT_GONE = ("chat not found", "user is deactivated", "chat_id is empty", "peer_id_invalid")


class NotSentError(TelegramError):
    """It certainly did not go out; ``throttled`` when Telegram asked for patience."""

    def __init__(self, reason: str, after_s: float, *, throttled: bool = False) -> None:
        super().__init__(reason)
        self.outcome = Later(after_s, reason, throttled)


class MaybeSentError(TelegramError):
    """The answer never came."""


class AiohttpRequest(BaseRequest):
    """PTB's requests over aiohttp."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    @property
    def read_timeout(self) -> float | None:
        return _READ_TIMEOUT_S

    async def initialize(self) -> None:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=_CONNECTIONS),
                timeout=aiohttp.ClientTimeout(
                    total=None, sock_connect=_CONNECT_TIMEOUT_S, sock_read=_READ_TIMEOUT_S
                ),
            )

    async def shutdown(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def do_request(  # noqa: PLR0917 - PTB asks for it
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,  # noqa: ARG002
        write_timeout: Any = BaseRequest.DEFAULT_NONE,  # noqa: ARG002
        connect_timeout: Any = BaseRequest.DEFAULT_NONE,  # noqa: ARG002
        pool_timeout: Any = BaseRequest.DEFAULT_NONE,  # noqa: ARG002
    ) -> tuple[int, bytes]:
        """Send; raises NotSentError or MaybeSentError where PTB would only know a network error."""
        if self._session is None:
            raise RuntimeError("the request was not initialized")
        fields = request_data.json_parameters if request_data else None
        try:
            async with self._session.request(method, url, data=fields) as answer:
                payload = await answer.read()
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            raise NotSentError("no connection", _RETRY_S) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise MaybeSentError(type(error).__name__) from None
        _check(answer.status, payload)
        return answer.status, payload


def _check(status: int, payload: bytes) -> None:
    if status == _TOO_MANY_REQUESTS:
        raise NotSentError("throttled", _retry_after_s(payload), throttled=True)
    if status in _GATEWAY_FAILED:
        raise MaybeSentError(f"http {status}")
    if status in _SERVER_ERRORS:
        raise NotSentError(f"http {status}", _RETRY_S)


def _retry_after_s(payload: bytes) -> float:
    try:
        return float(json.loads(payload)["parameters"]["retry_after"])
    except (ValueError, KeyError, TypeError):
        return _RETRY_S


class TelegramSender:
    """Sends outbox messages of the channel ``telegram``; an asynchronous context manager."""

    def __init__(self, api_url: str, token: str) -> None:
        self._request = AiohttpRequest()
        self._bot = ExtBot(
            token,
            base_url=f"{api_url}/bot",
            base_file_url=f"{api_url}/file/bot",
            request=self._request,
            get_updates_request=self._request,
        )

    async def __aenter__(self) -> Self:
        await self._request.initialize()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._request.shutdown()

    async def send(self, item: OutboxItem) -> Outcome:
        """Send one message and say what became of it; never raises for what Telegram answers."""
        try:
            message = await self._bot.send_message(
                chat_id=int(item.address), text=item.text, reply_markup=self._markup(item)
            )
        except TelegramError as error:
            return _to_outcome(error)
        except (KeyError, TypeError, ValueError):
            return Uncertain("no answer")  # an answer that is not the Bot API's
        return Sent(str(message.message_id))

    def _markup(self, item: OutboxItem) -> InlineKeyboardMarkup | None:
        markup: dict[str, Any] | None = item.reply_markup
        return None if markup is None else InlineKeyboardMarkup.de_json(markup, self._bot)


def _to_outcome(error: TelegramError) -> Outcome:
    match error:
        case NotSentError():
            outcome: Outcome = error.outcome
        case Forbidden():
            outcome = Unreachable("blocked")
        case InvalidToken():
            outcome = Later(_BROKEN_TOKEN_S, "token refused", throttled=True)
        case BadRequest() if any(text in str(error).lower() for text in _CHAT_GONE):
            outcome = Unreachable("chat gone")
        case BadRequest():
            outcome = Refused("bad request")
        case MaybeSentError() | NetworkError():
            outcome = Uncertain("no answer")
        case _:
            outcome = Refused(type(error).__name__)
    return outcome
