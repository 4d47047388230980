"""What the tests of the phones page share: a simulator, a bot, a sender of SMS and a browser."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from playwright.async_api import Browser, Locator, Page, async_playwright, expect

from simulator.app import create_app
from simulator.config import Config
from simulator.server import build_server
from tests.windows import open_window

TOKEN = "700001:" + "A" * 35
# A machine that does ten things at once is slow; only what never comes waits so long.
PATIENCE_MS = 30_000
CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
]
# Axe takes shaped Khmer for an icon font and then skips its contrast; a canvas that measures
# nothing makes it look at Khmer like at any other text.
BLIND_CANVAS = "CanvasRenderingContext2D.prototype.measureText = () => ({ width: 0 });"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Simulator:
    """A running simulator, and the doors by which a served program would use it."""

    config: Config
    http: aiohttp.ClientSession
    url: str = field(init=False)

    def __post_init__(self) -> None:
        self.url = f"http://127.0.0.1:{self.config.port}"

    async def bot(self, method: str, **parameters: Any) -> Any:
        """Call the Bot API; returns the result, fails the test on a refusal."""
        url = f"{self.url}/bot{TOKEN}/{method}"
        async with self.http.post(url, json=parameters) as response:
            answer = await response.json()
        assert answer["ok"], answer
        return answer["result"]

    async def next_update(self, kind: str) -> Any:
        """Wait for the next update of a kind and confirm it."""
        while True:
            for update in await self.bot("getUpdates", timeout=5, limit=1):
                await self.bot("getUpdates", offset=update["update_id"] + 1, limit=1)
                if kind in update:
                    return update[kind]

    async def sms(self, to: str, body: str) -> None:
        """Send an SMS as the centre."""
        account = self.config.twilio_sid
        async with self.http.post(
            f"{self.url}/2010-04-01/Accounts/{account}/Messages.json",
            data={"To": to, "From": self.config.sender, "Body": body},
            headers={"Authorization": aiohttp.encode_basic_auth(account, self.config.twilio_token)},
        ) as response:
            assert response.status == 201, await response.text()

    async def state(self) -> Any:
        async with self.http.get(f"{self.url}/simulator/api/state") as response:
            return await response.json()

    async def phone(self, kind: str) -> Any:
        """The first phone of a kind."""
        phones = (await self.state())["phones"]
        return next(phone for phone in phones if phone["kind"] == kind)


@asynccontextmanager
async def running(config: Config) -> AsyncIterator[Simulator]:
    app = create_app(config)
    server = build_server(app, app.state.world, host="127.0.0.1", port=config.port)
    # Without the protocol's name each answer waits 40 ms for the acknowledgement of its headers.
    listening = socket.socket(proto=socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", config.port))
    listening.listen()
    async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as group:
        group.create_task(server.serve(sockets=[listening]))
        simulator = Simulator(config, http)
        await simulator.state()  # the socket listens already: this waits for the server
        try:
            yield simulator
        finally:
            await http.close()
            server.should_exit = True


def new_config(folder: Path) -> Config:
    # Port 9 answers nothing: no program is served here, the tests themselves play its part.
    return Config(
        bot_token=TOKEN,
        port=free_port(),
        app_url="http://127.0.0.1:9",
        state_file=folder / "simulator.json",
    )


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=CHROMIUM
        )
        yield browser
        await browser.close()


@asynccontextmanager
async def visit(
    browser: Browser, simulator: Simulator, *, width: int = 1280, height: int = 900
) -> AsyncIterator[Page]:
    """The page with its two first phones; any script error or blocked resource fails the test."""
    complaints: list[str] = []
    async with open_window(browser, width=width, height=height) as page:
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda message: complaints.append(message.text) if is_complaint(message.text) else None,
        )
        await page.add_init_script(BLIND_CANVAS)
        await page.goto(f"{simulator.url}/simulator")
        await telegram(page).wait_for()
        await feature(page).wait_for()
        yield page
    assert complaints == []


def is_complaint(text: str) -> bool:
    return "Content Security Policy" in text or "Uncaught" in text


def telegram(page: Page) -> Locator:
    return page.locator(".phone-telegram").first


def feature(page: Page) -> Locator:
    return page.locator(".phone-sms").first


async def find_faults(page: Page) -> list[str]:
    """What axe has to say about the page as it is now; what it praises stays in the browser."""
    await page.evaluate(Axe().axe_script)
    violations = await page.evaluate(
        "axe.run({ resultTypes: ['violations'] }).then(found => found.violations)"
    )
    return [
        f"{violation['id']}: {node['html'][:200]} {json.dumps(node['any'][:1])[:300]}"
        for violation in violations
        for node in violation["nodes"]
    ]


async def is_wider_than_screen(page: Page) -> bool:
    wide: bool = await page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    return wide
