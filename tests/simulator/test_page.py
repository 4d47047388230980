"""The phones page as a whole and the keypad phone, in a real browser."""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

import simulator.page
from tests.served_app import until
from tests.simulator.phones_page import (
    Simulator,
    feature,
    find_faults,
    is_wider_than_screen,
    new_config,
    running,
    telegram,
    visit,
)

WORDS = Path(simulator.page.__file__).parent / "static" / "i18n"
QUESTION = "MRC៖ បងអាយុប៉ុន្មានឆ្នាំ? សូមផ្ញើលេខ ដូចជា 32។ បើមិនចង់ប្រាប់ ផ្ញើ #។ ថយក្រោយ ផ្ញើ 0។"


@pytest.fixture
async def carrier(tmp_path: Path) -> AsyncIterator[Simulator]:
    async with running(new_config(tmp_path)) as it:
        yield it


@pytest.fixture
async def page(browser: Browser, carrier: Simulator) -> AsyncIterator[Page]:
    async with visit(browser, carrier) as it:
        yield it


async def receive(page: Page, carrier: Simulator, body: str = QUESTION) -> None:
    """Let the keypad phone get an SMS from the centre."""
    await carrier.sms((await carrier.phone("sms"))["number"], body)
    await expect(feature(page).locator(".sms.centre")).to_have_count(1)


async def test_a_fresh_page_has_one_phone_of_each_kind_and_a_reload_adds_none(
    page: Page, carrier: Simulator
) -> None:
    await expect(page.locator(".demo")).to_contain_text("nothing here reaches a real person")
    await page.reload()
    await feature(page).wait_for()
    kinds = [phone["kind"] for phone in (await carrier.state())["phones"]]
    assert kinds == ["telegram", "sms"]


async def test_phones_are_added_renamed_and_removed(page: Page) -> None:
    await page.locator("#add-telegram").click()
    await page.locator("#add-sms").click()
    await expect(page.locator(".phone")).to_have_count(4)
    last = page.locator(".phone").last
    await last.locator(".owner .menu button").first.click()
    await last.locator(".menu-list button").first.click()
    await page.locator("dialog input[name=name]").fill("<b>ចន្ទី</b>")
    await page.keyboard.press("Enter")
    await expect(last.locator(".owner-name")).to_have_text("<b>ចន្ទី</b>")
    await last.locator(".owner .menu button").first.click()
    await last.locator(".menu-list button").nth(1).click()
    await page.locator("dialog .primary").click()
    await expect(page.locator(".phone")).to_have_count(3)


async def test_removing_the_last_phone_leaves_a_calm_page(page: Page) -> None:
    for _ in range(2):
        count = await page.locator(".phone").count()
        await page.locator(".owner .menu button").first.click()
        await page.locator(".owner .menu-list button").nth(1).click()
        await page.locator("dialog .primary").click()
        await expect(page.locator(".phone")).to_have_count(count - 1)
    await expect(page.locator(".welcome")).to_be_visible()
    await page.locator("#add-sms").click()
    await expect(page.locator(".welcome")).to_have_count(0)


async def test_an_sms_shows_parts_encoding_price_and_status_and_adds_up(
    page: Page, carrier: Simulator
) -> None:
    await receive(page, carrier)
    await page.locator("[data-language=en]").click()
    facts = feature(page).locator(".sms.centre .sms-facts")
    await expect(facts).to_contain_text("2 parts · UCS-2 · 0.10 USD")
    await expect(facts).to_contain_text("delivered")
    await expect(feature(page).locator(".ledger dd")).to_have_text("1 SMS · 2 parts · 0.10 USD")


async def test_a_phone_without_khmer_shows_boxes_and_keeps_the_rest(
    page: Page, carrier: Simulator
) -> None:
    await receive(page, carrier)
    body = feature(page).locator(".sms.centre .sms-body")
    await feature(page).locator(".ledger input").check()
    await expect(body).not_to_contain_text("បង")
    shown = await body.text_content()
    assert shown is not None
    assert re.sub("□+", "□", shown) == "MRC□ □? □ □ 32□ □ □ #□ □ □ 0□"
    assert (await carrier.phone("sms"))["shows_khmer"] is False
    await feature(page).locator(".ledger input").uncheck()
    await expect(body).to_have_text(QUESTION)


