"""An open page of a request, to which comes what happens meanwhile."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from sqlalchemy import update

from db.models import Address, OutboxRow, Staff
from desk.pages import queue_live, request_live
from services import staff, threads
from tests.desk.at_the_desk import Browser, Desk, Worker
from tests.desk.test_queue_page import listening
from tests.services.desk_visitors import ask, register

__all__ = ["listening"]

PATIENCE_S = 30.0
_AN_HOUR_S = 3600.0
_LIVE = re.compile(r'sse-connect="([^"]*)"')


@asynccontextmanager
async def open_page(browser: Browser, code: str) -> AsyncIterator[aiohttp.ClientResponse]:
    page = await browser.get(f"/desk/requests/{code}")
    (live,) = _LIVE.findall(page.body)
    async with browser.http.get(browser.url + live.replace("&amp;", "&")) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        yield stream


@pytest.fixture
def hearing_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Open pages do not look by themselves: what comes to them they were told of."""
    monkeypatch.setattr(queue_live, "_LOOK_S", _AN_HOUR_S)
    monkeypatch.setattr(request_live, "_LOOK_S", _AN_HOUR_S)
    monkeypatch.setattr(request_live, "_LOOK_SOON_S", _AN_HOUR_S)


async def next_event(stream: aiohttp.ClientResponse) -> tuple[str, str]:
    """The name of the next event and what it holds."""
    async with asyncio.timeout(PATIENCE_S):
        return await _read_event(stream)


async def _read_event(stream: aiohttp.ClientResponse) -> tuple[str, str]:
    name, data = "", []
    while line := (await stream.content.readline()).decode().rstrip("\r\n"):
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
    return (name, "\n".join(data)) if name else await _read_event(stream)


async def asked(desk: Desk) -> tuple[Address, str]:
    async with desk.new_session.begin() as session:
        address = await register(session)
        return address, (await ask(session, address)).code


async def _take(desk: Desk, code: str, worker: Worker) -> None:
    """As a card does: elsewhere than on the page."""
    async with desk.new_session.begin() as session:
        person = await session.get_one(Staff, worker.staff_id)
        await threads.assign(session, code, person, staff=person, now=desk.clock.now)


@pytest.mark.usefixtures("listening")
async def test_words_of_the_person_come_to_the_open_page(desk: Desk) -> None:
    address, code = await asked(desk)
    async with desk.at_work("sok", "case_worker") as browser, open_page(browser, code) as stream:
        async with desk.new_session.begin() as session:
            await threads.write_to_request(session, address, code, "ខ្ញុំនៅបាកាន", now=desk.clock.now)
        name, lines = await next_event(stream)
    assert name == "lines"
    assert "ខ្ញុំនៅបាកាន" in lines
    assert 'id="marks" hx-swap-oob="true"' in lines
    assert "<textarea" not in lines
    assert 'id="live"' in lines


@pytest.mark.usefixtures("listening")
async def test_the_open_page_hears_that_a_reply_has_arrived(desk: Desk) -> None:
    _, code = await asked(desk)
    async with desk.at_work("sok", "case_worker") as browser:
        await browser.post(f"/desk/requests/{code}/do/reply", {"value": "សួស្ដីបង", "seen": "0"})
        async with open_page(browser, code) as stream:
            async with desk.new_session.begin() as session:
                await session.execute(update(OutboxRow).values(state="delivered"))
            _, lines = await next_event(stream)
    assert "delivery delivered" in lines
    assert 'id="live"' not in lines  # nobody else did anything


@pytest.mark.usefixtures("listening")
async def test_the_buttons_of_an_open_page_follow_who_takes_it(desk: Desk) -> None:
    _, code = await asked(desk)
    worker, colleague = await desk.hire("sok", "case_worker"), await desk.hire("sao", "case_worker")
    async with desk.browser() as browser:
        browser.use(await desk.sign_in(worker))
        async with open_page(browser, code) as stream:
            await _take(desk, code, worker)
            _, own = await next_event(stream)
            await _take(desk, code, colleague)
            _, theirs = await next_event(stream)
    assert 'id="first-moves" hx-swap-oob="true"' in own
    assert "/do/take" not in own
    assert "/do/assign" not in own
    assert "/do/wait_for_person" in own
    assert 'id="live"' not in own
    assert "/do/assign" in theirs
    assert "យកមកធ្វើបន្ត" in theirs
    assert 'id="live"' in theirs
    assert "<textarea" not in theirs


@pytest.mark.usefixtures("listening")
async def test_a_page_hears_no_more_of_what_went_to_another_centre(desk: Desk) -> None:
    _, code = await asked(desk)
    async with desk.at_work("sok", "case_worker") as browser, open_page(browser, code) as stream:
        async with desk.new_session.begin() as session:
            person = await staff.add(session, "Dara", "administrator", None, now=desk.clock.now)
            await threads.hand_over(session, code, "preah-vihear", staff=person, now=desk.clock.now)
        name, instead = await next_event(stream)
        assert name == "lines"
        assert "សំណើនេះលែងនៅក្នុងបញ្ជីរបស់បងហើយ។" in instead
        assert "ក៏បាត់ដែរ" in instead
        assert "<li" not in instead
        assert (await next_event(stream))[0] == "over"


async def test_a_page_that_lies_open_hears_nothing_after_a_while(desk: Desk) -> None:
    _, code = await asked(desk)
    async with desk.at_work("sok", "case_worker") as browser:
        page = await browser.get(f"/desk/requests/{code}")
        (live,) = _LIVE.findall(page.body)
        desk.clock.go_on(minutes=26)
        late = await browser.get(live.replace("&amp;", "&"))
        assert re.findall("event: (.*)", late.body.replace("\r", "")) == ["over"]
        assert (await browser.get(f"/desk/requests/{code}/live?since=x")).status == 400
