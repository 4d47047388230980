"""The way in and one's own account in a real browser, for every size, language and hand."""

import re
from urllib.parse import urljoin

import pyotp
import pytest
from playwright.async_api import Browser, Page, expect

from tests.desk.at_the_desk import PASSWORD, Desk
from tests.desk.desk_pages import check_page, open_desk

MOST_BYTES = 150_000
_LINKED = re.compile(r'(?:href|src)="(/desk/static/[^"#]+)')


async def press(page: Page, *keys: str) -> None:
    for key in keys:
        await page.keyboard.press(key)


async def test_somebody_signs_in_with_the_keyboard_alone(browser: Browser, desk: Desk) -> None:
    worker = await desk.hire("sok", "case_worker")
    async with open_desk(browser, desk) as page:
        await page.goto(f"{desk.url}/desk/account")
        await expect(page.locator("#username")).to_be_focused()
        await page.keyboard.type("sok")
        await press(page, "Tab")
        await page.keyboard.type(PASSWORD)
        await press(page, "Enter")
        await expect(page.locator("#code")).to_be_focused()
        await page.keyboard.type(worker.code(desk.clock.now))
        await press(page, "Enter")
        await expect(page.locator("#sessions")).to_be_visible()
        await press(page, "Tab")
        await expect(page.locator(".skip")).to_be_focused()
        await expect(page.locator(".skip")).to_be_in_viewport()
        await press(page, "Enter")
        await expect(page.locator("main")).to_be_focused()


@pytest.mark.parametrize("language", ["km", "en"])
@pytest.mark.parametrize("width", [1280, 360])
async def test_every_page_up_to_the_desk_is_whole(
    browser: Browser, desk: Desk, language: str, width: int
) -> None:
    link = f"{desk.url}/desk/invitation/{await desk.invite('dara', 'case_worker')}"
    async with open_desk(browser, desk, language=language, width=width) as page:
        await page.goto(link)
        await check_page(page)
        for name in ("password", "again"):
            await page.fill(f"[name={name}]", "1234567890")
        await page.locator(".primary").click()
        await page.locator("[role=alert]").wait_for()
        await check_page(page)
        for name in ("password", "again"):
            await page.fill(f"[name={name}]", PASSWORD)
        await page.locator(".primary").click()
        await page.wait_for_url("**/second-factor")
        await check_page(page)
        secret = (await page.locator(".secret").inner_text()).replace(" ", "")
        await page.fill("#code", "000000")
        await page.locator(".primary").click()
        await page.locator("[role=alert]").wait_for()
        await check_page(page)
        await page.fill("#code", pyotp.TOTP(secret).at(desk.clock.now))
        await page.locator(".primary").click()
        await expect(page.locator(".codes li")).to_have_count(10)
        await check_page(page)
        await page.locator(".primary").click()
        await page.goto(f"{desk.url}/desk/account")
        await expect(page.locator("html")).to_have_attribute("lang", language)
        await check_page(page)
        await page.goto(f"{desk.url}/desk/nowhere")
        await check_page(page)


@pytest.mark.parametrize("language", ["km", "en"])
@pytest.mark.parametrize("width", [1280, 360])
async def test_the_door_and_a_refusal_are_whole(
    browser: Browser, desk: Desk, language: str, width: int
) -> None:
    worker = await desk.hire("sok", "auditor", language=language)
    async with open_desk(browser, desk, language=language, width=width) as page:
        await page.goto(f"{desk.url}/desk/sign-in")
        await check_page(page)
        for _ in range(5):
            await page.fill("#username", "sok")
            await page.fill("#password", "wrong password")
            async with page.expect_navigation():  # each answer has an alert, as the last one had
                await page.locator(".primary").click()
        await expect(page.locator("[role=alert]")).to_contain_text("1")
        await check_page(page)
        desk.clock.go_on(minutes=5)
        await page.fill("#password", PASSWORD)
        await page.locator(".primary").click()
        await page.wait_for_url("**/code")
        await check_page(page)
        await page.fill("#code", worker.code(desk.clock.now))
        await page.locator(".primary").click()
        await expect(page.locator(".desk")).to_be_visible()
        refused = await page.goto(f"{desk.url}/desk/queue")
        assert refused is not None
        assert refused.status == 403
        await expect(page.locator("html")).to_have_attribute("lang", language)
        await check_page(page)


async def test_the_bar_of_a_phone_leads_to_the_account_and_out(
    browser: Browser, desk: Desk
) -> None:
    token = await desk.sign_in(await desk.hire("sok", "case_worker"))
    async with open_desk(browser, desk, token=token, width=360) as page:
        await page.goto(f"{desk.url}/desk/nowhere")
        entry = page.locator(".entries a").last
        box = await entry.bounding_box()
        assert box is not None
        assert box["y"] > 600
        await entry.click()
        await expect(entry).to_have_attribute("aria-current", "page")
        await page.locator("main [action$=sign-out] button").click()
        await page.wait_for_url("**/sign-in")


@pytest.mark.parametrize("width", [1280, 360])
async def test_everything_to_press_is_large_enough_for_a_thumb(
    browser: Browser, desk: Desk, width: int
) -> None:
    token = await desk.sign_in(await desk.hire("sok", "case_worker"))
    async with open_desk(browser, desk, token=token, width=width) as page:
        for path in ("account", "nowhere"):
            await page.goto(f"{desk.url}/desk/{path}")
            for target in await page.locator("button:visible, .entries a, input:visible").all():
                box = await target.bounding_box()
                assert box is not None
                assert box["height"] >= 44


async def test_the_first_page_is_light(desk: Desk) -> None:
    async with desk.at_work("sok", "case_worker") as browser:
        worker = {"Accept-Encoding": "gzip"}
        for path in ("/desk/sign-in", "/desk/account"):
            address = urljoin(desk.url, path)
            async with browser.http.get(address, headers=worker) as answer:
                body = await answer.text()
                sizes = [len(await answer.read())]
            for linked in set(_LINKED.findall(body)):
                async with browser.http.get(
                    urljoin(desk.url, linked), headers=worker, auto_decompress=False
                ) as answer:
                    assert answer.status == 200
                    sizes.append(len(await answer.read()))
            assert sum(sizes) < MOST_BYTES
