"""Single processes of the line, to be killed, stopped and doubled, between carriers that count."""

import asyncio
import base64
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from tests.e2e.counting_carrier import ACCOUNT, AUTH_TOKEN, BOT_TOKEN, SENDER, CountingCarrier
from tests.e2e.foreign_carriers import Doors, Twilio
from tests.e2e.whole_line import PATIENCE_S, clean_environment, free_ports
from tests.served_app import until

WEBHOOK_SECRET = "counting-secret"
PUBLIC_URL = "https://line.example.org"
METRICS_TOKEN = "counting-metrics"
NO_LIMIT = {"TELEGRAM_PER_S": "0", "SMS_PARTS_PER_S": "0"}


@dataclass
class LineProcess:
    """`python -m bot …` with settings of its own."""

    words: tuple[str, ...]
    process: Process
    log: Path

    def kill(self) -> None:
        """As a power cut does: nothing is cleaned up."""
        self.process.kill()

    async def ended(self) -> int:
        async with asyncio.timeout(PATIENCE_S):
            return await self.process.wait()

    async def stop(self) -> None:
        """Ask it to end, and see that it ends well."""
        if self.process.returncode is None:
            self.process.terminate()
        assert await self.ended() in {0, -signal.SIGKILL}, self.printed
        assert "Traceback" not in self.printed, self.printed

    @property
    def printed(self) -> str:
        return self.log.read_text()


@dataclass
class Between:
    """A line's processes between the carriers; they share one set of settings."""

    carrier: CountingCarrier
    settings: Mapping[str, str]
    folder: Path
    port: int
    doors: Doors
    started: list[LineProcess] = field(default_factory=list)

    async def start(self, *words: str, **changed: str) -> LineProcess:
        log = self.folder / f"{len(self.started)}-{'-'.join(words)}.log"
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "bot",
                *words,
                cwd=self.folder,
                env=clean_environment() | dict(self.settings) | changed,
                stdout=output,
                stderr=output,
            )
        self.started.append(LineProcess(words, process, log))
        return self.started[-1]

    async def start_web(self) -> LineProcess:
        """The web process, once it answers."""
        web = await self.start("web", PORT=str(self.port))
        await until(self._is_ready, PATIENCE_S)
        return web

    async def _is_ready(self) -> bool:
        try:
            async with self.doors.http.get(f"{self.doors.local_url}/readyz") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False


@asynccontextmanager
async def between_carriers(
    database_url: str, redis_url: str, folder: Path, carrier: CountingCarrier, **changed: str
) -> AsyncIterator[Between]:
    """Start nothing yet; whatever still runs at the end is stopped, or killed when that fails."""
    (port,) = free_ports(1)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(carrier.server())
        http = await stack.enter_async_context(aiohttp.ClientSession())
        url = str(server.make_url("")).rstrip("/")
        settings = {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "PUBLIC_URL": PUBLIC_URL,
            # The keys of the tests: they write rows themselves.
            "SECRET_KEY": "secret of the tests",
            "ENCRYPTION_KEYS": base64.urlsafe_b64encode(b"k" * 32).decode(),
            "TELEGRAM_BOT_TOKEN": BOT_TOKEN,
            "TELEGRAM_API_URL": url,
            "TELEGRAM_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
            "TWILIO_API_URL": url,
            "SMS_SENDER": SENDER,
            "METRICS_TOKEN": METRICS_TOKEN,
            "SMS_TWO_WAY": "true",
        }
        doors = Doors(
            http,
            f"http://127.0.0.1:{port}",
            PUBLIC_URL,
            WEBHOOK_SECRET,
            Twilio(ACCOUNT, AUTH_TOKEN),
        )
        line = Between(carrier, settings | changed, folder, port, doors)
        try:
            yield line
            for process in line.started:
                await process.stop()
        finally:
            for process in line.started:
                if process.process.returncode is None:
                    process.kill()
                    await process.ended()