async def test_the_keypad_writes_and_sends(page: Page, carrier: Simulator) -> None:
    phone = feature(page)
    for key in "*120#":
        await phone.locator(".keypad button", has_text=key).click()
    await phone.locator(".key-erase").click()
    await expect(phone.locator("textarea")).to_have_value("*120")
    await phone.locator(".key-send").click()
    await expect(phone.locator(".sms.person .sms-body")).to_have_text("*120")
    assert (await carrier.phone("sms"))["messages"][0]["body"] == "*120"


async def test_erasing_takes_a_whole_khmer_letter(page: Page) -> None:
    box = feature(page).locator("textarea")
    await box.fill("ខ្ញុំស្រី")
    await feature(page).locator(".key-erase").click()
    await expect(box).to_have_value("ខ្ញុំ")


async def test_an_sms_is_typed_and_sent_with_the_keyboard_alone(
    page: Page, carrier: Simulator
) -> None:
    await feature(page).locator(".owner .menu button").first.focus()
    for _ in range(3):
        await page.keyboard.press("Tab")
        if (
            await feature(page)
            .locator("textarea")
            .evaluate("box => box === document.activeElement")
        ):
            break
    await page.keyboard.type("job")
    await page.keyboard.press("Enter")
    await expect(feature(page).locator(".sms.person .sms-body")).to_have_text("job")


async def test_carrier_trouble_is_folded_away_and_sets_the_faults(
    page: Page, carrier: Simulator
) -> None:
    await expect(page.locator(".trouble input").first).to_be_hidden()
    await page.locator(".trouble summary").click()
    await page.locator(".trouble fieldset").first.locator("input[type=number]").nth(1).fill("2")
    await page.locator(".trouble fieldset").nth(1).locator("input[type=checkbox]").check()
    await expect(page.locator(".badge")).to_be_visible()

    async def both_are_set() -> bool:
        faults = (await carrier.state())["faults"]
        return bool(faults["twilio"]["reorder_statuses"]) and faults["telegram"]["fail_next"] == 2

    await until(both_are_set)
    await page.locator(".trouble .button").click()
    await expect(page.locator(".badge")).to_be_hidden()


async def test_language_changes_in_place_and_stays(page: Page, carrier: Simulator) -> None:
    await receive(page, carrier)
    await feature(page).locator("textarea").fill("draft")
    await expect(page.locator("html")).to_have_attribute("lang", "km")
    await page.locator("[data-language=en]").click()
    await expect(page.locator("h1")).to_have_text("Training phones")
    await expect(feature(page).locator("textarea")).to_have_value("draft")
    await page.reload()
    await expect(page.locator("h1")).to_have_text("Training phones")


async def test_a_lost_connection_is_told_and_mended(browser: Browser, tmp_path: Path) -> None:
    config = new_config(tmp_path)
    async with running(config) as carrier:
        visiting = visit(browser, carrier)
        page = await visiting.__aenter__()
    await expect(page.locator("#offline")).to_be_visible()
    await feature(page).locator("textarea").fill("job")
    await feature(page).locator("textarea").press("Enter")
    await expect(page.locator("#toasts .toast")).to_be_visible()
    await expect(feature(page).locator("textarea")).to_have_value("job")
    async with running(config) as carrier:
        await carrier.sms((await carrier.phone("sms"))["number"], "back again")
        await expect(page.locator("#offline")).to_be_hidden()
        await expect(feature(page).locator(".sms.centre .sms-body")).to_have_text("back again")
        await visiting.__aexit__(None, None, None)


@pytest.mark.parametrize("language", ["km", "en"])
@pytest.mark.parametrize("width", [360, 1280])
async def test_no_fault_that_axe_finds_and_no_sideways_scrolling(
    browser: Browser, carrier: Simulator, language: str, width: int
) -> None:
    async with visit(browser, carrier, width=width, height=740) as page:
        await receive(page, carrier)
        await page.locator(f"[data-language={language}]").click()
        await page.locator(".trouble summary").click()
        assert await find_faults(page) == []
        await telegram(page).locator(".gate .primary").click()
        chat = (await carrier.next_update("message"))["chat"]["id"]
        rows = [
            [{"text": "ត្រឹមត្រូវហើយ", "callback_data": "1"}],
            [{"text": "x", "url": "https://ilo.org"}],
        ]
        await carrier.bot(
            "sendMessage", chat_id=chat, text=QUESTION, reply_markup={"inline_keyboard": rows}
        )
        await telegram(page).locator(".key").first.wait_for()
        await telegram(page).locator(".composer .icon-button").first.click()
        assert await find_faults(page) == []
        assert not await is_wider_than_screen(page)


