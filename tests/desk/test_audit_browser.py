"""The log in a real browser: whole in both languages and at both widths."""

from playwright.async_api import Browser, expect

from tests.desk.at_the_desk import Desk
from tests.desk.desk_pages import check_page, open_desk
from tests.desk.test_audit_page import reveal


async def test_the_log_is_whole(browser: Browser, desk: Desk) -> None:
    code = await reveal(desk)
    async with desk.browser() as stranger:
        await stranger.post("/desk/sign-in", {"username": "sok", "password": "not the one"})
    token = await desk.sign_in(await desk.hire("eye", "auditor"))
    for width, language in ((1280, "en"), (360, "km")):
        async with open_desk(browser, desk, token=token, width=width) as page:
            await page.goto(f"{desk.url}/desk/audit")
            await page.locator(f"button[value={language}]:visible").click()
            await page.locator(f"html[lang={language}] .weeks").wait_for()
            await page.locator(".by-centre summary").click()
            await check_page(page)
            await page.goto(f"{desk.url}/desk/audit?who=s&first=2026-11-22&last=2026-11-01")
            await check_page(page)
            await page.goto(f"{desk.url}/desk/audit?about={code}")
            await expect(page.locator(".filters form")).to_be_hidden()
            await expect(page.locator(".log tbody tr").first).to_be_in_viewport()
