"""The staff and one's own account in a real browser: both languages, a desk and a phone."""

import pytest
from playwright.async_api import Browser, Page, expect

from tests.desk.at_the_desk import PASSWORD, Desk, Worker
from tests.desk.desk_pages import SIZES, check_page, open_desk
from tests.services.desk_visitors import ask


async def check_sizes(page: Page) -> None:
    for width, height in SIZES.items():
        await page.set_viewport_size({"width": width, "height": height})
        await check_page(page)


async def prove(page: Page, desk: Desk, worker: Worker) -> None:
    """Password and code once more."""
    desk.clock.go_on(minutes=1)
    await page.fill("#password", PASSWORD)
    await page.fill("#code", worker.code(desk.clock.now))
    await page.locator("main .primary").click()


@pytest.mark.parametrize("language", ["km", "en"])
async def test_the_pages_about_people_are_whole(
    browser: Browser, desk: Desk, language: str
) -> None:
    sok = await desk.hire("sok", "case_worker")
    await desk.invite("dara", "auditor")
    async with desk.new_session.begin() as session:
        (await ask(session)).take(by=sok.staff_id, now=desk.clock.now)
    admin = await desk.hire("sao", "administrator", language=language)
    token = await desk.sign_in(admin)
    async with open_desk(browser, desk, token=token) as page:
        await page.goto(f"{desk.url}/desk/staff")
        await expect(page.locator(".people > li")).to_have_count(3)
        await check_sizes(page)
        await page.locator(".page-head .primary").click()
        await page.fill("#name", "Chan")
        await page.fill("#username", "chan")
        await page.check("[value=centre_manager]")
        await page.locator("main .primary").click()
        await expect(page.locator("[role=alert]")).to_be_visible()
        await check_sizes(page)
        await page.select_option("#centre", "pursat")
        await page.locator("main .primary").click()
        await expect(page.locator(".qr")).to_be_visible()
        await expect(page.locator("#copy")).to_be_visible()
        await check_sizes(page)
        await page.goto(f"{desk.url}/desk/staff/{sok.staff_id}")
        for summary in await page.locator("details > summary").all():
            await summary.click()
        await check_sizes(page)
        await page.goto(f"{desk.url}/desk/account/recovery-codes")
        await check_sizes(page)
        await prove(page, desk, admin)
        await expect(page.locator(".codes li")).to_have_count(10)
        await check_sizes(page)
        await page.locator("main .primary").click()
        await expect(page.locator("[role=status]")).to_be_visible()
        await check_sizes(page)
        await page.goto(f"{desk.url}/desk/account/second-factor")
        await prove(page, desk, admin)
        await expect(page.locator(".qr")).to_be_visible()
        await check_sizes(page)
