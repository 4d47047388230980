"""The desk in a real browser: what its tests share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, Page

from desk.security import LANGUAGE_COOKIE, SESSION_COOKIE
from tests.desk.at_the_desk import Desk
from tests.simulator.phones_page import (
    BLIND_CANVAS,
    PATIENCE_MS,
    find_faults,
    is_complaint,
    is_wider_than_screen,
)
from tests.windows import open_window

SIZES = {1280: 860, 360: 740}


@asynccontextmanager
async def open_desk(
    browser: Browser,
    desk: Desk,
    *,
    token: str | None = None,
    language: str = "km",
    width: int = 1280,
) -> AsyncIterator[Page]:
    """A window of its own; a script error or anything that the policy blocks fails the test."""
    cookies = {LANGUAGE_COOKIE: language, SESSION_COOKIE: token}
    complaints: list[str] = []
    async with open_window(browser, width=width, height=SIZES[width]) as page:
        await page.context.add_cookies(
            [
                {"name": name, "value": value, "url": desk.url}
                for name, value in cookies.items()
                if value is not None
            ]
        )
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda message: complaints.append(message.text) if is_complaint(message.text) else None,
        )
        await page.add_init_script(BLIND_CANVAS)
        yield page
    assert complaints == []


async def check_page(page: Page) -> None:
    """Nothing that axe finds, and nothing beyond the edge of the screen."""
    assert await find_faults(page) == [], page.url
    assert not await is_wider_than_screen(page), page.url