async def test_on_a_narrow_screen_tabs_bring_the_other_phone(
    browser: Browser, carrier: Simulator
) -> None:
    async with visit(browser, carrier, width=360, height=740) as page:
        await expect(feature(page).locator(".keypad")).not_to_be_in_viewport()
        await receive(page, carrier)
        tab = page.locator(".tabs button").nth(1)
        await expect(tab).to_have_attribute("data-news", "true")
        await tab.click()
        await expect(feature(page).locator(".screen")).to_be_in_viewport()
        await expect(tab).not_to_have_attribute("data-news", "true")
        await expect(page.locator(".tabs [aria-current]")).to_have_count(1)
        await expect(tab).to_have_attribute("aria-current", "true")


async def test_a_window_that_narrows_marks_the_phone_that_is_left(
    browser: Browser, carrier: Simulator
) -> None:
    async with visit(browser, carrier, width=1280, height=900) as page:
        shown, hidden = telegram(page), feature(page)
        await expect(page.locator(".tabs [aria-current]")).to_have_count(1)
        await page.set_viewport_size({"width": 360, "height": 740})
        await expect(hidden).not_to_be_in_viewport(ratio=0.5)
        await expect(shown).to_be_in_viewport(ratio=0.5)
        await expect(page.locator(".tabs [aria-current]")).to_have_count(1)
        await expect(page.locator(".tabs button").first).to_have_attribute("aria-current", "true")


@pytest.mark.parametrize("width", [1280, 360])
async def test_what_is_to_be_read_beside_the_phones_is_shown_and_kept_fresh(
    browser: Browser, tmp_path: Path, width: int
) -> None:
    said: dict[str, Any] = {
        "title": "Staff",
        "note": "<b>Choose one</b>",
        "rows": [{"label": "Case worker", "value": "demo-case-worker · 123456"}],
        "link": {"label": "Open", "address": "/desk/"},
    }
    config = replace(new_config(tmp_path), beside="/beside")
    async with running(config) as carrier, visit(browser, carrier, width=width) as page:
        beside = page.locator(".beside")
        await expect(beside).to_be_hidden()
        await page.route("**/beside?language=*", lambda route: route.fulfill(json=said))
        await page.reload()
        await expect(beside.locator("dd")).to_have_text("demo-case-worker · 123456")
        await expect(beside.locator("p")).to_have_text("<b>Choose one</b>")
        await expect(beside.locator("a")).to_have_attribute("href", "/desk/")
        assert await find_faults(page) == []
        assert not await is_wider_than_screen(page)
        said |= {"rows": [{"label": "Case worker", "value": "654321"}], "link": None}
        await page.locator("[data-language=en]").click()
        await expect(beside.locator("dd")).to_have_text("654321")
        await expect(beside.locator("a")).to_have_count(0)


async def test_a_strict_policy_goes_with_every_file(carrier: Simulator) -> None:
    for path in ("/simulator", "/simulator/static/js/main.js", "/simulator/static/icons.svg"):
        async with carrier.http.get(carrier.url + path) as response:
            assert response.status == 200
            assert response.headers["Content-Security-Policy"].startswith("default-src 'self';")
            assert "unsafe" not in response.headers["Content-Security-Policy"]


async def test_a_slash_at_the_end_leads_to_the_page(carrier: Simulator) -> None:
    async with carrier.http.get(f"{carrier.url}/simulator/", allow_redirects=False) as response:
        assert response.headers["Location"] == "../simulator"


def flat(words: dict[str, Any], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in words.items():
        found |= (
            flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
        )
    return found


async def test_both_dictionaries_say_the_same_things() -> None:
    khmer, english = (
        flat(json.loads((WORDS / f"{code}.json").read_text())) for code in ("km", "en")
    )
    assert {key for key in english if not key.endswith("_one")} == set(khmer)
    for key, words in khmer.items():
        assert set(re.findall(r"\{\w+\}", words)) == set(re.findall(r"\{\w+\}", english[key]))


async def test_khmer_words_hold_to_the_style_guide() -> None:
    for key, words in flat(json.loads((WORDS / "km.json").read_text())).items():
        plain = re.sub(r"\{\w+\}", "", words)
        assert set(re.findall("[A-Za-z]+", plain)) <= {"Telegram", "SMS"}, key
        assert not re.search("[\u200b-\u200d\u00a0]| [។៖?!ៗ]", plain), key
        assert max(map(len, re.split(r"\s", plain))) < 40, key
