"""A member of staff at the desk, in a window of their own."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pyotp
from playwright.async_api import Browser, Locator, Page, expect

from tests.simulator.phones_page import PATIENCE_MS
from tests.windows import open_window

_IS_DIGITS = re.compile(r"^\d{6}$")


@asynccontextmanager
async def desk_window(browser: Browser, url: str) -> AsyncIterator["DeskHands"]:
    """A window without anybody's cookies; an error of a script fails the test."""
    errors: list[str] = []
    async with open_window(browser, width=1280, height=860) as page:
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: errors.append(str(error)))
        yield DeskHands(page, url)
    assert errors == []


@dataclass(frozen=True)
class DeskHands:
    """Somebody at the desk: signs in, finds a request, does something with it."""

    page: Page
    url: str

    async def sign_in_for_training(self, username: str) -> None:
        """With the password and the code that the page shows."""
        page = self.page
        await page.goto(f"{self.url}/desk")
        shown = page.locator(".training li", has_text=username)
        code = await shown.get_by_text(_IS_DIGITS).inner_text()
        await page.locator("#username").fill(username)
        await page.locator("#password").fill("training with phones")
        await page.keyboard.press("Enter")
        await page.locator("#code").fill(code)
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/desk/queue*")

    async def accept(self, link: str, password: str) -> None:
        """Answer an invitation: choose a password, bring a phone along, note the codes."""
        page = self.page
        await page.goto(link)
        await page.locator("[name=password]").fill(password)
        await page.locator("[name=again]").fill(password)
        await page.locator(".primary").click()
        secret = (await page.locator(".secret").inner_text()).replace(" ", "")
        await page.locator("#code").fill(pyotp.TOTP(secret).now())
        await page.locator(".primary").click()
        await expect(page.locator(".codes li")).to_have_count(10)
        await page.locator(".primary").click()
        await page.wait_for_url("**/desk/queue*")

    async def look_at(self, tab: str) -> None:
        await self.page.goto(f"{self.url}/desk/queue?tab={tab}")

    async def open(self, code: str) -> None:
        await self.page.goto(f"{self.url}/desk/requests/{code}")
        await expect(self.page.locator("#thread")).to_be_visible()

    async def press(self, move: str) -> None:
        """Press a button of the request's page by the name of its move, until it has moved.

        The page may have said already that something was done.
        """
        async with self.page.expect_navigation(url="**/requests/*?done=*"):
            await self.page.locator(f"form[action$='/do/{move}'] button").first.click()

    async def choose(self, move: str, label: str) -> None:
        """Choose from the list beside a move, then press its button."""
        form = self.page.locator(f"form[action$='/do/{move}']")
        await form.locator("select").select_option(label=label)
        await form.locator("button").click()

    async def hand_over(self, centre_id: str, reason: str) -> None:
        form = self.page.locator("form[action$='/do/hand_over']")
        await self.page.locator("details", has=form).locator("summary").click()
        await form.locator("select").select_option(centre_id)
        await form.locator("textarea").fill(reason)
        await form.locator("button").click()

    async def reply(self, text: str) -> None:
        await self.page.locator("#reply-text").fill(text)
        await self.press("reply")

    async def note(self, text: str) -> None:
        await self.page.locator("#note").fill(text)
        await self.press("note")

    async def sees(self, words: str) -> None:
        """In the thread, after looking again until it is there."""
        await expect(self.page.locator(".thread")).to_contain_text(words)

    def line_of(self, code: str) -> Locator:
        """The line of a request in the list."""
        return self.page.locator("table.queue tr", has=self.page.locator(f"a[href$='/{code}']"))
