"""The web process stops while pages lie open: of the desk, and of the simulator."""

import asyncio
import logging
import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from sse_starlette.sse import AppStatus
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from bot.config import Settings
from bot.web import _serve
from desk.streams import OVER, SIGNED_OUT
from tests.desk.at_the_desk import Browser, Clock, Desk
from tests.desk.test_request_live import next_event
from tests.desk.test_streams import EVENTS
from tests.e2e.whole_line import free_ports
from tests.served_app import make_settings, served, until
from tests.support import Database


async def _events(_: Request) -> Response:
    async def one_then_silence() -> AsyncIterator[bytes]:
        yield b"data: 1\n\n"
        await asyncio.Event().wait()

    return StreamingResponse(one_then_silence(), media_type="text/event-stream")


@pytest.fixture
async def settings(
    db: Database, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Settings]:
    """Those of a line whose simulator tells of one thing and then is silent."""
    monkeypatch.setattr(AppStatus, "should_exit", False)  # and so again afterwards
    (port,) = free_ports(1)
    async with served(Starlette(routes=[Route("/simulator/events", _events)])) as simulator:
        yield make_settings(
            database_url=db.url,
            redis_url=redis_url,
            files_url=tmp_path.as_uri(),
            port=port,
            simulator=True,
            simulator_port=int(simulator.rsplit(":", 1)[1]),
        )


@asynccontextmanager
async def _serving(settings: Settings, browser: Browser) -> AsyncIterator[None]:
    serving = asyncio.ensure_future(_serve(settings))

    async def answers() -> bool:
        try:
            return (await browser.get("/healthz")).status == 200
        except aiohttp.ClientError:
            return False

    await until(answers)
    yield
    await serving


async def test_open_pages_end_quietly_with_the_process(
    db: Database, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk(settings.local_url, db.new_session, Clock(), None)  # type: ignore[arg-type]
    async with desk.browser() as browser, _serving(settings, browser):
        browser.use(await desk.sign_in(await desk.hire("sok", "case_worker")))
        page = await browser.get("/desk/queue?tab=all")
        (live,) = re.findall(r'sse-connect="([^"]*)"', page.body)
        ask, own = browser.http.get, browser.url
        async with (
            ask(own + live.replace("&amp;", "&"), headers=EVENTS) as queue,
            ask(f"{own}/simulator/events") as phones,
        ):
            assert await phones.content.readline() == b"data: 1\n"
            assert await next_event(queue) == ("new", "")
            os.kill(os.getpid(), signal.SIGTERM)
            # Whole, and without a farewell: the browser calls the next process.
            rest = (await queue.content.read()).decode()
            assert not {OVER, SIGNED_OUT} & set(re.findall("event: (.*)\r", rest))
            assert await phones.content.read() == b"\n"
    told = [record for record in caplog.records if record.name.startswith("uvicorn")]
    assert [record for record in told if record.levelno > logging.INFO] == []
