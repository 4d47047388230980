"""A person with Telegram on the phones page, in a real browser."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Browser, Page, expect

from tests.simulator.phones_page import (
    TOKEN,
    Simulator,
    new_config,
    running,
    telegram,
    visit,
)


@pytest.fixture
async def simulator(tmp_path: Path) -> AsyncIterator[Simulator]:
    async with running(new_config(tmp_path)) as it:
        yield it


@pytest.fixture
async def page(browser: Browser, simulator: Simulator) -> AsyncIterator[Page]:
    async with visit(browser, simulator) as it:
        yield it


async def start(page: Page, simulator: Simulator) -> int:
    """Press Start; returns the chat's id."""
    await telegram(page).locator(".gate .primary").click()
    message = await simulator.next_update("message")
    assert message["text"] == "/start"
    await expect(telegram(page).locator("textarea")).to_be_visible()
    chat: int = message["chat"]["id"]
    return chat


def keyboard(*rows: list[tuple[str, str]]) -> dict[str, Any]:
    return {
        "inline_keyboard": [
            [{"text": text, "callback_data": data} for text, data in row] for row in rows
        ]
    }


async def test_before_start_nothing_can_be_written(page: Page) -> None:
    await expect(telegram(page).locator("textarea")).to_be_hidden()
    await expect(telegram(page).locator(".gate .primary")).to_be_visible()


async def test_start_from_a_link_carries_its_code(page: Page, simulator: Simulator) -> None:
    await telegram(page).locator(".gate .quiet").click()
    await page.locator("dialog input").fill("fair-12")
    await page.locator("dialog .primary").click()
    message = await simulator.next_update("message")
    assert message["text"] == "/start fair-12"


async def test_a_text_goes_out_and_the_answer_comes_in(page: Page, simulator: Simulator) -> None:
    chat = await start(page, simulator)
    box = telegram(page).locator("textarea")
    await box.fill("សួស្ដី")
    await box.press("Enter")
    assert (await simulator.next_update("message"))["text"] == "សួស្ដី"
    await expect(box).to_have_value("")
    await simulator.bot(
        "sendMessage", chat_id=chat, text="<b>សួស្ដីបង។</b> សូមជ្រើសរើស។", parse_mode="HTML"
    )
    bubble = telegram(page).locator(".message.bot .text")
    await expect(bubble).to_have_text("សួស្ដីបង។ សូមជ្រើសរើស។")
    await expect(bubble.locator("strong")).to_have_text("សួស្ដីបង។")
    await expect(page.locator("#live")).to_contain_text("សូមជ្រើសរើស។")


async def test_a_press_is_answered_by_a_passing_note_or_an_alert(
    page: Page, simulator: Simulator
) -> None:
    chat = await start(page, simulator)
    markup = keyboard([("ស្រី", "f"), ("ប្រុស", "m")])
    await simulator.bot("sendMessage", chat_id=chat, text="ភេទ", reply_markup=markup)
    key = telegram(page).locator(".key", has_text="ស្រី")
    await key.click()
    query = await simulator.next_update("callback_query")
    assert query["data"] == "f"
    await expect(key).to_have_attribute("aria-busy", "true")
    await simulator.bot("answerCallbackQuery", callback_query_id=query["id"], text="ទទួលបានហើយ")
    await expect(telegram(page).locator(".toast")).to_have_text("ទទួលបានហើយ")
    await expect(key).not_to_have_attribute("aria-busy", "true")
    await key.click()
    query = await simulator.next_update("callback_query")
    await simulator.bot(
        "answerCallbackQuery", callback_query_id=query["id"], text="សូមអានសិន។", show_alert=True
    )
    await expect(page.locator("dialog")).to_contain_text("សូមអានសិន។")


