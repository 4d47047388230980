"""How the lines end over which open pages hear: with their session, and with their process."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import aiohttp
import pytest

from services import requests, staff, threads
from services.due_times import get_due
from tests.desk.at_the_desk import Browser, Desk, Worker
from tests.desk.test_queue_page import listening, open_request
from tests.desk.test_request_live import PATIENCE_S, hearing_only, next_event

__all__ = ["hearing_only", "listening"]

EVENTS = {"Accept": "text/event-stream"}
_LIVE = re.compile(r'sse-connect="([^"]*)"')


async def _hear(line: aiohttp.ClientResponse, awaited: str) -> str:
    """What the next event of this name holds that holds anything, or is the last."""
    while True:
        name, data = await next_event(line)
        if name == awaited and (data or name == "signed-out"):
            return data


async def _find_line(browser: Browser, path: str) -> str:
    (live,) = _LIVE.findall((await browser.get(path)).body)
    return str(live).replace("&amp;", "&")


@asynccontextmanager
async def _open(browser: Browser, path: str) -> AsyncIterator[aiohttp.ClientResponse]:
    live = await _find_line(browser, path)
    async with browser.http.get(browser.url + live, headers=EVENTS) as line:
        yield line


@asynccontextmanager
async def _signed_in(desk: Desk, worker: Worker) -> AsyncIterator[Browser]:
    token = await desk.sign_in(worker)
    async with desk.browser() as browser:
        browser.use(token)
        yield browser


async def _end_elsewhere(desk: Desk, worker: Worker, browser: Browser) -> None:
    async with _signed_in(desk, worker) as other:
        await other.post("/desk/account/sessions/end")


async def _sign_out(desk: Desk, worker: Worker, browser: Browser) -> None:
    await browser.post("/desk/sign-out")


async def _change_role(desk: Desk, worker: Worker, browser: Browser) -> None:
    async with desk.new_session.begin() as session:
        person = await staff.get(session, worker.staff_id)
        await staff.change_role(session, person, "centre_manager", "pursat", now=desk.clock.now)


async def _end_role(desk: Desk, worker: Worker, browser: Browser) -> None:
    async with desk.new_session.begin() as session:
        person = await staff.get(session, worker.staff_id)
        await staff.end(session, person, now=desk.clock.now)


@pytest.mark.usefixtures("listening", "hearing_only")
@pytest.mark.parametrize("end", [_end_elsewhere, _sign_out, _change_role, _end_role])
async def test_a_session_that_ends_takes_its_lines_along_at_once(desk: Desk, end: object) -> None:
    assert callable(end)
    code = await open_request(desk, "42")
    worker = await desk.hire("sok", "case_worker")
    async with (
        _signed_in(desk, worker) as browser,
        _open(browser, "/desk/queue?tab=all") as queue,
        _open(browser, f"/desk/requests/{code}") as request,
    ):
        await end(desk, worker, browser)
        for line in (queue, request):
            await _hear(line, "signed-out")
            async with asyncio.timeout(PATIENCE_S):
                assert (await line.content.read()).strip() == b""


@pytest.mark.usefixtures("listening")
async def test_who_stays_signed_in_keeps_their_line(desk: Desk) -> None:
    worker = await desk.hire("sok", "case_worker")
    async with _signed_in(desk, worker) as browser, _open(browser, "/desk/queue?tab=all") as line:
        async with _signed_in(desk, worker) as other:
            await other.post("/desk/sign-out")
        desk.clock.go_on(seconds=5)
        await open_request(desk, "42")
        assert "1" in await _hear(line, "new")


async def test_a_page_that_calls_again_after_its_session_learns_of_it(desk: Desk) -> None:
    worker = await desk.hire("sok", "case_worker")
    async with _signed_in(desk, worker) as browser:
        live = await _find_line(browser, "/desk/queue?tab=all")
        await browser.post("/desk/sign-out")
        called = await browser.get(live, headers=EVENTS)
        assert (called.status, "event: signed-out" in called.body) == (200, True)
        typed = await browser.get(live)
        assert (typed.status, typed.to) == (303, "/desk/sign-in")
        elsewhere = {**EVENTS, "Sec-Fetch-Site": "cross-site"}
        assert (await browser.get(live, headers=elsewhere)).status == 303


@pytest.mark.usefixtures("listening")
async def test_a_page_that_is_seen_again_hears_on(desk: Desk) -> None:
    worker = await desk.hire("sok", "case_worker")
    async with _signed_in(desk, worker) as browser:
        live = await _find_line(browser, "/desk/queue?tab=all")
        desk.clock.go_on(minutes=26)
        back = (desk.clock.now - timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        await open_request(desk, "42")
        async with browser.http.get(f"{browser.url}{live}&back={back}", headers=EVENTS) as line:
            assert "1" in await _hear(line, "new")
            await browser.post("/desk/sign-out")
            await _hear(line, "signed-out")


@pytest.mark.usefixtures("listening")
async def test_after_a_broken_line_nothing_stays_that_is_not_so_any_more(desk: Desk) -> None:
    code = await open_request(desk, "42")
    me, dara = await desk.hire("sok", "case_worker"), await desk.hire("dara", "case_worker")
    async with _signed_in(desk, me) as browser:
        live = browser.url + await _find_line(browser, "/desk/queue?tab=all")
        desk.clock.go_on(seconds=5)
        async with desk.new_session.begin() as session:
            person = await staff.get(session, dara.staff_id)
            await threads.take(session, code, staff=person, now=desk.clock.now)
        new = await open_request(desk, "43")
        async with browser.http.get(live, headers=EVENTS) as line:
            assert "1" in await _hear(line, "new")
            assert "Dara" in await _hear(line, f"row-{code}")
        async with desk.new_session.begin() as session:
            request = await requests.hold(session, code)
            due = await get_due(session, request.centre_id)
            request.give_back(by=None, now=desk.clock.now, due=due)
            (await requests.hold(session, new)).withdraw(now=desk.clock.now)
        async with browser.http.get(live, headers=EVENTS) as line:
            assert [await next_event(line) for _ in range(2)] == [("new", ""), (f"row-{code}", "")]
