"""Somebody else's Bot API server and Twilio-compatible server, in a few lines each.

They share no code with our own local carriers, so a habit that only ours has cannot pass here.
"""

import asyncio
import base64
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from twilio.request_validator import RequestValidator

Call = tuple[str, dict[str, Any]]


@dataclass
class BotApi:
    """Answers every method of one bot; hands out `updates` to who asks for them."""

    token: str
    calls: list[Call] = field(default_factory=list)
    updates: list[dict[str, Any]] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def server(self) -> TestServer:
        app = web.Application()
        app.router.add_post(f"/own/bot{self.token}/{{method}}", self._answer)
        return TestServer(app)

    async def _answer(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        params = await _read(request)
        self.calls.append((method, params))
        if method == "getUpdates":
            result: Any = await self._wait_for_updates(int(params.get("offset", 0)))
        elif method in {"sendMessage", "editMessageText"}:
            result = self._message(params)
        else:
            result = True
        return web.json_response({"ok": True, "result": result})

    async def _wait_for_updates(self, offset: int) -> list[dict[str, Any]]:
        self.updates = [update for update in self.updates if update["update_id"] >= offset]
        if not self.updates:
            self._news.clear()
            await self._news.wait()
        return self.updates

    async def let_go(self) -> None:
        """End the call that waits for updates."""
        self._news.set()

    def give(self, update: dict[str, Any]) -> None:
        self.updates.append(update)
        self._news.set()

    def _message(self, params: dict[str, Any]) -> dict[str, Any]:
        return {
            "message_id": int(params.get("message_id", 1000 + len(self.calls))),
            "date": 1795000000,
            "chat": {"id": int(params["chat_id"]), "type": "private"},
            "text": params["text"],
        }

    def called(self, method: str) -> list[dict[str, Any]]:
        return [params for name, params in self.calls if name == method]


async def _read(request: web.Request) -> dict[str, Any]:
    """The parameters, in whichever of the allowed ways they came."""
    if request.content_type == "application/json":
        body: dict[str, Any] = await request.json()
        return body
    return {name: str(value) for name, value in (await request.post()).items()}


@dataclass
class Twilio:
    """Takes messages of one account, and calls back with right signatures."""

    account: str
    auth_token: str
    sent: list[dict[str, str]] = field(default_factory=list)

    def server(self) -> TestServer:
        app = web.Application()
        path = f"/own/2010-04-01/Accounts/{self.account}/Messages.json"
        app.router.add_post(path, self._create)
        return TestServer(app)

    async def _create(self, request: web.Request) -> web.Response:
        pair = base64.b64encode(f"{self.account}:{self.auth_token}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {pair}":
            return web.json_response({"code": 20003, "status": 401}, status=401)
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.sent.append(form)
        message = {
            "sid": self.sid_of(len(self.sent)),
            "account_sid": self.account,
            "to": form["To"],
            "from": form["From"],
            "body": form["Body"],
            "status": "queued",
            "num_segments": "1",
            "direction": "outbound-api",
        }
        return web.json_response(message, status=201)

    def sid_of(self, number: int) -> str:
        return f"SM{number:032x}"

    def sign(self, url: str, form: dict[str, str]) -> dict[str, str]:
        signature = RequestValidator(self.auth_token).compute_signature(url, form)
        return {"X-Twilio-Signature": signature}


@dataclass(frozen=True)
class Doors:
    """The line's doors as carriers use them: they post to its public address, we reach it here."""

    http: aiohttp.ClientSession
    local_url: str
    public_url: str
    secret: str
    twilio: Twilio

    async def update(self, update: Any, secret: str | None = None) -> int:
        """Post an update as Telegram does; returns the status."""
        body = update if isinstance(update, bytes) else json.dumps(update).encode()
        shown = self.secret if secret is None else secret
        headers = {"Content-Type": "application/json"}
        if shown:
            headers["X-Telegram-Bot-Api-Secret-Token"] = shown
        async with self.http.post(
            f"{self.local_url}/telegram/webhook", data=body, headers=headers
        ) as answer:
            return answer.status

    async def form(
        self, public_address: str, form: dict[str, str], signed_for: str | None = None
    ) -> tuple[int, str]:
        """Post a signed form as Twilio does; returns the status and the body of the answer."""
        parts = urlsplit(public_address)
        query = f"?{parts.query}" if parts.query else ""
        async with self.http.post(
            f"{self.local_url}{parts.path}{query}",
            data=form,
            headers=self.twilio.sign(signed_for or public_address, form),
        ) as answer:
            return answer.status, await answer.text()

    async def sms(self, sid: str, number: str, body: str) -> tuple[int, str]:
        """Bring an SMS of a person."""
        form = {
            "MessageSid": sid,
            "AccountSid": self.twilio.account,
            "From": number,
            "To": "2580",
            "Body": body,
            "NumMedia": "0",
            "NumSegments": "1",
        }
        return await self.form(f"{self.public_url}/sms/inbound", form)
