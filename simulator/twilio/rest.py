"""Twilio's REST API for messages, over HTTP."""

import asyncio
import base64
import hmac
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from simulator.config import Config
from simulator.server import hang_up
from simulator.twilio import errors
from simulator.twilio.carrier import CURRENCY, Carrier, carrier_of
from simulator.twilio.forms import check_redaction, parse_new_message, read_form
from simulator.twilio.ledger import API_VERSION, Record, account_uri, as_resource
from simulator.twilio.listing import list_page
from simulator.world import World

# Requests of an account that Twilio handles at a time before it answers 429.
MAX_CONCURRENT = 100

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

Handler = Callable[[Request], Awaitable[Response]]


def routes(world: World, config: Config) -> list[BaseRoute]:
    """The carrier's API, to be mounted at the root."""
    api = _Api(carrier_of(world, config))
    messages = account_uri("{account}") + "/Messages.json"
    message = account_uri("{account}") + "/Messages/{sid}.json"
    return [
        Route(messages, api.guarded(api.create), methods=["POST"]),
        Route(messages, api.guarded(api.list), methods=["GET"]),
        Route(message, api.guarded(api.fetch), methods=["GET"]),
        Route(message, api.guarded(api.redact), methods=["POST"]),
        Route(message, api.guarded(api.delete), methods=["DELETE"]),
        *(
            Route(path, api.guarded(api.not_allowed), methods=METHODS)
            for path in (messages, message)
        ),
        Route(f"/{API_VERSION}/{{rest:path}}", api.guarded(api.unknown), methods=METHODS),
    ]


class _Api:
    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._under_way = 0

    def guarded(self, handler: Handler) -> Handler:
        """Around every handler: the trouble asked for, credentials, refusals as JSON."""

        async def endpoint(request: Request) -> Response:
            self._under_way += 1
            try:
                answer = await self._answer(handler, request)
            except errors.TwilioError as error:
                answer = errors.error_response(error)
            finally:
                self._under_way -= 1
            if self._carrier.take_fault("drop_answers_next"):
                return await hang_up(request)
            return answer

        return endpoint

    async def _answer(self, handler: Handler, request: Request) -> Response:
        if self._under_way > MAX_CONCURRENT:
            raise errors.too_many_requests()
        if delay := self._carrier.world.faults.twilio.delay_ms:
            await asyncio.sleep(delay / 1000)
        if self._carrier.take_fault("fail_next"):
            raise errors.internal_error()
        self._check_credentials(request)
        return await handler(request)

    def _check_credentials(self, request: Request) -> None:
        config = self._carrier.config
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        try:
            shown = base64.b64decode(encoded, validate=True)
        except ValueError:
            shown = b""
        expected = f"{config.twilio_sid}:{config.twilio_token}".encode()
        if scheme.lower() != "basic" or not hmac.compare_digest(shown, expected):
            raise errors.bad_credentials()
        if request.path_params.get("account", config.twilio_sid) != config.twilio_sid:
            raise errors.not_found(request.url.path)

    async def create(self, request: Request) -> Response:
        config = self._carrier.config
        message = parse_new_message(await read_form(request), own_sender=config.sender)
        phone = self._carrier.world.find_sms_phone(message.to)
        if phone and phone.stopped:
            raise errors.to_unsubscribed()
        record = self._carrier.send(
            to=message.to,
            body=message.body,
            service_sid=message.service_sid,
            status_callback=message.status_callback,
        )
        return self._resource(record, status=201)

    async def list(self, request: Request) -> Response:
        account = self._carrier.config.twilio_sid
        records = self._carrier.ledger.newest_first()
        page, members = list_page(records, request.query_params, request.url.path)
        messages = [as_resource(record, account, CURRENCY) for record in page]
        return JSONResponse(members | {"messages": messages})

    async def fetch(self, request: Request) -> Response:
        return self._resource(self._get(request))

    async def redact(self, request: Request) -> Response:
        record = self._get(request)
        check_redaction(await read_form(request))
        record = self._get_complete(request)
        record.body = ""
        record.updated = self._carrier.world.now()
        self._carrier.world.changed()
        return self._resource(record)

    async def delete(self, request: Request) -> Response:
        record = self._get_complete(request)
        self._carrier.ledger.remove(record.sid)
        self._carrier.world.changed()
        return Response(status_code=204)

    async def not_allowed(self, _request: Request) -> Response:
        raise errors.method_not_allowed()

    async def unknown(self, request: Request) -> Response:
        raise errors.not_found(request.url.path)

    def _get(self, request: Request) -> Record:
        record = self._carrier.ledger.find(request.path_params["sid"])
        if record is None:
            raise errors.not_found(request.url.path)
        return record

    def _get_complete(self, request: Request) -> Record:
        record = self._get(request)
        if not record.is_final:
            raise errors.not_yet_complete()
        return record

    def _resource(self, record: Record, status: int = 200) -> Response:
        account = self._carrier.config.twilio_sid
        return JSONResponse(as_resource(record, account, CURRENCY), status_code=status)