async def test_edits_and_deletions_happen_in_place(page: Page, simulator: Simulator) -> None:
    chat = await start(page, simulator)
    ids = [
        (await simulator.bot("sendMessage", chat_id=chat, text=f"សារទី {n} " + "ក" * 60))[
            "message_id"
        ]
        for n in range(14)
    ]
    phone = telegram(page)
    await expect(phone.locator(".message.bot")).to_have_count(14)
    log = phone.locator(".chat")
    await log.evaluate("log => { log.scrollTop = 300; }")
    neighbour = phone.locator(".message.bot").nth(5)
    await neighbour.evaluate("node => { node.untouched = true; }")
    before = await neighbour.bounding_box()
    await simulator.bot("editMessageText", chat_id=chat, message_id=ids[6], text="កែហើយ")
    await simulator.bot("deleteMessage", chat_id=chat, message_id=ids[12])
    await expect(phone.locator(".message.bot").nth(6).locator(".text")).to_have_text("កែហើយ")
    await expect(phone.locator(".message.bot")).to_have_count(13)
    assert await neighbour.evaluate("node => node.untouched === true")
    assert await neighbour.bounding_box() == before


async def test_a_person_edits_and_deletes_their_own_message(
    page: Page, simulator: Simulator
) -> None:
    await start(page, simulator)
    phone = telegram(page)
    await phone.locator("textarea").fill("អាយុ 23")
    await phone.locator("textarea").press("Enter")
    message = phone.locator(".message.person", has_text="អាយុ")
    await message.locator(".opener").click()
    await message.locator(".small").first.click()
    await phone.locator("textarea").fill("អាយុ 32")
    await phone.locator("textarea").press("Enter")
    await expect(message.locator(".text")).to_have_text("អាយុ 32")
    assert (await simulator.next_update("edited_message"))["text"] == "អាយុ 32"
    await message.locator(".opener").click()
    await message.locator(".small").nth(1).click()
    await expect(phone.locator(".message.person")).to_have_count(1)


async def test_everything_can_be_attached(page: Page, simulator: Simulator) -> None:
    await start(page, simulator)
    phone = telegram(page)

    async def attach(n: int) -> None:
        await phone.locator(".composer .icon-button").first.click()
        await phone.locator(".sheet button").nth(n).click()

    await attach(0)
    await page.locator("dialog .primary").click()
    own = await simulator.next_update("message")
    assert own["contact"]["user_id"] == own["from"]["id"]
    await attach(1)
    await page.locator("dialog input[name=first_name]").fill("បូរ៉ា")
    await page.locator("dialog input[name=phone_number]").fill("+66812345678")
    await page.locator("dialog .primary").click()
    assert (await simulator.next_update("message"))["contact"]["phone_number"] == "+66812345678"
    await attach(2)
    await page.locator("dialog .primary").click()
    assert "location" in await simulator.next_update("message")
    for n, kind in ((3, "photo"), (4, "voice"), (5, "document")):
        await attach(n)
        await page.locator("dialog .primary").click()
        assert kind in await simulator.next_update("message")
    await expect(phone.locator(".message .photo")).to_have_js_property("complete", True)
    assert await phone.locator(".message .photo").evaluate("image => image.naturalWidth > 0")
    await expect(phone.locator(".message audio")).to_have_count(1)


async def test_a_file_of_ones_own_can_be_sent(page: Page, simulator: Simulator) -> None:
    await start(page, simulator)
    await telegram(page).locator(".composer .icon-button").first.click()
    await telegram(page).locator(".sheet button").nth(5).click()
    await page.locator("dialog input[type=file]").set_input_files(
        {"name": "letter.txt", "mimeType": "text/plain", "buffer": b"hello"}
    )
    message = await simulator.next_update("message")
    assert message["document"]["file_name"] == "letter.txt"
    await expect(telegram(page).locator(".card a")).to_have_text("letter.txt")


async def test_a_document_of_the_bot_can_be_taken_off_the_phone(
    page: Page, simulator: Simulator
) -> None:
    chat = await start(page, simulator)
    form = aiohttp.FormData({"chat_id": str(chat), "caption": "ទិន្នន័យរបស់បង"})
    form.add_field("document", "<p>ទិន្នន័យ</p>".encode(), filename="mrc.html")
    async with simulator.http.post(f"{simulator.url}/bot{TOKEN}/sendDocument", data=form) as sent:
        assert sent.status == 200
    link = telegram(page).locator(".card a")
    await expect(link).to_have_text("mrc.html")
    async with page.expect_download() as download:
        await link.click()
    file = await download.value
    assert file.suggested_filename == "mrc.html"
    assert (await asyncio.to_thread(Path.read_bytes, await file.path())).decode() == (
        "<p>ទិន្នន័យ</p>"
    )


