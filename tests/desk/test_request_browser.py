"""A request worked through in a real browser, as staff do it on a laptop and on a phone."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from playwright.async_api import Browser, Locator, Page, Route, expect
from sqlalchemy import select

from db.models import Address, File, OutboxRow, ReplyDraft
from services import files, my_data, requests, threads
from services.desk_requests import canned
from simulator.telegram.files import read_sample
from tests.desk.at_the_desk import Desk
from tests.desk.desk_pages import check_page, open_desk
from tests.desk.test_queue_page import listening
from tests.services.desk_visitors import register, visit

__all__ = ["listening"]


@asynccontextmanager
async def signed_in(
    browser: Browser, desk: Desk, *, width: int = 1280, language: str = "en"
) -> AsyncIterator[Page]:
    """The page of somebody who reads this language."""
    token = await desk.sign_in(await desk.hire("sok", "case_worker", language=language))
    async with open_desk(browser, desk, token=token, width=width) as page:
        yield page


async def _asked(desk: Desk) -> str:
    """A request with words, a number and a voice message."""
    now = desk.clock.now - timedelta(hours=2)
    async with desk.new_session.begin() as session:
        address = await register(session)
        words = "ជម្រាបសួរ ខ្ញុំទើបត្រឡប់មកពីថៃ ខ្ញុំចង់រកការងារនៅរោងចក្រកាត់ដេរ"
        request = await threads.talk(session, address, words, now=now)
        await requests.add_phone_number(session, request.code, address, "+85511222333", now=now)
        await threads.attach_file(
            session, address, "voice", "source", code=request.code, duration_s=4, now=now
        )
        file = (await session.scalars(select(File))).one()
        await files.keep(session, desk.parts.files, file.id, read_sample("voice"))
        return request.code


async def test_open_take_reply_note_done(browser: Browser, desk: Desk) -> None:
    code = await _asked(desk)
    async with signed_in(browser, desk) as page:
        await page.goto(f"{desk.url}/desk/requests/{code}")
        await page.get_by_role("button", name="Take", exact=True).click()
        await expect(page.get_by_role("status").first).to_have_text("This request is yours now.")

        words = page.get_by_label("Message to the person")
        await words.press_sequentially("We have work for you. Please come to the centre.")
        await expect(page.locator("#reply-size")).to_contain_text("Kept as a draft.")
        await expect(page.locator("#reply-size")).to_contain_text("SMS parts: 1")
        await page.reload()
        await expect(words).to_have_value("We have work for you. Please come to the centre.")
        await _lose_the_line_while_writing(page, words)
        await _send_while_the_line_is_down(page, words)
        await page.get_by_role("button", name="Send", exact=True).click()
        await page.wait_for_url("**?done=sent")
        await expect(page.locator(".line.staff .words")).to_contain_text("We have work for you.")
        await expect(page.locator(".line.staff .delivery")).to_have_text("Being sent")
        await expect(words).to_have_value("")

        await page.get_by_label("For staff only").fill("Called twice")
        await page.get_by_role("button", name="Save the note").click()
        await page.wait_for_url("**?done=note")
        await expect(page.locator(".line.note .words")).to_have_text("Called twice")

        await page.get_by_label("Outcome").select_option("helped")
        await page.get_by_role("button", name="Close", exact=True).click()
        await expect(page.get_by_role("status").first).to_contain_text("Done.")
        await expect(page.get_by_role("button", name="Reopen")).to_be_visible()
    async with desk.new_session() as session:
        assert (await session.scalars(select(ReplyDraft))).all() == []


async def _lose_the_line_while_writing(page: Page, words: Locator) -> None:
    """What cannot be kept is said, and kept when the line is back."""
    unkept, kept = page.locator("#reply-unkept"), page.locator("#reply-size")
    await page.route("**/draft", lambda route: route.abort())
    await words.press("End")
    await words.press_sequentially(" Tomorrow")
    await expect(unkept).to_be_visible()
    await expect(kept).to_be_hidden()
    await page.unroute("**/draft")
    await page.evaluate("window.dispatchEvent(new Event('online'))")
    await expect(unkept).to_be_hidden()
    await expect(kept).to_contain_text("Kept as a draft.")


async def _send_while_the_line_is_down(page: Page, words: Locator) -> None:
    """The words stay, also when the page is loaded again; an answer alone that is lost is told."""
    unsent, said = page.locator("#reply-unsent"), await words.input_value()
    await page.route(re.compile("/(draft|do/reply)$"), lambda route: route.abort())
    await words.press("End")
    await words.press_sequentially("!")
    await page.get_by_role("button", name="Send", exact=True).click()
    await expect(unsent).to_be_visible()
    await expect(unsent).to_contain_text("Not sent")
    await page.reload()
    await expect(words).to_have_value(f"{said}!")
    await page.unroute(re.compile("/(draft|do/reply)$"))


@pytest.mark.usefixtures("listening")
async def test_a_reply_whose_answer_is_lost_goes_out_once(browser: Browser, desk: Desk) -> None:
    code = await _asked(desk)
    async with signed_in(browser, desk) as page:
        await page.goto(f"{desk.url}/desk/requests/{code}")
        words = page.get_by_label("Message to the person")
        await page.route("**/do/reply", _send_and_lose_the_answer)
        await words.fill("Please come")
        await page.get_by_role("button", name="Send", exact=True).click()
        await expect(page.locator("#reply-unsent")).to_be_visible()
        await expect(words).to_have_value("Please come")
        await page.unroute("**/do/reply")
        await page.get_by_role("button", name="Send", exact=True).click()
        await page.wait_for_url("**?done=again")
        await expect(words).to_have_value("")
        assert await _kept_here(page) == []
        await _see_it_deleted(page, desk)
    async with desk.new_session() as session:
        assert (await session.scalars(select(OutboxRow))).all() == []


async def test_neither_later_letters_nor_the_pressed_button_are_forgotten(
    browser: Browser, desk: Desk
) -> None:
    code = await _asked(desk)
    async with desk.new_session.begin() as session:
        manager = await visit(session, "Boss", "centre_manager")
        await canned.add(session, manager, "Come", "Bring your papers", None, now=desk.clock.now)
    async with signed_in(browser, desk) as page:
        await page.goto(f"{desk.url}/desk/requests/{code}")
        words = page.get_by_label("Message to the person")
        await _lose_the_second_of_two_drafts(page, words)
        await page.reload()
        await expect(words).to_have_value("Come tomorrow at nine")
        await page.route("**/canned", lambda route: route.fulfill(status=409), times=1)
        await page.get_by_role("button", name="Put into the message").click()
        await page.wait_for_url("**?at=reply")
        await expect(words).to_have_value("Come tomorrow at nine\nBring your papers")
    async with desk.new_session() as session:
        assert (await session.scalars(select(OutboxRow))).all() == []


async def _lose_the_second_of_two_drafts(page: Page, words: Locator) -> None:
    """The first comes through after more was typed."""
    begun, typed = asyncio.Event(), asyncio.Event()

    async def tell(route: Route) -> None:
        if begun.is_set():
            await route.abort()
            return
        begun.set()
        await typed.wait()
        await route.continue_()

    await page.route("**/draft", tell)
    await words.fill("Come tomorrow")
    await begun.wait()
    await words.press("End")
    async with page.expect_response("**/draft"):
        await words.press_sequentially(" at nine")
        typed.set()
    await expect(page.locator("#reply-unkept")).to_be_visible()
    await page.unroute("**/draft")


async def _send_and_lose_the_answer(route: Route) -> None:
    await route.fetch(max_redirects=0)
    await route.abort()


async def _see_it_deleted(page: Page, desk: Desk) -> None:
    """The person takes everything away while somebody looks at it, and writes."""
    await page.get_by_label("For staff only").fill("to be called back")
    async with desk.new_session.begin() as session:
        address = (await session.scalars(select(Address))).one()
        await my_data.delete_everything(session, address, now=desk.clock.now)
    await expect(page.locator("main")).to_contain_text("This request was deleted")
    await expect(page.locator("main :is(form, .card)")).to_have_count(0)
    assert await _kept_here(page) == []


async def _kept_here(page: Page) -> list[str]:
    """What this window keeps of forms; htmx notes in it, too, where it is."""
    kept: list[str] = await page.evaluate(
        "Object.keys(sessionStorage).filter((one) => one.startsWith('/desk/'))"
    )
    return kept


async def test_name_and_numbers_appear_for_a_reason(browser: Browser, desk: Desk) -> None:
    code = await _asked(desk)
    async with signed_in(browser, desk) as page:
        await page.goto(f"{desk.url}/desk/requests/{code}")
        person = page.locator("#person")
        await expect(person).to_contain_text("•••678")
        await person.get_by_text("Show name and number").click()
        await person.get_by_label("Reason").select_option("other")
        await person.get_by_label("In your words").fill("to call back")
        await person.get_by_role("button", name="Show", exact=True).click()
        await expect(person.get_by_role("link", name="012 345 678")).to_be_visible()
        await page.goto(f"{desk.url}/desk/requests/{code}")
        await expect(person).to_contain_text("•••678")
        await expect(page.locator(".thread")).to_contain_text("to call back")
        await _go_on_writing_when_the_session_is_over(page, desk)


async def _go_on_writing_when_the_session_is_over(page: Page, desk: Desk) -> None:
    """The page stays, and so do the words: as they are typed, and when they are sent."""
    desk.clock.go_on(hours=13)
    await page.get_by_label("Message to the person").press_sequentially("Please come")
    sign_in = page.locator("#reply-size a[target='_blank']")
    await expect(sign_in).to_be_visible()
    await expect(page.locator("#reply-unkept")).to_be_hidden()
    await page.get_by_role("button", name="Send", exact=True).click()
    await expect(page.locator("#words")).to_have_value("Please come")
    await check_page(page)


async def test_a_voice_message_plays(browser: Browser, desk: Desk) -> None:
    code = await _asked(desk)
    async with signed_in(browser, desk) as page:
        await page.goto(f"{desk.url}/desk/requests/{code}")
        player = page.locator("audio")
        await player.evaluate("player => player.load() || player.play()")
        assert await player.evaluate("player => player.error") is None
        assert await player.evaluate("player => player.duration") > 0


@pytest.mark.parametrize("width", [1280, 360])
async def test_no_fault_that_axe_finds_and_no_sideways_scrolling(
    browser: Browser, desk: Desk, width: int
) -> None:
    code = await _asked(desk)
    await _talk_on(desk, code)
    async with signed_in(browser, desk, width=width, language="km") as page:
        await page.goto(f"{desk.url}/desk/requests/{code}")
        # A long thread shows its end, and does not hide the answer far below itself.
        await page.locator("#live").scroll_into_view_if_needed()
        await expect(page.locator(".words").last).to_be_in_viewport()
        for move in ("take", "note", "reply"):
            form = page.locator(f"form[action$='/do/{move}']")
            if move != "take":
                await form.locator("textarea").fill("សូមមកជួបយើង 012 345 678 " * 6)
            await form.get_by_role("button").first.click()
            await page.wait_for_url("**?done=*")
        for language in ("km", "en"):
            await page.locator(f"button[value={language}]:visible").click()
            await expect(page.locator("html")).to_have_attribute("lang", language)
            await page.locator("details summary").first.click()
            await check_page(page)
            assert await _small_targets(page) == []


async def _talk_on(desk: Desk, code: str) -> None:
    async with desk.new_session.begin() as session:
        request = await requests.hold(session, code)
        for number in range(40):
            body = {"text": f"សារទី {number}"}
            request.record("person_message", now=desk.clock.now, actor="person", body=body)


async def _small_targets(page: Page) -> list[str]:
    """Buttons and fields that a finger would miss."""
    small: list[str] = await page.evaluate(
        """() => [...document.querySelectorAll("main :is(button, select, textarea, summary)")]
            .filter(one => one.getBoundingClientRect().height < 44)
            .map(one => one.outerHTML.slice(0, 80))"""
    )
    return small
