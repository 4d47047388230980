"""The main job as a newcomer tries it: `run`, a browser, two phones, and a list of requests.

Nothing is taken a short way: the page and its phones come through the web process, the messages
through the local carriers, webhooks, queues and workers, each its own process.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.hands import SmsHands, TelegramHands, phones_page
from tests.e2e.whole_line import WholeLine, whole_line
from tests.simulator.phones_page import is_wider_than_screen


@pytest.fixture(scope="module")
async def line(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WholeLine]:
    async with whole_line(tmp_path_factory.mktemp("line")) as it:
        yield it
        await check_that_ctrl_c_leaves_nothing(it)


async def check_that_ctrl_c_leaves_nothing(line: WholeLine) -> None:
    names = {process.name() for process in line.processes()}
    assert any(name.startswith("postgres") for name in names), names
    assert await line.stop() == 0
    assert line.printed.endswith("Stopped.\n")
    assert "Traceback" not in line.printed
    assert line.processes() == []


@pytest.fixture
async def page(browser: Browser, line: WholeLine, tmp_path: Path) -> AsyncIterator[Page]:
    async with phones_page(browser, line.url) as it:
        yield it
        await it.screenshot(path=tmp_path / "phones.png")


async def waiting(line: WholeLine, name: str) -> str:
    """The line of somebody's request in the list that staff read."""
    listed = (await line.command("requests")).splitlines()
    (found,) = [row for row in listed if name in row]
    return found


async def choose_khmer(person: TelegramHands) -> None:
    await person.start()
    await person.sees("Please choose a language")
    await person.press("ខ្មែរ")
    await person.sees("មជ្ឈមណ្ឌល")


async def test_somebody_registers_in_khmer_on_telegram(line: WholeLine, page: Page) -> None:
    person = await TelegramHands.add(page)
    await choose_khmer(person)
    await person.press("ចុះឈ្មោះ")
    await person.press("យល់ព្រម")
    await person.sees("ឈ្មោះ")
    await person.write("ពិសី")
    await person.sees("អាយុ")
    await person.write("៣២")
    await person.press("ស្រី")
    await person.press("ពោធិ៍សាត់")
    await person.press("បាកាន")
    await person.press("មេទឹក")
    await person.share_own_number()
    await person.choose("បាត់ដំបង")
    await person.choose("សៀមរាប")
    await person.press("បន្ត")
    await person.choose("កាត់ដេរ")
    await person.press("បន្ត")
    await person.sees("ប្រាក់ខែ")
    await person.write("250 ដុល្លារ")
    await person.sees("ឃុំមេទឹក ស្រុកបាកាន ខេត្តពោធិ៍សាត់")
    await person.press("ត្រឹមត្រូវហើយ")
    await person.sees("បងចុះឈ្មោះរួចហើយ")

    request = await waiting(line, "ពិសី")
    assert "មេទឹក" in request
    assert "telegram" in request


async def test_somebody_registers_in_khmer_on_a_keypad_phone(line: WholeLine, page: Page) -> None:
    person = await SmsHands.add(page)
    assert "1 ខ្មែរ" in await person.send("hello")
    assert "1 ចុះឈ្មោះ" in await person.send("1")
    assert "1 យល់ព្រម" in await person.send("1")
    assert "ឈ្មោះ" in await person.send("1")
    assert "អាយុ" in await person.send("វណ្ណៈ")
    assert "1 ស្រី" in await person.send("32")
    assert "2 ពោធិ៍សាត់" in await person.send("1")
    assert "1 កណ្ដៀង" in await person.send("2")
    assert "1 កញ្ជរ" in await person.send("1")
    assert "1 ពោធិ៍សាត់" in await person.send("1")
    assert "1 កាត់ដេរ" in await person.send("1")
    assert "250" in await person.send("1")
    assert "កញ្ជរ" in await person.send("250")
    assert "លេខកូដ" in await person.send("1")

    request = await waiting(line, "វណ្ណៈ")
    assert "កញ្ជរ" in request
    assert "sms" in request


async def test_a_voice_message_makes_a_request_that_staff_listen_to(
    line: WholeLine, page: Page
) -> None:
    person = await TelegramHands.add(page)
    await choose_khmer(person)
    before = await line.command("requests")
    await person.send_voice()
    await person.sees("លេខកូដ")
    text = await person.newest.inner_text()

    added = set((await line.command("requests")).splitlines()) - set(before.splitlines())
    assert any(row.split()[0] in text for row in added)


async def test_the_language_changes_by_the_menu_beside_the_text_box(page: Page) -> None:
    person = await TelegramHands.add(page)
    await choose_khmer(person)
    await person.choose_command("language")
    await person.sees("Please choose a language")
    await person.press("English")
    await person.sees("Migrant Worker Resource Centre")
    await person.press("How to use this")
    await person.sees("Press a button, or write your answer")


async def test_a_form_goes_on_after_the_bot_was_blocked_and_let_in_again(page: Page) -> None:
    person = await TelegramHands.add(page)
    await choose_khmer(person)
    await person.press("ចុះឈ្មោះ")
    await person.press("យល់ព្រម")
    await person.sees("ឈ្មោះ")
    await person.write("សុភី")
    await person.sees("អាយុ")
    await person.block()
    await expect(person.phone.locator("textarea")).to_be_hidden()
    await person.unblock()
    await person.write("៤០")
    await person.sees("ភេទ")
    await person.press("ស្រី")
    await person.sees("ខេត្ត")


@pytest.mark.parametrize("language", ["km", "en"])
@pytest.mark.parametrize("width", [360, 1280])
async def test_phones_fit_the_screen(
    browser: Browser, line: WholeLine, tmp_path: Path, width: int, language: str
) -> None:
    async with phones_page(browser, line.url, width=width, height=800) as page:
        await page.locator(f"[data-language={language}]").click()
        await expect(page.locator("html")).to_have_attribute("lang", language)
        assert not await is_wider_than_screen(page)
        await page.screenshot(path=tmp_path / "phones.png")


async def test_on_a_small_screen_the_button_to_start_shows_at_once(
    browser: Browser, line: WholeLine
) -> None:
    async with phones_page(browser, line.url, width=360, height=740) as page:
        person = await TelegramHands.add(page)
        await page.reload()
        await person.phone.locator(".gate .primary").wait_for()
        await page.locator(".tabs button").last.click()
        await expect(person.phone.locator(".gate .primary")).to_be_in_viewport(ratio=1)
