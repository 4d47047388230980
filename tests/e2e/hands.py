"""A person at the phones page: sees the screens, presses with the mouse, writes on the keyboard."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from playwright.async_api import Browser, Locator, Page, expect

from tests.simulator.phones_page import PATIENCE_MS
from tests.windows import open_window

KEYPAD = frozenset("0123456789*#")


@asynccontextmanager
async def phones_page(
    browser: Browser, url: str, *, width: int = 1280, height: int = 900
) -> AsyncIterator[Page]:
    """The page with the phones; an error of a script fails the test."""
    errors: list[str] = []
    async with open_window(browser, width=width, height=height) as page:
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.goto(f"{url}/simulator")
        await page.locator(".phone-sms").first.wait_for()
        yield page
    assert errors == []


async def add_phone(page: Page, kind: str) -> Locator:
    """Add a phone of a kind, "telegram" or "sms", by its button."""
    phones = page.locator(".phone")
    count = await phones.count()
    await page.locator(f"#add-{kind}").click()
    await expect(phones).to_have_count(count + 1)
    return page.locator(f"#{await phones.last.get_attribute('id')}")


@dataclass(frozen=True)
class TelegramHands:
    """Somebody with Telegram."""

    page: Page
    phone: Locator

    @classmethod
    async def add(cls, page: Page) -> "TelegramHands":
        return cls(page, await add_phone(page, "telegram"))

    @property
    def newest(self) -> Locator:
        return self.phone.locator(".message.bot .text").last

    async def sees(self, words: str) -> None:
        await expect(self.newest).to_contain_text(words)

    async def start(self) -> None:
        await self.phone.locator(".gate .primary").click()

    async def press(self, label: str) -> None:
        """Press a button of the newest message that has it, by its words."""
        await self.phone.locator(".message .key", has_text=_exactly(label)).last.click()

    async def choose(self, label: str) -> None:
        """Press one of several that may be chosen, and see its tick."""
        await self.press(label)
        ticked = self.phone.locator(".message .key", has_text=re.compile(f"^✓ {re.escape(label)}$"))
        await expect(ticked.last).to_be_visible()

    async def write(self, text: str) -> None:
        await self.phone.locator("textarea").click()
        await self.page.keyboard.insert_text(text)
        await self.page.keyboard.press("Enter")

    async def share_own_number(self) -> None:
        """Press the first of the buttons below the text box, and agree."""
        await self.phone.locator(".reply-keyboard .key").first.click()
        await self.page.locator("dialog .primary").click()

    async def send_voice(self) -> None:
        await self.attach("voice")

    async def attach(self, icon: str) -> None:
        """Send the sample of a kind, found by its picture in the sheet of attachments."""
        await self.phone.locator(".composer .icon-button").first.click()
        await self.phone.locator(
            ".sheet button", has=self.page.locator(f'use[href$="#{icon}"]')
        ).click()
        await self.page.locator("dialog .primary").click()

    async def choose_command(self, command: str) -> None:
        """Choose from the menu beside the text box."""
        await self.phone.locator(".menu-button").click()
        await self.phone.locator(".sheet button", has_text=f"/{command}").click()

    async def block(self) -> None:
        await self.phone.locator(".chat-head .menu button").first.click()
        await self.phone.locator(".chat-head .menu-list button").nth(1).click()

    async def unblock(self) -> None:
        await self.phone.locator(".gate .primary").click()


@dataclass(frozen=True)
class SmsHands:
    """Somebody with a keypad phone."""

    page: Page
    phone: Locator

    @classmethod
    async def add(cls, page: Page) -> "SmsHands":
        return cls(page, await add_phone(page, "sms"))

    async def send(self, *texts: str) -> str:
        """Send one SMS after the other, each after the answer; returns the last answer."""
        received = self.phone.locator(".sms.centre .sms-body")
        for text in texts:
            count = await received.count()
            await self._type(text)
            await self.phone.locator(".key-send").click()
            await expect(received).to_have_count(count + 1)
        return await received.last.inner_text()

    async def _type(self, text: str) -> None:
        """Digits on the keypad, letters on the keyboard."""
        if set(text) <= KEYPAD:
            for key in text:
                await self.phone.locator(".keypad button", has_text=key).click()
            return
        await self.phone.locator("textarea").click()
        await self.page.keyboard.insert_text(text)


def _exactly(label: str) -> re.Pattern[str]:
    return re.compile(f"^(✓ )?{re.escape(label)}$")
