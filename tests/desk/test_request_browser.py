"""A request worked through in a real browser, as staff do it on a laptop and on a phone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from playwright.async_api import Browser, Page, expect
from sqlalchemy import select

from db.models import File, ReplyDraft
from desk.security import SESSION_COOKIE
from services import accounts, files, requests, threads
from simulator.telegram.files import read_sample
from tests.desk.at_the_desk import Desk
from tests.services.desk_visitors import register
from tests.simulator.phones_page import (
    BLIND_CANVAS,
    chromium,
    find_faults,
    is_complaint,
    is_wider_than_screen,
)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as it:
        yield it


@asynccontextmanager
async def signed_in(
    browser: Browser, desk: Desk, *, width: int = 1280, language: str = "en"
) -> AsyncIterator[Page]:
    """Somebody's page; a script error or what the policy blocks fails the test."""
    token = await desk.sign_in(await desk.hire("sok", "case_worker"))
    async with desk.new_session.begin() as session:
        visitor = await accounts.find_visitor(session, token, now=desk.clock.now)
        assert visitor is not None
        await accounts.set_language(session, visitor, language, now=desk.clock.now)
    context = await browser.new_context(
        viewport={"width": width, "height": 800}, reduced_motion="reduce"
    )
    await context.add_cookies([{"name": SESSION_COOKIE, "value": token, "url": desk.url}])
    page = await context.new_page()
    page.set_default_timeout(8000)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: complaints.append(message.text) if is_complaint(message.text) else None,
    )
    await page.add_init_script(BLIND_CANVAS)
    yield page
    await context.close()
    assert complaints == []


async def _asked(desk: Desk) -> str:
    """A request with words, a number and a voice message."""
    now = desk.clock.now - timedelta(hours=2)
    async with desk.new_session.begin() as session:
        address = await register(session)
        words = "ជម្រាបសួរ ខ្ញុំទើបត្រឡប់មកពីថៃ ខ្ញុំចង់រកការងារនៅរោងចក្រកាត់ដេរ"
        request = await threads.talk(session, address, words, now=now)
        await requests.add_phone_number(session, request.code, address, "+85511222333", now=now)
        await threads.attach_file(
            session, address, "voice", "source", code=request.code, duration_s=4, now=now
        )
        file = (await session.scalars(select(File))).one()
        await files.keep(session, desk.parts.files, file.id, read_sample("voice"))
        return request.code


async def test_open_take_reply_note_done(browser: Browser, desk: Desk) -> None:
    code = await _asked(desk)
    async with signed_in(browser, desk) as page:
        await page.goto(f"{desk.url}/desk/requests/{code}")
        await page.get_by_role("button", name="Take", exact=True).click()
        await expect(page.get_by_role("status").first).to_have_text("This request is yours now.")

        words = page.get_by_label("Message to the person")
        await words.press_sequentially("We have work for you. Please come to the centre.")
        await expect(page.locator("#reply-size")).to_contain_text("Kept as a draft.")
        await expect(page.locator("#reply-size")).to_contain_text("SMS parts: 1")
        await page.reload()
        await expect(words).to_have_value("We have work for you. Please come to the centre.")
        await page.get_by_role("button", name="Send", exact=True).click()
        await expect(page.locator(".line.staff .words")).to_contain_text("We have work for you.")
        await expect(page.locator(".line.staff .delivery")).to_have_text("Being sent")
        await expect(words).to_have_value("")

        await page.get_by_label("For staff only").fill("Called twice")
        await page.get_by_role("button", name="Save the note").click()
        await expect(page.locator(".line.note .words")).to_have_text("Called twice")

        await page.get_by_label("Outcome").select_option("helped")
        await page.get_by_role("button", name="Close", exact=True).click()
        await expect(page.get_by_role("status").first).to_contain_text("Done.")
        await expect(page.get_by_role("button", name="Reopen")).to_be_visible()
    async with desk.new_session() as session:
        assert (await session.scalars(select(ReplyDraft))).all() == []


async def test_name_and_numbers_appear_for_a_reason(browser: Browser, desk: Desk) -> None:
    code = await _asked(desk)
    async with signed_in(browser, desk) as page:
        await page.goto(f"{desk.url}/desk/requests/{code}")
        person = page.locator("#person")
        await expect(person).to_contain_text("•••678")
        await person.get_by_text("Show name and number").click()
        await person.get_by_label("Reason").fill("to call back")
        await person.get_by_role("button", name="Show", exact=True).click()
        await expect(person.get_by_role("link", name="012 345 678")).to_be_visible()
        await page.goto(f"{desk.url}/desk/requests/{code}")
        await expect(person).to_contain_text("•••678")
        await expect(page.locator(".thread")).to_contain_text("to call back")


async def test_a_voice_message_plays(browser: Browser, desk: Desk) -> None:
    code = await _asked(desk)
    async with signed_in(browser, desk) as page:
        await page.goto(f"{desk.url}/desk/requests/{code}")
        player = page.locator("audio")
        await player.evaluate("player => player.load() || player.play()")
        assert await player.evaluate("player => player.error") is None
        assert await player.evaluate("player => player.duration") > 0


@pytest.mark.parametrize("language", ["km", "en"])
@pytest.mark.parametrize("width", [1280, 360])
async def test_no_fault_that_axe_finds_and_no_sideways_scrolling(
    browser: Browser, desk: Desk, width: int, language: str
) -> None:
    code = await _asked(desk)
    async with signed_in(browser, desk, width=width, language=language) as page:
        await page.goto(f"{desk.url}/desk/requests/{code}")
        for move in ("take", "note", "reply"):
            form = page.locator(f"form[action$='/do/{move}']")
            if move != "take":
                await form.locator("textarea").fill("សូមមកជួបយើង 012 345 678 " * 6)
            await form.get_by_role("button").first.click()
            await page.wait_for_url("**?done=*")
        await page.locator("details summary").first.click()
        assert await find_faults(page) == []
        assert not await is_wider_than_screen(page)
        assert await _small_targets(page) == []


async def _small_targets(page: Page) -> list[str]:
    """Buttons and fields that a finger would miss."""
    small: list[str] = await page.evaluate(
        """() => [...document.querySelectorAll("main :is(button, select, textarea, summary)")]
            .filter(one => one.getBoundingClientRect().height < 44)
            .map(one => one.outerHTML.slice(0, 80))"""
    )
    return small
