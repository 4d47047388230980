"""What the tests of the SMS carrier share: the carrier over real HTTP, an application that takes
its webhooks, and Twilio's own description of every answer."""

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from openapi_core import Config as OpenAPIConfig
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse
from starlette.applications import Starlette
from starlette.types import ASGIApp
from twilio.request_validator import RequestValidator

from simulator.config import Config
from simulator.phones import SmsPhone
from simulator.server import build_server
from simulator.twilio import phone_sms, resume, routes
from simulator.world import World

SID = "AC" + "ab" * 16
TOKEN = "a-token-of-the-tests"
SENDER = "2580"
PUBLIC_URL = "https://line.example"
MESSAGES = f"/2010-04-01/Accounts/{SID}/Messages"
STATUS_URL = f"{PUBLIC_URL}/sms/status"

Form = dict[str, str]


@dataclass
class Webhook:
    """A form that the application was sent."""

    path: str
    form: Form
    signature: str


@dataclass
class Application:
    """The program at the other end: it takes webhooks, or answers as it was told to."""

    arrived: asyncio.Queue[Webhook] = field(default_factory=asyncio.Queue)
    answers: list[int] = field(default_factory=list)
    url: str = ""

    async def take(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        signature = request.headers["X-Twilio-Signature"]
        self.arrived.put_nowait(Webhook(request.path_qs, form, signature))
        return web.Response(status=self.answers.pop(0) if self.answers else 200)

    async def next(self) -> Webhook:
        """The next webhook, whose signature Twilio's own library has accepted."""
        webhook = await asyncio.wait_for(self.arrived.get(), 10)
        validator = RequestValidator(TOKEN)
        assert validator.validate(PUBLIC_URL + webhook.path, webhook.form, webhook.signature)
        return webhook

    async def statuses(self, count: int) -> list[str]:
        return [(await self.next()).form["MessageStatus"] for _ in range(count)]


@asynccontextmanager
async def serving_application() -> AsyncIterator[Application]:
    application = Application()
    app = web.Application()
    app.router.add_post("/{rest:.*}", application.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    application.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield application
    finally:
        await runner.cleanup()


@dataclass(frozen=True)
class Answer:
    """An answer of the carrier's API, checked against Twilio's description when it is a success."""

    status: int
    json: Any
    headers: dict[str, str]


@dataclass
class Carrier:
    """The carrier under test and a plain HTTP client for it."""

    world: World
    config: Config
    url: str
    session: aiohttp.ClientSession

    async def call(
        self, method: str, path: str, form: Form | bytes | None = None, **kwargs: Any
    ) -> Answer:
        kwargs.setdefault("headers", {"Authorization": aiohttp.encode_basic_auth(SID, TOKEN)})
        async with self.session.request(method, self.url + path, data=form, **kwargs) as response:
            body = await response.read()
            if response.status < 400:
                prove(method, path, response.status, body)
            content = json.loads(body) if body else None
            return Answer(response.status, content, dict(response.headers))

    async def send(self, **form: str) -> Answer:
        """POST a message; `From_` stands for `From`."""
        defaults = {"To": "+85512345678", "From": SENDER, "Body": "Hello"}
        given = {name.rstrip("_"): value for name, value in form.items()}
        merged = {name: value for name, value in (defaults | given).items() if value != "-"}
        return await self.call("POST", f"{MESSAGES}.json", merged)

    async def text(self, phone: SmsPhone, body: str) -> None:
        await phone_sms(self.world, self.config, phone, body)

    def resume(self) -> None:
        resume(self.world, self.config)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for the world to change until the condition holds."""
        async with asyncio.timeout(10):
            with self.world.subscribe() as events:
                if condition():
                    return
                async for _ in events:
                    if condition():
                        return


def make_config(app_url: str, **changes: Any) -> Config:
    return Config(
        bot_token="1:x",
        twilio_sid=SID,
        twilio_token=TOKEN,
        sender=SENDER,
        app_url=app_url,
        public_url=PUBLIC_URL,
        **changes,
    )


@asynccontextmanager
async def serving_carrier(
    config: Config, build: Callable[[World, Config], ASGIApp] | None = None
) -> AsyncIterator[Carrier]:
    """The carrier alone on a free port, or the application that `build` makes."""
    world = World(config)
    app = build(world, config) if build else Starlette(routes=routes(world, config))
    # With its protocol named, or asyncio leaves Nagle's algorithm on: 40 ms a request.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    port = listener.getsockname()[1]
    server = build_server(app, world, host="127.0.0.1", port=port)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        async with aiohttp.ClientSession() as session:
            yield Carrier(world, config, f"http://127.0.0.1:{port}", session)
    finally:
        server.should_exit = True
        await running
        await world.aclose()
        listener.close()


_RFC2822 = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} [\d:]{8} \+0000")


def _is_twilio_time(value: str) -> bool:
    return bool(_RFC2822.fullmatch(value)) and isinstance(parsedate_to_datetime(value), datetime)


# Twilio's OpenAPI description `twilio_api_v2010`, its part about messages: github.com/twilio/
# twilio-oai, commit d50069b of 2026-04-14.
_DESCRIPTION = OpenAPI.from_dict(
    json.loads(Path(__file__).with_name("twilio_messages.json").read_text("utf-8")),
    config=OpenAPIConfig(extra_format_validators={"date-time-rfc-2822": _is_twilio_time}),
)


def prove(method: str, path: str, status: int, body: bytes) -> None:
    """Raises unless the answer is as Twilio's description of its API says."""
    request = MockRequest("https://api.twilio.com", method.lower(), path.partition("?")[0])
    response = MockResponse(body, status_code=status, content_type="application/json")
    _DESCRIPTION.validate_response(request, response)
