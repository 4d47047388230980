"""Centres, canned replies and agencies in a real browser: by hand and keyboard, wide and narrow."""

from datetime import timedelta

from playwright.async_api import Browser, expect

from services import starters
from tests.desk.at_the_desk import Desk
from tests.desk.desk_pages import check_page, open_desk


async def test_a_manager_keeps_hours_and_replies_on_a_phone(browser: Browser, desk: Desk) -> None:
    async with desk.new_session.begin() as session:
        await starters.load(session, now=desk.clock.now)
    token = await desk.sign_in(await desk.hire("boss", "centre_manager"))
    async with open_desk(browser, desk, token=token, width=360) as page:
        await page.goto(f"{desk.url}/desk/centres")
        await page.locator("[name=mon-0-from]").fill("7:30")
        await page.locator("[name=mon-1-to]").press("Enter")  # saves: that button is the first
        await expect(page.locator("[role=status]")).to_be_visible()
        await expect(page.locator("[name=mon-0-from]")).to_have_value("07:30")
        await page.locator("[name=tue-0-to]").fill("?")
        await page.locator("button[value=same]").click()
        await expect(page.locator("[name=tue-0-from]")).to_have_value("07:30")
        await page.locator("[name=fri-0-to]").fill("?")
        await page.locator(".primary").click()
        await expect(page.locator("#fri-fault")).to_be_visible()
        await check_page(page)
        await page.goto(f"{desk.url}/desk/days")
        await page.locator("#first").fill((desk.clock.now + timedelta(days=2)).date().isoformat())
        await page.locator("#label").fill("ទឹកជំនន់")
        await page.locator(".primary").click()
        await expect(page.get_by_text("ទឹកជំនន់", exact=True)).to_be_visible()
        await check_page(page)
        await page.goto(f"{desk.url}/desk/canned/new")
        await page.locator("#text_km").fill("សួស្ដី {name}")
        await page.locator("button[value=preview]").click()
        await expect(page.locator("article")).to_have_count(2)
        await check_page(page)
        await page.goto(f"{desk.url}/desk/canned")
        await check_page(page)


async def test_an_administrator_keeps_agencies(browser: Browser, desk: Desk) -> None:
    token = await desk.sign_in(await desk.hire("chief", "administrator", language="en"))
    async with open_desk(browser, desk, token=token, language="en") as page:
        await page.goto(f"{desk.url}/desk/agencies/new")
        await page.locator("#name_km").fill("សាលា")
        await page.locator("#name_en").fill("School")
        await page.locator(".primary").click()
        await expect(page.locator("#purposes-fault")).to_be_visible()
        await check_page(page)
        await page.get_by_label("Training").check()
        await page.locator(".primary").click()
        await expect(page.get_by_role("heading", name="School")).to_be_visible()
        await check_page(page)