async def test_reply_keyboard_shares_the_number_after_asking(
    page: Page, simulator: Simulator
) -> None:
    chat = await start(page, simulator)
    button = {"text": "ផ្ញើលេខទូរសព្ទ", "request_contact": True}
    await simulator.bot(
        "sendMessage", chat_id=chat, text="លេខ?", reply_markup={"keyboard": [[button]]}
    )
    await telegram(page).locator(".reply-keyboard .key").click()
    await expect(page.locator("dialog")).to_contain_text("012 345")
    await page.locator("dialog .primary").click()
    assert "contact" in await simulator.next_update("message")
    await simulator.bot(
        "sendMessage", chat_id=chat, text="អរគុណ", reply_markup={"remove_keyboard": True}
    )
    await expect(telegram(page).locator(".reply-keyboard")).to_be_hidden()


async def test_commands_are_offered_by_the_menu_and_by_a_slash(
    page: Page, simulator: Simulator
) -> None:
    await start(page, simulator)
    await simulator.bot(
        "setMyCommands",
        commands=[
            {"command": "menu", "description": "ម៉ឺនុយដើម"},
            {"command": "stop", "description": "ឈប់ទទួលសារ"},
        ],
    )
    phone = telegram(page)
    await phone.locator(".menu-button").click()
    await expect(phone.locator(".sheet button")).to_have_count(2)
    await phone.locator("textarea").fill("/st")
    await expect(phone.locator(".sheet button")).to_have_count(1)
    await phone.locator(".sheet button").click()
    assert (await simulator.next_update("message"))["text"] == "/stop"


async def test_a_blocked_bot_is_told_and_can_be_let_in_again(
    page: Page, simulator: Simulator
) -> None:
    await start(page, simulator)
    phone = telegram(page)
    await phone.locator(".chat-head .menu button").first.click()
    await phone.locator(".chat-head .menu-list button").nth(1).click()
    change = await simulator.next_update("my_chat_member")
    assert change["new_chat_member"]["status"] == "kicked"
    await expect(phone.locator("textarea")).to_be_hidden()
    await phone.locator(".gate .primary").click()
    await expect(phone.locator("textarea")).to_be_visible()


async def test_nothing_written_becomes_a_script_or_a_dangerous_link(
    page: Page, simulator: Simulator
) -> None:
    chat = await start(page, simulator)
    text = "<img src=x onerror=alert(1)> ចុច"
    entity = {"type": "text_link", "offset": 29, "length": 3, "url": "javascript:alert(1)"}
    await simulator.bot("sendMessage", chat_id=chat, text=text, entities=[entity])
    bubble = telegram(page).locator(".message.bot .text")
    await expect(bubble).to_have_text(text)
    await expect(bubble.locator("img, a[href^=javascript]")).to_have_count(0)


async def test_the_keyboard_alone_is_enough(page: Page, simulator: Simulator) -> None:
    phone = telegram(page)
    await phone.locator(".gate .primary").focus()
    await page.keyboard.press("Enter")
    chat = (await simulator.next_update("message"))["chat"]["id"]
    await expect(phone.locator("textarea")).to_be_focused()
    await page.keyboard.type("menu")
    await page.keyboard.press("Enter")
    assert (await simulator.next_update("message"))["text"] == "menu"
    sent = await simulator.bot(
        "sendMessage", chat_id=chat, text="1", reply_markup=keyboard([("ស្រី", "f"), ("ប្រុស", "m")])
    )
    await expect(phone.locator(".key")).to_have_count(2)
    for _ in range(12):
        await page.keyboard.press("Shift+Tab")
        if await phone.locator(".key").last.evaluate("key => key === document.activeElement"):
            break
    await page.keyboard.press("Enter")
    query = await simulator.next_update("callback_query")
    assert query["data"] == "m"
    await simulator.bot(
        "editMessageText",
        chat_id=chat,
        message_id=sent["message_id"],
        text="2",
        reply_markup=keyboard([("រំលង", "s")]),
    )
    await expect(phone.locator(".key", has_text="រំលង")).to_be_focused()
