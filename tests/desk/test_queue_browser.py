"""The list of requests in a real browser: whole in both languages, and still while it is read."""

import pytest
from playwright.async_api import Browser, Page, expect
from sqlalchemy import select

from db.models import Request, Staff
from services import codes, threads
from tests.desk.at_the_desk import Desk
from tests.desk.desk_pages import check_page, open_desk
from tests.desk.test_queue_page import listening, open_request
from tests.services.desk_visitors import register

__all__ = ["listening"]


async def _prepare(desk: Desk, role: str = "case_worker") -> str:
    """Requests of every urgency, one of somebody registered; the token of who looks."""
    async with desk.new_session.begin() as session:
        await register(session)
    for number, urgency in enumerate(("urgent", "normal", "low")):
        await open_request(desk, str(number), urgency=urgency)
    return await desk.sign_in(await desk.hire("sokha", role))


async def _top_of_first_line(page: Page) -> float:
    box = await page.locator(".queue tbody tr").first.bounding_box()
    assert box is not None
    return box["y"]


@pytest.mark.parametrize("role", ["case_worker", "administrator"])
@pytest.mark.parametrize("width", [1280, 360])
async def test_the_list_is_whole(browser: Browser, desk: Desk, role: str, width: int) -> None:
    token = await _prepare(desk, role)
    async with open_desk(browser, desk, token=token, width=width) as page:
        for language in ("km", "en"):
            await page.goto(f"{desk.url}/desk/queue?tab=all")
            await page.locator(f"button[value={language}]:visible").click()
            for where in ("tab=all", "tab=mine", "tab=all&topic=talk", "tab=all&where=samraong"):
                await page.goto(f"{desk.url}/desk/queue?{where}")
                await check_page(page)
            await page.goto(f"{desk.url}/desk/queue?tab=done")
            tabs = page.locator(".tabs a")
            tops = await tabs.evaluate_all("all => all.map((one) => one.offsetTop)")
            assert len(set(tops)) == 1
            await expect(page.locator(".tabs [aria-current]")).to_be_in_viewport(ratio=0.9)


@pytest.mark.usefixtures("listening")
@pytest.mark.parametrize("width", [1280, 360])
async def test_what_comes_in_or_changes_is_told_and_moves_nothing(
    browser: Browser, desk: Desk, width: int
) -> None:
    token = await _prepare(desk)
    dara = await desk.hire("dara", "case_worker")
    async with open_desk(browser, desk, token=token, width=width) as page:
        await page.goto(f"{desk.url}/desk/queue?tab=all")
        before = await _top_of_first_line(page)
        desk.clock.go_on(seconds=5)
        code = await open_request(desk, "42", urgency="urgent")
        notice = page.locator(".news-text:not(:empty)")
        await notice.wait_for()
        assert "1" in await notice.inner_text()
        assert "បន្ទាន់" in await notice.inner_text()
        await expect(page.locator('.tabs [sse-swap="tab-all"]')).to_have_text("5")
        assert await _top_of_first_line(page) == before
        assert await page.locator(".queue tbody tr").count() == 4
        tall = await page.locator(".queue").bounding_box()
        async with desk.new_session.begin() as session:
            taken = await session.scalar(select(Request.code).where(Request.urgency == "low"))
            person = await session.get_one(Staff, dara.staff_id)
            await threads.take(session, taken or "", staff=person, now=desk.clock.now)
        row = page.locator(".queue tbody tr").filter(has=page.locator(f'[value="{taken}"]'))
        await expect(row.get_by_text("ឥឡូវ Dara ទទួលបន្ទុក")).to_be_visible()
        async with desk.new_session.begin() as session:
            person = await session.get_one(Staff, dara.staff_id)
            code_ = taken or ""
            await threads.set_urgency(session, code_, "urgent", staff=person, now=desk.clock.now)
        await expect(row.locator(".changed .urgent")).to_be_visible()
        await expect(row.locator(".urgency")).to_be_hidden()  # it says what is so no more
        await expect(row.locator(f'[sse-swap="due-{taken}"]')).to_contain_text("ត្រូវឆ្លើយមុន")
        assert await page.locator(".queue").bounding_box() == tall
        desk.clock.go_on(seconds=5)
        async with desk.new_session.begin() as session:
            person = await session.get_one(Staff, dara.staff_id)
            await threads.hand_over(
                session, taken or "", "preah-vihear", staff=person, now=desk.clock.now
            )
        gone = page.locator(".queue tbody tr").filter(has_text="លែងនៅទីនេះហើយ")
        await expect(gone.get_by_text(codes.display(taken or ""), exact=True).first).to_be_visible()
        await expect(gone.get_by_role("link")).to_have_count(0)
        await expect(gone.get_by_role("checkbox")).to_have_count(0)
        await check_page(page)
        await page.locator(".news a").click()
        await page.locator(f'.queue a[href$="{code}"]').wait_for()


async def test_many_are_chosen_and_closed_with_the_keyboard(browser: Browser, desk: Desk) -> None:
    token = await _prepare(desk)
    async with open_desk(browser, desk, token=token) as page:
        await page.goto(f"{desk.url}/desk/queue?tab=all")
        everything = page.locator("#pick-all input")
        await everything.press("Space")
        await expect(page.locator(".pick input:checked")).to_have_count(4)
        for box in (await page.locator(".pick input").all())[2:]:
            await box.press("Space")
        await expect(page.locator("#pick-all input:indeterminate")).to_be_visible()
        await page.locator("#outcome").select_option("informed")
        await page.locator("button[formaction]").press("Enter")
        await expect(page.get_by_role("heading", name="បញ្ចប់សំណើច្រើន")).to_be_visible()
        await check_page(page)
        for box in await page.locator(".closing input").all():
            await box.press("Space")  # nobody has answered them yet
        await page.get_by_role("button", name="បញ្ចប់សំណើដែលបានជ្រើសរើស").press("Enter")
        await expect(page.locator(".queue tbody tr")).to_have_count(2)
        await check_page(page)
        await page.get_by_role("button", name="បើកវិញ (2)").press("Enter")
        await expect(page.locator(".queue tbody tr")).to_have_count(4)
