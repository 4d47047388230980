"""The page that shows the link, in a real browser: it sees by itself that the chat is linked."""

import re
from pathlib import Path

from playwright.async_api import Browser, expect

from services import addresses
from services.staff_cards import linking
from tests.desk.at_the_desk import Desk, served_desk
from tests.desk.desk_pages import check_page, open_desk
from tests.support import Database

_START = re.compile(r"start=(staff-[A-Za-z0-9_-]{43})")


async def _press_start(desk: Desk, address: str | None) -> None:
    found = _START.search(address or "")
    assert found is not None, address
    async with desk.new_session.begin() as session:
        phone = await addresses.get_or_create(session, "telegram", "500", now=desk.clock.now)
        linked = await linking.link(session, phone, found[1], now=desk.clock.now)
    assert isinstance(linked, linking.Linked)


async def test_linking_ends_on_the_account_page_by_itself(
    browser: Browser, db: Database, redis_url: str, tmp_path: Path
) -> None:
    async def name() -> str | None:
        return "tralob_bot"

    async with served_desk(db, redis_url, tmp_path, find_bot_name=name) as desk:
        token = await desk.sign_in(await desk.hire("theary", "case_worker"))
        async with open_desk(browser, desk, token=token, width=360) as page:
            await page.goto(f"{desk.url}/desk/account")
            await page.locator('form[action$="/account/telegram"] button').click()
            link = page.locator('a[href^="https://t.me/"]')
            await expect(link).to_be_visible()
            await check_page(page)
            await _press_start(desk, await link.get_attribute("href"))
            await page.wait_for_url("**/account?done=linked")
            await check_page(page)
