"""Open pages in a real browser: they let go of their line while nobody sees them, and come back."""

import re

import pytest
from playwright.async_api import Browser, Page, expect

from services import accounts, codes
from tests.desk.at_the_desk import Desk
from tests.desk.desk_pages import check_page, open_desk
from tests.desk.test_queue_page import listening, open_request

__all__ = ["listening"]

_LIVE = re.compile(r"/live\?")
_HIDDEN = "Object.defineProperty(document, 'hidden', {configurable: true, get: () => %s})"


async def _be_seen(page: Page, is_seen: bool) -> None:
    await page.evaluate(_HIDDEN % ("false" if is_seen else "true"))
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


async def _hide_for_long(page: Page) -> None:
    async with page.expect_event("requestfailed", lambda request: _LIVE.search(request.url)):
        await _be_seen(page, False)
        await page.clock.run_for(6000)


@pytest.mark.usefixtures("listening")
async def test_a_hidden_page_has_no_line_and_misses_nothing(browser: Browser, desk: Desk) -> None:
    worker = await desk.hire("sok", "case_worker", language="en")
    code = await open_request(desk, "41")
    async with open_desk(browser, desk, token=await desk.sign_in(worker)) as page:
        await page.clock.install()
        async with page.expect_response(_LIVE):
            await page.goto(f"{desk.url}/desk/queue?tab=all")
        await _hide_for_long(page)
        desk.clock.go_on(minutes=26)
        await page.clock.fast_forward("26:00")
        await open_request(desk, "42")
        await expect(page.locator(".news-text")).to_be_empty()
        async with page.expect_response(_LIVE) as called:
            await _be_seen(page, True)
        assert "&back=" in (await called.value).url
        await expect(page.locator(".news-text")).to_contain_text("1 new")
        desk.clock.go_on(seconds=5)
        await open_request(desk, "43")
        await expect(page.locator(".news-text")).to_contain_text("2 new")

        async with page.expect_response(_LIVE):
            await page.goto(f"{desk.url}/desk/requests/{code}")
        words = page.get_by_label("For staff only")
        await words.fill("She will come tomorrow")
        async with desk.new_session.begin() as session:
            await accounts.end_all(session, worker.staff_id, now=desk.clock.now)
        await expect(page.locator("#words")).to_have_value("She will come tomorrow")
        await expect(page.get_by_role("navigation")).to_have_count(0)


@pytest.mark.usefixtures("listening")
async def test_of_two_forms_the_words_stay_and_nothing_else(browser: Browser, desk: Desk) -> None:
    worker = await desk.hire("sok", "case_worker", language="en")
    code = await open_request(desk, "42")
    token = await desk.sign_in(worker)
    async with open_desk(browser, desk, token=token, language="en") as page:
        async with page.expect_response(_LIVE):
            await page.goto(f"{desk.url}/desk/requests/{code}")
        reply, note = page.get_by_label("Message to the person"), page.get_by_label("For staff")
        await reply.fill("Please come")
        await note.fill("Ask her sister")
        async with desk.new_session.begin() as session:
            await accounts.end_all(session, worker.staff_id, now=desk.clock.now)
        await expect(page.get_by_role("alert")).to_contain_text("Your words are below")
        await expect(reply).to_have_value("Please come")
        await expect(note).to_have_value("Ask her sister")
        await expect(page.get_by_role("link")).to_have_text("Sign in in a new window")
        await check_page(page)
        left = await page.title() + await page.locator("body").inner_text()
        assert codes.display(code) not in left
        await expect(page.get_by_role("navigation")).to_have_count(0)


@pytest.mark.usefixtures("listening")
async def test_a_page_goes_to_the_sign_in_with_its_session(browser: Browser, desk: Desk) -> None:
    worker = await desk.hire("sok", "case_worker")
    async with open_desk(browser, desk, token=await desk.sign_in(worker)) as page:
        await page.clock.install()
        async with page.expect_response(_LIVE):
            await page.goto(f"{desk.url}/desk/queue?tab=mine")
        await _hide_for_long(page)
        async with desk.new_session.begin() as session:
            await accounts.end_all(session, worker.staff_id, now=desk.clock.now)
        await _be_seen(page, True)
        await page.wait_for_url("**/desk/sign-in?next=/desk/queue%3Ftab%3Dmine")
