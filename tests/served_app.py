"""The web process inside a test: real HTTP, a database and a Redis of the test's own."""

import asyncio
import contextlib
import inspect
import socket
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from redis.asyncio import Redis
from starlette.types import ASGIApp
from twilio.request_validator import RequestValidator

from bot.bootstrap import App
from bot.config import Settings
from bot.supervision import Tasks
from db.crypto import current_keyring
from db.engine import new_session_factory
from services.file_store import FileStore
from tests.support import INSTALLATION

SECRET = "webhook-secret"
AUTH_TOKEN = "auth-token"
PUBLIC_URL = "http://tralob.example:8000"


def make_settings(**changed: Any) -> Settings:
    """Settings of a test; whatever is not named is harmless."""
    values: dict[str, Any] = {
        "database_url": "postgresql://nowhere/none",
        "redis_url": "redis://127.0.0.1:1/0",
        "embedded_postgres": False,
        "embedded_valkey": False,
        "data_dir": Path("var"),
        "files_url": "file:///nowhere",
        "host": "127.0.0.1",
        "port": 8000,
        "public_url": PUBLIC_URL,
        "secret_key": "secret of the tests",
        "encryption_keys": (b"k" * 32,),
        "telegram_bot_token": "100000:test",
        "telegram_api_url": "http://127.0.0.1:1",
        "telegram_webhook_secret": SECRET,
        "twilio_account_sid": "AC" + "0" * 32,
        "twilio_auth_token": AUTH_TOKEN,
        "twilio_api_url": "http://127.0.0.1:1",
        "sms_sender": "2580",
        "sms_two_way": True,
        "simulator": False,
        "simulator_port": 8001,
        "log_level": "info",
    }
    return Settings(**(values | changed))


@contextlib.asynccontextmanager
async def make_app(engine: Any, redis_url: str, **changed: Any) -> AsyncIterator[App]:
    redis = Redis.from_url(redis_url)
    try:
        with tempfile.TemporaryDirectory() as folder:
            settings = make_settings(**({"files_url": Path(folder).as_uri()} | changed))
            keyring = current_keyring()
            files = FileStore(settings.files_url, keyring, INSTALLATION)
            yield App(settings, keyring, engine, new_session_factory(engine), redis, files)
    finally:
        await redis.aclose()


@contextlib.asynccontextmanager
async def served(application: ASGIApp) -> AsyncIterator[str]:
    """Serve an ASGI application on a free port of this machine; yields its address."""
    # Without the protocol's name each answer waits 40 ms for the acknowledgement of its headers.
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        server = _TestServer(
            uvicorn.Config(application, log_config=None, timeout_graceful_shutdown=1)
        )
        tasks = Tasks()
        task = tasks.start(server.serve(sockets=[listener]), name="server")
        try:
            await server.is_up()
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            await task


class _TestServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._up.set()

    async def is_up(self) -> None:
        await self._up.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield


@dataclass(frozen=True)
class Carrier:
    """Signs forms as Twilio does."""

    token: str = AUTH_TOKEN
    public_url: str = PUBLIC_URL

    def headers(self, path: str, form: dict[str, str]) -> dict[str, str]:
        signature = RequestValidator(self.token).compute_signature(self.public_url + path, form)
        return {"X-Twilio-Signature": signature}


def private_message(update_id: int, chat_id: int = 4242424242, text: str = "សួស្តី") -> dict[str, Any]:
    """A text of a private chat, as Telegram sends it."""
    return {
        "update_id": update_id,
        "message": {
            "message_id": update_id,
            "date": 1795000000,
            "chat": {"id": chat_id, "type": "private", "first_name": "Sophea"},
            "from": {"id": chat_id, "is_bot": False, "first_name": "Sophea"},
            "text": text,
        },
    }


async def until(condition: Callable[[], Any], timeout_s: float = 30.0) -> Any:
    """Wait until something becomes true and return it; fails when it never does."""
    async with asyncio.timeout(timeout_s):
        while True:
            found = condition()
            if inspect.isawaitable(found):
                found = await found
            if found:
                return found
            await asyncio.sleep(0.01)
