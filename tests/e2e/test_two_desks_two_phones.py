"""A request as it is lived through: two who ask and two centres that answer, nothing cut short.

The phones and the desks are pages in a browser; messages go through the local carriers, webhooks,
queues and workers, each its own process. It may be night here: what waits for the morning then
(questions to people) is left to tests that have a clock of their own.
"""

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.desk_hands import DeskHands, desk_window
from tests.e2e.hands import SmsHands, TelegramHands, phones_page
from tests.e2e.whole_line import WholeLine, whole_line

PASSWORD = "rice field at dawn"
AGENCY = "អង្គការសាកល្បង ការងារ"
_CODE = re.compile(r"\b\d{4} ?\d{4}\b")


@pytest.fixture(scope="module")
async def line(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WholeLine]:
    async with whole_line(tmp_path_factory.mktemp("line")) as it:
        yield it


@pytest.fixture
async def phones(browser: Browser, line: WholeLine) -> AsyncIterator[Page]:
    async with phones_page(browser, line.url) as it:
        yield it


def code_in(text: str) -> str:
    found = _CODE.search(text)
    assert found is not None, text
    return found.group().replace(" ", "")


async def hire(line: WholeLine, desk: DeskHands, name: str, centre: str) -> None:
    """Somebody real gets a link, and answers it."""
    who = ("staff", "add", name, "--role", "case-worker", "--centre", centre)
    said = await line.command(*who, "--username", name.lower())
    await desk.accept(said.splitlines()[-1].strip(), PASSWORD)


async def ask_by_telegram(person: TelegramHands, words: str) -> str:
    """The code of the request that her words made."""
    await person.start()
    await person.sees("Please choose a language")
    await person.press("ខ្មែរ")
    await person.sees("មជ្ឈមណ្ឌល")
    await person.write(words)
    await person.sees("លេខកូដ")
    return code_in(await person.newest.inner_text())


async def test_a_request_goes_from_hand_to_hand_and_comes_back(
    line: WholeLine, browser: Browser, phones: Page
) -> None:
    pisey, own_phone = await TelegramHands.add(phones), await TelegramHands.add(phones)
    async with (
        desk_window(browser, line.url) as sok,
        desk_window(browser, line.url) as boss,
        desk_window(browser, line.url) as dara,
    ):
        await sok.sign_in_for_training("demo-case-worker")
        await boss.sign_in_for_training("demo-centre-manager")
        await hire(line, dara, "Dara", "oddar-meanchey")
        await link_telegram(sok, own_phone)

        await boss.look_at("unassigned")
        code = await ask_by_telegram(pisey, "ខ្ញុំបាត់អត្តសញ្ញាណប័ណ្ណ")
        await expect(boss.page.get_by_text("មានសំណើថ្មី")).to_be_visible()
        await boss.open(code)
        await boss.choose("set_urgency", "បន្ទាន់")

        await own_phone.sees(f"{code[:4]} {code[4:]} · បន្ទាន់")
        await own_phone.press("ទទួលយក")
        await boss.sees("បានទទួលយក")
        await sok.open(code)
        await sok.reply("បងបាត់នៅឯណា?")
        await pisey.sees("បងបាត់នៅឯណា?")
        await pisey.send_voice()
        await expect(sok.page.locator(".thread audio")).to_be_visible()

        await sok.hand_over("oddar-meanchey", "គាត់រស់នៅទីនោះ")
        await sok.page.wait_for_url("**/desk/queue*")
        await boss.page.get_by_text("លែងនៅក្នុងបញ្ជីរបស់បងហើយ").wait_for()

        await dara.open(code)
        await dara.press("take")
        await refer(dara, code)
        await dara.open(code)
        await dara.page.locator("[name=sure]").check()  # the agency was told nothing yet
        await dara.choose("finish", "បានបញ្ជូនបន្ត")
        await pisey.write("មិនទាន់មានអ្នកណាជួយទេ")
        await dara.sees("មិនទាន់មានអ្នកណាជួយទេ")
        await dara.look_at("all")
        await expect(dara.line_of(code)).to_contain_text("បានបើកឡើងវិញ")


async def link_telegram(desk: DeskHands, phone: TelegramHands) -> None:
    """By the number that the account page shows; on duty at any hour."""
    page = desk.page
    await page.goto(f"{desk.url}/desk/account")
    await page.locator("form[action$='/account/telegram'] button").click()
    number = await page.locator(".secret").inner_text()
    await phone.start()
    await phone.sees("Please choose a language")
    await phone.write(number)
    await phone.sees("demo-case-worker")
    await page.wait_for_url("**/account?done=linked")
    await page.locator("[name=at_any_hour]").check()
    await page.locator("form[action$='/telegram/hours'] button").click()
    await page.wait_for_url("**/account?done=hours")


async def refer(desk: DeskHands, code: str) -> None:
    """To the demo agency, which is told nothing but the need; she agreed on the phone."""
    page = desk.page
    await page.goto(f"{desk.url}/desk/requests/{code}/referrals/new?purpose=work")
    await page.locator(".pick", has_text=AGENCY).locator("input").check()
    await page.locator("[name=shared][value=need]").check()
    await page.locator("[name=through_us]").check()
    await page.locator("[name=need]").fill("ត្រូវការការងារកាត់ដេរ")
    await page.locator("[name=consent][value=told]").check()
    await page.locator("[name=told_how]").select_option("phone")
    await page.locator("form .primary").last.click()
    await page.wait_for_url("**/referrals?*")
    give = page.locator("details", has=page.locator("form[action$='/do/give']"))
    await give.locator("summary").click()
    await give.locator("select").select_option("phone")
    await give.locator("form button").click()
    await page.wait_for_url("**/referrals?done=*")


async def test_a_keypad_phone_and_the_desk_write_to_each_other(
    line: WholeLine, browser: Browser, phones: Page
) -> None:
    vanna = await SmsHands.add(phones)
    await vanna.send("hello", "1")
    code = code_in(await vanna.send("សូមជួយខ្ញុំផង"))
    async with desk_window(browser, line.url) as safe:
        await safe.sign_in_for_training("demo-safety-focal-point")
        await safe.open(code)
        await safe.press("take")
        await safe.reply("បងត្រូវការអ្វី?")
        answer = vanna.phone.locator(".sms.centre .sms-body").last
        await expect(answer).to_contain_text("បងត្រូវការអ្វី?")
        await safe.sees("បានទៅដល់")
        await vanna.send("ខ្ញុំគ្មានលុយទៅផ្ទះ")
        await safe.sees("ខ្ញុំគ្មានលុយទៅផ្ទះ")
