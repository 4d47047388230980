"""Referrals in a real browser, on a wide screen and on a phone, in both languages."""

from datetime import timedelta

import pytest
from playwright.async_api import Browser, Page, expect

from db.models import Recall
from services.office_hours import day_of
from tests.desk.at_the_desk import Desk
from tests.desk.desk_pages import check_page, open_desk
from tests.services.desk_visitors import ask
from tests.services.referred import make_agency


@pytest.mark.parametrize(("language", "width"), [("km", 360), ("en", 1280)])
async def test_refer_somebody_who_said_yes_on_the_phone(
    browser: Browser, desk: Desk, language: str, width: int
) -> None:
    async with desk.new_session.begin() as session:
        request = await ask(session)
        agency = await make_agency(session)
        gone = Recall(
            centre_id="pursat",
            agency_id=agency.id,
            code="12345678",
            reason="deleted",
            arose_on=day_of(desk.clock.now) - timedelta(days=60),
        )
        session.add(gone)
    token = await desk.sign_in(await desk.hire("sok", "case_worker", language=language))
    path = f"{desk.url}/desk/requests/{request.code}/referrals/new?purpose=work"
    await _refer(browser, desk, token, path, language=language, width=width)


async def test_who_chooses_a_sensitive_agency_cannot_ask_by_message(
    browser: Browser, desk: Desk
) -> None:
    async with desk.new_session.begin() as session:
        request = await ask(session)
        await make_agency(session, "Shelter", is_sensitive=True)
        await make_agency(session)
    token = await desk.sign_in(await desk.hire("sok", "case_worker", language="en"))
    async with open_desk(browser, desk, token=token, language="en", width=360) as page:
        await page.goto(f"{desk.url}/desk/requests/{request.code}/referrals/new?purpose=work")
        by_message = page.get_by_role("radio", name="Ask the person by")
        await by_message.check()
        await page.get_by_role("radio", name="Shelter").check()
        await expect(by_message).to_be_disabled()
        await expect(page.locator("input[value=told]")).to_be_checked()
        await expect(page.get_by_text("goes into no message")).to_be_visible()
        await check_page(page)
        await page.get_by_role("radio", name="Job Centre").check()
        await expect(by_message).to_be_enabled()


async def _refer(
    browser: Browser, desk: Desk, token: str, path: str, *, language: str, width: int
) -> None:
    async with open_desk(browser, desk, token=token, language=language, width=width) as page:
        await page.goto(path)
        await check_page(page)
        # What only one of the choices asks for is not there before it is chosen.
        await expect(page.locator("#told_how")).to_be_hidden()
        await page.locator("input[name=agency]").first.check()
        for name in ("phone", "need"):
            await page.locator(f"input[value={name}]").check()
        await page.locator("#need").fill("ចង់បានការងារនៅជិតផ្ទះ")
        await page.locator("input[value=told]").check()
        await page.locator("#told_how").select_option("phone")
        await check_page(page)
        await page.locator("form[method=post].card button").click()
        await expect(page.get_by_role("status")).to_be_visible()
        await _open_step(page, "give")
        await check_page(page)
        await page.locator("a[href$='/sheet']").click()
        await expect(page.locator("article")).to_contain_text("012 345 678")
        await expect(page.locator("#print")).to_be_visible()
        await check_page(page)
        await page.goto(f"{desk.url}/desk/to-tell")
        await expect(page.locator("article")).to_contain_text("1234 5678")
        await check_page(page)


async def _open_step(page: Page, step: str) -> None:
    form = page.locator(f"form[action$='/do/{step}']")
    await page.locator("details", has=form).locator("summary").click()
    await expect(form.locator("select")).to_be_visible()
