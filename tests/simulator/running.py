"""A simulator over real HTTP, and short ways to use it as a program, a person or a tester would."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from simulator.app import create_app
from simulator.config import Config
from simulator.server import build_server
from simulator.telegram.carrier import Telegram
from simulator.world import World

TOKEN = "4242:test-token"


@dataclass
class Simulator:
    """One running simulator; `call` speaks as the bot, `act` as a person, `control` as the page."""

    url: str
    world: World
    telegram: Telegram
    http: aiohttp.ClientSession

    async def raw_call(self, method: str, **params: Any) -> tuple[int, dict[str, Any]]:
        """Status and body of a Bot API call made with JSON."""
        async with self.http.post(f"{self.url}/bot{TOKEN}/{method}", json=params) as response:
            return response.status, await response.json()

    async def call(self, method: str, **params: Any) -> Any:
        status, body = await self.raw_call(method, **params)
        assert status == 200, body
        return body["result"]

    async def refusal(self, method: str, **params: Any) -> str:
        """`400 Bad Request: …` of a call that must not succeed."""
        status, body = await self.raw_call(method, **params)
        assert body["ok"] is False and body["error_code"] == status
        return f"{status} {body['description']}"

    async def control(self, verb: str, path: str, body: Any = None) -> tuple[int, Any]:
        url = f"{self.url}/simulator/api{path}"
        async with self.http.request(verb, url, json=body) as response:
            text = await response.text()
            return response.status, json.loads(text) if text else None

    async def act(self, phone: dict[str, Any], action: str, **body: Any) -> Any:
        """The phone after what the person did."""
        status, answer = await self.control("POST", f"/phones/{phone['id']}/{action}", body)
        assert status == 200, answer
        return answer

    async def add_phone(self, **wanted: Any) -> Any:
        status, phone = await self.control("POST", "/phones", {"kind": "telegram"} | wanted)
        assert status == 201, phone
        return phone

    async def add_started_phone(self, **wanted: Any) -> Any:
        """A phone whose chat is open and whose /start the bot has taken."""
        phone = await self.act(await self.add_phone(**wanted), "start")
        await self.take_updates()
        return phone

    async def take_updates(self) -> list[dict[str, Any]]:
        """What waits for the bot, confirmed."""
        updates: list[dict[str, Any]] = await self.call("getUpdates")
        if updates:
            await self.call("getUpdates", offset=updates[-1]["update_id"] + 1)
        return updates

    async def messages(self, phone: dict[str, Any]) -> list[dict[str, Any]]:
        """What the phone shows now."""
        _, state = await self.control("GET", "/state")
        return next(p["messages"] for p in state["phones"] if p["id"] == phone["id"])


@asynccontextmanager
async def run_simulator(state_file: Path | None = None) -> AsyncIterator[Simulator]:
    """A simulator on a free port, until the block ends."""
    world = World(Config(bot_token=TOKEN, state_file=state_file))
    app = create_app(world.config, world=world)
    # asyncio turns Nagle's delay (40 ms an answer) off only where the protocol is named.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    port = listening.getsockname()[1]
    server = build_server(app, world, host="127.0.0.1", port=port)
    async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as group:
        group.create_task(server.serve(sockets=[listening]))
        simulator = Simulator(f"http://127.0.0.1:{port}", world, app.state.telegram, http)
        await simulator.control("GET", "/state")  # the socket listens: this waits for the server
        try:
            yield simulator
        finally:
            await http.close()
            server.should_exit = True


@dataclass
class Webhook:
    """The bot's own server: it takes updates and answers as it was told to."""

    url: str = ""
    updates: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    secrets: list[str | None] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    answer: dict[str, Any] | None = None

    async def take(self, request: web.Request) -> web.Response:
        self.secrets.append(request.headers.get("X-Telegram-Bot-Api-Secret-Token"))
        await self.updates.put(await request.json())
        status = self.statuses.pop(0) if self.statuses else 200
        if self.answer is not None and status == 200:
            return web.json_response(self.answer)
        return web.Response(status=status)


@asynccontextmanager
async def run_webhook() -> AsyncIterator[Webhook]:
    """A server for the bot's updates on a free port, until the block ends."""
    webhook = Webhook()
    app = web.Application()
    app.router.add_post("/updates", webhook.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    webhook.url = f"http://127.0.0.1:{runner.addresses[0][1]}/updates"
    try:
        yield webhook
    finally:
        await runner.cleanup()
