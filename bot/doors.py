"""The addresses that carriers post to. Each checks, stores, commits, and only then says 200.

Nothing is read before the sender is known as far as it can be: a secret in a header before the
body, a signature before any field means anything.
"""

import asyncio
import hmac
from collections.abc import Awaitable, Callable

import structlog
from multidict import MultiDict
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot import metrics
from bot.bootstrap import App
from bot.channels import sms_in, telegram_in
from services import inbox, outbox
from services.direct import DATABASE_ERRORS, direct_connection

log = structlog.get_logger(__name__)

_LARGEST_UPDATE = 1024 * 1024
_STORE_LIMIT_S = 10.0
# A report may come before the answer to our own request was written down.
_PAUSES_S = (0.2, 0.5, 1.0)
_EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
_SIGNATURE_HEADER = "X-Twilio-Signature"
_SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - a header's name

Endpoint = Callable[[Request], Awaitable[Response]]


class TurnedAwayError(Exception):
    """A request that is refused, and how."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


class Doors:
    """Telegram's webhook and the two addresses of the SMS carrier."""

    def __init__(self, app: App) -> None:
        self._engine = app.engine
        self._settings = app.settings
        self._bot_id = telegram_in.bot_id_of(app.settings.telegram_bot_token)

    def routes(self) -> list[Route]:
        return [
            Route(
                telegram_in.WEBHOOK_PATH,
                _guarded("telegram", self._on_telegram),
                methods=["POST"],
            ),
            Route(sms_in.INBOUND_PATH, _guarded("sms", self._on_sms), methods=["POST"]),
            Route(sms_in.STATUS_PATH, _guarded("sms status", self._on_status), methods=["POST"]),
        ]

    async def keep(self, update: telegram_in.TelegramUpdate) -> None:
        """Store an update of Telegram, whichever way it came."""
        await self._store("telegram", update.provider_id, update.chat, update.payload)

    async def _store(self, channel: str, provider_id: str, address: str, payload: bytes) -> None:
        async with asyncio.timeout(_STORE_LIMIT_S), direct_connection(self._engine) as connection:
            new = await inbox.store(connection, channel, provider_id, address, payload)
        (metrics.RECEIVED if new else metrics.DUPLICATES).labels(channel).inc()

    async def _on_telegram(self, request: Request) -> Response:
        secret = self._settings.telegram_webhook_secret.encode()
        given = request.headers.get(_SECRET_HEADER, "").encode()
        if not secret or not hmac.compare_digest(given, secret):
            raise TurnedAwayError(401, "wrong secret")
        body = await _read_body(request, _LARGEST_UPDATE)
        try:
            update = telegram_in.read_update(body, self._bot_id)
        except telegram_in.MalformedUpdateError:
            raise TurnedAwayError(400, "malformed update") from None
        if update is None:
            metrics.SKIPPED.labels("telegram").inc()
        else:
            await self.keep(update)
        return Response()

    async def _on_sms(self, request: Request) -> Response:
        form = await self._genuine_form(request)
        sms = sms_in.read_inbound(form)
        if sms is None:
            metrics.SKIPPED.labels("sms").inc()
        else:
            await self._store("sms", sms.provider_id, sms.number, sms.payload)
        return Response(_EMPTY_TWIML, media_type="text/xml")

    async def _on_status(self, request: Request) -> Response:
        form = await self._genuine_form(request)
        report = sms_in.read_status(form, request.query_params.get("item"))
        if report is not None and not await self._apply(report):
            log.info("status_of_unknown_message", state=report.state)
        return Response(_EMPTY_TWIML, media_type="text/xml")

    async def _apply(self, report: sms_in.StatusReport) -> bool:
        for pause in (0.0, *_PAUSES_S):
            await asyncio.sleep(pause)
            async with direct_connection(self._engine) as connection:
                known = await outbox.apply_status(
                    connection,
                    provider_id=report.provider_id,
                    state=report.state,
                    error_code=report.error_code,
                    item_id=report.item_id,
                )
            if known:
                return True
        return False

    async def _genuine_form(self, request: Request) -> MultiDict[str]:
        """Read the form of a request whose signature is right."""
        if not self._settings.twilio_auth_token:
            raise TurnedAwayError(403, "SMS is not set up")
        signature = request.headers.get(_SIGNATURE_HEADER, "")
        if not signature:
            raise TurnedAwayError(403, "wrong signature")
        body = await _read_body(request, sms_in.LARGEST_FORM)
        try:
            form = sms_in.read_form(body)
        except sms_in.MalformedFormError:
            # A signature covers decoded fields: where there are none it proves nothing.
            raise TurnedAwayError(403, "wrong signature") from None
        query = f"?{request.url.query}" if request.url.query else ""
        genuine = sms_in.is_genuine(
            self._settings.twilio_auth_token,
            self._settings.public_url,
            request.url.path + query,
            form,
            signature,
        )
        if not genuine:
            raise TurnedAwayError(403, "wrong signature")
        return form


async def _read_body(request: Request, limit: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise TurnedAwayError(413, "too large")
    return bytes(body)


def _guarded(door: str, endpoint: Endpoint) -> Endpoint:
    """Turn what a door raises into an answer that tells the caller nothing of our inside."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except TurnedAwayError as error:
            status, why = error.status, error.why
        except sms_in.MalformedFormError:
            status, why = 400, "malformed form"
        except ClientDisconnect:
            status, why = 400, "cut off"
        except DATABASE_ERRORS:
            log.exception("not_stored", door=door)
            status, why = 503, "try again later"
        metrics.REFUSED.labels(door, why).inc()
        return PlainTextResponse(why, status_code=status)

    return answer
