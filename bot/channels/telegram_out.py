"""Telegram messages that nobody asked for just now, sent by python-telegram-bot.

Its own HTTP layer costs several times what aiohttp does, so that layer is replaced. What failed
before anything was written is known to be unsent, and so is what Telegram refuses in the Bot API's
own words. What failed otherwise is uncertain, and so is what its gateway says: it answers in the
same words when it has waited in vain for a server that may have sent the message.
"""

import json
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import aiohttp
from telegram import InlineKeyboardMarkup, InputFile, Message
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    TelegramError,
)
from telegram.ext import BaseRateLimiter, ExtBot
from telegram.request import BaseRequest, RequestData

from bot.send_limits import LimitedError, TelegramLimits
from services.outbox import DIALOG, OutboxItem
from services.outcomes import Later, Outcome, Refused, Sent, Uncertain, Unreachable

_READ_TIMEOUT_S = 20.0
_CONNECT_TIMEOUT_S = 5.0
_CONNECTIONS = 64
_RETRY_S = 5.0
_BROKEN_TOKEN_S = 300.0
_FILE_RETRY_S = 60.0
_TOO_MANY_REQUESTS = 429
_GATEWAY_FAILED = (502, 504)
_SERVER_ERRORS = range(500, 600)
_ANSWERS = range(200, 300)
_NAMED = (400, 401, 403, 404, 409)  # PTB has exceptions of their own for these
_CHAT_GONE = ("chat not found", "user is deactivated", "chat_id is empty", "peer_id_invalid")

Ready = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file that goes with a message."""

    name: str
    data: bytes


OpenFile = Callable[[UUID], Awaitable[SentFile | None]]
"""Reads a file by its id; None when it is gone. Raises OSError when it cannot be read just now."""


class NotSentError(TelegramError):
    """It certainly did not go out; ``throttled`` when Telegram asked for patience."""

    def __init__(self, reason: str, after_s: float, *, throttled: bool = False) -> None:
        super().__init__(reason)
        self.outcome = Later(after_s, reason, throttled, for_everybody=throttled)


class MaybeSentError(TelegramError):
    """No answer came that says whether it went out; ``message`` says what came instead."""


class NeverSentError(TelegramError):
    """Telegram does not take it, now or later; ``message`` is the code."""


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
        try:
            async with self._session.request(method, url, data=_to_form(request_data)) as answer:
                payload = await answer.read()
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            raise NotSentError("no connection", _RETRY_S) from None
        except TimeoutError:
            raise MaybeSentError("no answer") from None
        except (aiohttp.ClientError, OSError):
            raise MaybeSentError("connection lost") from None
        _check(answer.status, payload)
        return answer.status, payload


def _to_form(request_data: RequestData | None) -> aiohttp.FormData | dict[str, str] | None:
    if request_data is None:
        return None
    if not request_data.contains_files:
        return request_data.json_parameters
    form = aiohttp.FormData(request_data.json_parameters, quote_fields=False)
    for field, (name, content, media_type) in request_data.multipart_data.items():
        form.add_field(field, content, filename=name, content_type=media_type)
    return form


def _check(status: int, payload: bytes) -> None:
    if status == _TOO_MANY_REQUESTS:
        raise NotSentError("throttled", _retry_after_s(payload), throttled=True)
    if status in _GATEWAY_FAILED:
        raise MaybeSentError(f"http {status}")
    if status in _SERVER_ERRORS:
        raise NotSentError(f"http {status}", _RETRY_S)
    if status not in _ANSWERS and status not in _NAMED:
        raise NeverSentError(f"http {status}")


def _retry_after_s(payload: bytes) -> float:
    try:
        return float(json.loads(payload)["parameters"]["retry_after"])
    except (ValueError, KeyError, TypeError):
        return _RETRY_S


@dataclass(frozen=True, slots=True)
class Departure:
    """What the limit must know of a message; ``ready`` is awaited when its turn has come."""

    lane: int = DIALOG
    ready: Ready | None = None


class SharedRateLimiter(BaseRateLimiter[Departure]):
    """PTB's requests within what all processes together may send."""

    def __init__(self, limits: TelegramLimits) -> None:
        self._limits = limits

    async def initialize(self) -> None:
        """Nothing to open: the limits are the process's."""

    async def shutdown(self) -> None:
        """Nothing to close."""

    async def process_request(  # noqa: PLR0917 - PTB asks for it
        self,
        callback: Callable[..., Coroutine[Any, Any, Any]],
        args: Any,
        kwargs: dict[str, Any],
        endpoint: str,  # noqa: ARG002 - PTB asks for it
        data: dict[str, Any],
        rate_limit_args: Departure | None,
    ) -> Any:
        """Raises LimitedError when the turn would come too late, and what ``ready`` raises."""
        departure = rate_limit_args or Departure()
        chat = str(data["chat_id"]) if "chat_id" in data else None
        try:
            async with self._limits.passing(chat, departure.lane, departure.ready):
                return await callback(*args, **kwargs)
        except NotSentError as error:
            if error.outcome.for_everybody:
                await self._limits.pause(error.outcome.after_s)
            raise


class TelegramSender:
    """Sends outbox messages of the channel ``telegram``; an asynchronous context manager."""

    def __init__(
        self, api_url: str, token: str, *, limits: TelegramLimits, open_file: OpenFile
    ) -> None:
        self._request = AiohttpRequest()
        self._open_file = open_file
        self._bot = ExtBot(
            token,
            base_url=f"{api_url}/bot",
            base_file_url=f"{api_url}/file/bot",
            request=self._request,
            get_updates_request=self._request,
            rate_limiter=SharedRateLimiter(limits),
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

    async def send(self, item: OutboxItem, ready: Ready) -> Outcome:
        """Send one message and say what became of it; never raises for what Telegram answers."""
        try:
            message = await self._send(item, Departure(item.lane, ready))
        except LimitedError as error:
            return Later(
                error.after_s, "limited", throttled=True, for_everybody=error.for_everybody
            )
        except TelegramError as error:
            return _to_outcome(error)
        except (KeyError, TypeError, ValueError):
            return Uncertain("unreadable answer")
        return Refused("file gone") if message is None else Sent(str(message.message_id))

    async def _send(self, item: OutboxItem, departure: Departure) -> Message | None:
        """None when the file that it carries is gone."""
        chat_id, markup = int(item.address), self._markup(item)
        if item.document is None:
            return await self._bot.send_message(
                chat_id=chat_id, text=item.text, reply_markup=markup, rate_limit_args=departure
            )
        try:
            file = await self._open_file(UUID(item.document["file_id"]))
        except OSError:
            raise NotSentError("file not readable", _FILE_RETRY_S) from None
        if file is None:
            return None
        return await self._bot.send_document(
            chat_id=chat_id,
            document=InputFile(file.data, filename=item.document.get("name") or file.name),
            caption=item.text,
            reply_markup=markup,
            rate_limit_args=departure,
        )

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
            outcome = Later(_BROKEN_TOKEN_S, "token refused", throttled=True, for_everybody=True)
        case BadRequest() if any(text in str(error).lower() for text in _CHAT_GONE):
            outcome = Unreachable("chat gone")
        case BadRequest():
            outcome = Refused("bad request")
        case NeverSentError():
            outcome = Refused(error.message)
        case MaybeSentError():
            outcome = Uncertain(error.message)
        case Conflict() | ChatMigrated():
            outcome = Refused(type(error).__name__)
        case _:
            outcome = Uncertain("unreadable answer")
    return outcome
