"""SMS on their way out, through Twilio or whoever speaks its language at another address."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

import aiohttp
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.rest import Client
from twilio.rest.api.v2010.account.message import MessageInstance

from bot.channels.sms_in import STATUS_PATH
from bot.send_limits import LimitedError, SmsLimits
from services import sms_text
from services.outbox import OutboxItem
from services.outcomes import Later, Outcome, Refused, Sent, Uncertain, Unreachable

_READ_TIMEOUT_S = 20.0
_CONNECT_TIMEOUT_S = 5.0
_CONNECTIONS = 64
_RETRY_S = 5.0
_MISCONFIGURED_S = 300.0
_CLOCKS_DIFFER = timedelta(minutes=2)
_MOST_LISTED = 50

# Twilio's numbers for what went wrong.
_BAD_CREDENTIALS = 20003
_TOO_MANY_REQUESTS = 20429
_INVALID_TO = 21211
_SENDER_NOT_OURS = 21606
_PERSON_SENT_STOP = 21610
_NOT_A_MOBILE = 21614
_NO_ROUTE = 21612
_UNREACHABLE = {
    _INVALID_TO: "invalid number",
    _PERSON_SENT_STOP: "stopped",
    _NOT_A_MOBILE: "not a mobile number",
    _NO_ROUTE: "no route",
}
_MISCONFIGURED = (_BAD_CREDENTIALS, _SENDER_NOT_OURS)
_HTTP_TOO_MANY_REQUESTS = 429
_HTTP_GATEWAY_FAILED = (502, 504)
_HTTP_SERVER_ERRORS = range(500, 600)
_THROTTLED = "throttled"

Ready = Callable[[], Awaitable[None]]


class _NotWrittenError(Exception):
    """No connection: the carrier never heard of it."""


class _NoAnswerError(Exception):
    """The request was written, and what became of it is unknown."""


class _AiohttpClient(AsyncHttpClient):  # type: ignore[misc]
    """Twilio's requests over aiohttp, with errors that tell unsent from unknown.

    The client that comes with the library cannot tell them apart, and logs numbers.
    """

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.is_async = True
        self._session = session

    async def request(  # noqa: PLR0917 - the library asks for it
        self,
        method: str,
        uri: str,
        params: dict[str, Any] | None = None,
        data: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109, ARG002 - the library asks for it
        allow_redirects: bool = False,
    ) -> Response:
        sent = dict(headers or {})
        if auth is not None:
            sent["Authorization"] = aiohttp.encode_basic_auth(*auth)
        try:
            async with self._session.request(
                method,
                uri,
                params=_without_none(params),
                data=_without_none(data),
                headers=sent,
                allow_redirects=allow_redirects,
            ) as answer:
                return Response(answer.status, await answer.text(), dict(answer.headers))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            raise _NotWrittenError from None
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise _NoAnswerError from None


def _without_none(fields: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if fields is None else {k: v for k, v in fields.items() if v is not None}


class SmsSender:
    """Sends outbox messages of the channel ``sms``; an asynchronous context manager."""

    def __init__(
        self,
        api_url: str,
        account_sid: str,
        auth_token: str,
        *,
        sender: str,
        public_url: str,
        limits: SmsLimits,
    ) -> None:
        self._api_url = api_url
        self._credentials = (account_sid, auth_token)
        self._limits = limits
        self._from = sender
        self._status_url = public_url + STATUS_PATH
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=_CONNECTIONS),
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=_CONNECT_TIMEOUT_S, sock_read=_READ_TIMEOUT_S
            ),
        )
        self._client = Client(*self._credentials, http_client=_AiohttpClient(self._session))
        self._client.api.base_url = self._api_url
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(self, item: OutboxItem, ready: Ready) -> Outcome:
        """Send one message and say what became of it; never raises for what the carrier answers."""
        parts = max(1, sms_text.count(item.text).parts)
        try:
            await self._limits.wait(parts, item.lane, ready)
        except LimitedError as error:
            return Later(
                error.after_s, "limited", throttled=True, for_everybody=error.for_everybody
            )
        outcome = await self._create(item)
        if isinstance(outcome, Later) and outcome.reason == _THROTTLED:
            await self._limits.pause(outcome.after_s)
        return outcome

    async def _create(self, item: OutboxItem) -> Outcome:
        """Our own id goes with the address for reports: one may come before the answer does."""
        try:
            message = await self._client.messages.create_async(
                to=item.address,
                from_=self._from,
                body=item.text,
                status_callback=f"{self._status_url}?item={item.id}",
            )
        except _NotWrittenError:
            return Later(_RETRY_S, "no connection")
        except TwilioRestException as error:
            return _to_outcome(error)
        except (_NoAnswerError, TwilioException, ValueError):
            return Uncertain("no answer")
        return _to_sent(message)

    async def find_sent(self, item: OutboxItem) -> list[Sent]:
        """List what the carrier has that may be this message, oldest first; empty when unknown."""
        try:
            listed = await self._client.messages.list_async(
                to=item.address, from_=self._from, limit=_MOST_LISTED, page_size=_MOST_LISTED
            )
        except (_NotWrittenError, _NoAnswerError, TwilioException, ValueError):
            return []
        since = item.created_at - _CLOCKS_DIFFER
        alike = [
            message
            for message in listed
            if message.body in (item.text, item.neutral)
            and message.date_created is not None
            and message.date_created >= since
        ]
        return [_to_sent(message) for message in reversed(alike)]


def _to_sent(message: MessageInstance) -> Sent:
    parts = str(message.num_segments or "")
    return Sent(str(message.sid), int(parts) if parts.isdecimal() else None)


def _to_outcome(error: TwilioRestException) -> Outcome:
    code = error.code
    if code in _UNREACHABLE:
        return Unreachable(_UNREACHABLE[code])
    if code == _TOO_MANY_REQUESTS or error.status == _HTTP_TOO_MANY_REQUESTS:
        return Later(_RETRY_S, _THROTTLED, throttled=True, for_everybody=True)
    if code in _MISCONFIGURED:
        return Later(_MISCONFIGURED_S, str(code), throttled=True, for_everybody=True)
    if error.status in _HTTP_GATEWAY_FAILED:
        return Uncertain(f"http {error.status}")
    if error.status in _HTTP_SERVER_ERRORS:
        return Later(_RETRY_S, f"http {error.status}")
    return Refused(str(code or f"http {error.status}"))
