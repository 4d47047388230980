"""Staff for training: a way in for everybody, and only while no message can reach anybody real."""

import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import Browser, expect
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot import release
from bot.config import SIMULATOR_BOT_TOKEN, Settings, load_settings
from db.models import STAFF_ROLES, Staff
from services import accounts, demo_staff, purge, staff
from services.accounts.sessions import open_session
from services.errors import WrongSignIn
from tests.desk.at_the_desk import Desk, served_desk
from tests.desk.desk_pages import check_page, open_desk
from tests.served_app import make_settings
from tests.support import Database

SIMULATOR = "http://127.0.0.1:8001"
MADE_UP = "AC" + "0" * 32


@pytest.fixture
async def training_desk(db: Database, redis_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with served_desk(db, redis_url, tmp_path, is_demo=True) as desk:
        yield desk


async def sign_in(desk: Desk, username: str) -> tuple[int, str]:
    async with desk.browser() as browser:
        form = {"username": username, "password": demo_staff.PASSWORD}
        answer = await browser.post("/desk/sign-in", form)
        return answer.status, answer.to


async def load(desk: Desk) -> None:
    async with desk.new_session.begin() as session:
        assert await demo_staff.load(session, now=desk.clock.now)


@pytest.mark.parametrize("language", ["km", "en"])
@pytest.mark.parametrize("width", [1280, 360])
async def test_what_the_door_shows_lets_somebody_in(
    browser: Browser, training_desk: Desk, language: str, width: int
) -> None:
    desk = training_desk
    async with open_desk(browser, desk, language=language, width=width) as page:
        await load(desk)
        await page.goto(f"{desk.url}/desk/")
        await expect(page.locator(".training li")).to_have_count(len(STAFF_ROLES))
        await check_page(page)
        await page.fill("#username", "demo-auditor")
        await page.fill("#password", demo_staff.PASSWORD)
        await page.locator(".primary").click()
        await page.wait_for_url("**/code")
        await check_page(page)
        await page.fill("#code", await page.locator(".training strong").inner_text())
        await page.locator(".primary").click()
        await expect(page.locator(".desk")).to_be_visible()


async def test_elsewhere_the_door_shows_nothing_and_lets_nobody_in(desk: Desk) -> None:
    await load(desk)
    async with desk.browser() as browser:
        shown = (await browser.get("/desk/sign-in")).body
    assert "demo-" not in shown
    assert demo_staff.PASSWORD not in shown
    for role in STAFF_ROLES:
        assert await sign_in(desk, demo_staff.username_of(role).upper()) == (422, "")


async def test_who_trained_is_nobody_once_messages_reach_people(desk: Desk) -> None:
    await load(desk)
    now = desk.clock.now
    async with desk.new_session.begin() as session:
        person = await staff.get_by_name(session, "Demo (administrator)")
        invitation = await accounts.invite(session, person, "demo-administrator", by=None, now=now)
        _, token = await open_session(session, person.id, device="", is_confirmed=True, now=now)
    async with desk.browser() as browser:
        browser.use(token)
        assert (await browser.get("/desk/account")).to == "/desk/sign-in?next=/desk/account"
        both = {"password": "mango tree by the river", "again": "mango tree by the river"}
        answer = await browser.post(f"/desk/invitation/{invitation}", both)
        assert (answer.to, dict(answer.cookies)) == ("/desk/sign-in", {})


async def test_whom_they_let_in_goes_with_them(session: AsyncSession, now: Any) -> None:
    await demo_staff.load(session, now=now)
    trainer = await staff.get_by_name(session, "Demo (administrator)")
    by: UUID | None = trainer.id
    for name in ("Sok", "Dara"):
        person = await staff.add(session, name, "administrator", None, now=now)
        await accounts.invite(session, person, name.lower(), by=by, now=now)
        by = person.id
    await accounts.invite(
        session,
        await staff.add(session, "Chan", "administrator", None, now=now),
        "chan",
        by=None,
        now=now,
    )
    assert await demo_staff.end(session, now=now)
    assert [person.name for person in await staff.list_staff(session)] == ["Chan"]
    assert not await demo_staff.end(session, now=now)


async def test_whom_they_let_in_long_ago_goes_with_them_too(
    session: AsyncSession, now: datetime
) -> None:
    await demo_staff.load(session, now=now)
    trainer = await staff.get_by_name(session, "Demo (administrator)")
    person = await staff.add(session, "Sok", "case_worker", "pursat", now=now)
    await accounts.invite(session, person, "sok", by=trainer.id, now=now)
    later = now + timedelta(days=100)
    assert await purge.purge(session, "invitations", now=later)
    await demo_staff.end(session, now=later)
    assert not await staff.list_staff(session)


async def test_whose_role_they_changed_goes_with_them(session: AsyncSession, now: datetime) -> None:
    await demo_staff.load(session, now=now)
    trainer = await staff.get_by_name(session, "Demo (administrator)")
    person = await staff.add(session, "Sok", "case_worker", "pursat", now=now)
    await staff.change_role(session, person, "administrator", None, by=trainer.id, now=now)
    await demo_staff.end(session, now=now)
    assert not await staff.list_staff(session)


async def test_a_code_that_was_used_is_followed_by_the_next(
    db: Database, redis_url: str, tmp_path: Path
) -> None:
    async with served_desk(db, redis_url, tmp_path, is_demo=True) as desk:
        await load(desk)
        for _ in range(2):
            async with desk.browser() as browser:
                form = {"username": "demo-auditor", "password": demo_staff.PASSWORD}
                await browser.post("/desk/sign-in", form)
                found = re.search(
                    r'class="training">[^<]+<strong[^>]*>(\d{6})<',
                    (await browser.get("/desk/code")).body,
                )
                assert found is not None
                answer = await browser.post("/desk/code", {"code": found.group(1)})
                assert answer.to == "/desk/"
            desk.clock.go_on(seconds=30)


async def test_they_are_made_once_ended_and_let_in_again(session: AsyncSession, now: Any) -> None:
    assert await demo_staff.load(session, now=now)
    assert not await demo_staff.load(session, now=now)
    assert await demo_staff.end(session, now=now)
    assert not await demo_staff.end(session, now=now)
    assert await demo_staff.list_ways_in(session, now=now) == []
    with pytest.raises(WrongSignIn):
        await accounts.sign_in(session, "demo-auditor", demo_staff.PASSWORD, device="", now=now)
    assert await demo_staff.load(session, now=now)
    assert len(await demo_staff.list_ways_in(session, now=now)) == len(STAFF_ROLES)


async def test_a_line_that_reaches_people_ends_them(db: Database) -> None:
    async with db.new_session() as session:
        query = select(Staff.role).where(Staff.ended_at.is_(None))
        await release._load(training_settings(database_url=db.url))
        assert set(await session.scalars(query)) == set(STAFF_ROLES)
        await release._load(training_settings(database_url=db.url, simulator=False))
        assert "administrator" not in set(await session.scalars(query))


def training_settings(**changed: Any) -> Settings:
    """What somebody has who only tries the line out."""
    from bot.config import _derive

    values = {
        "simulator": True,
        "embedded_postgres": True,
        "telegram_bot_token": SIMULATOR_BOT_TOKEN,
        "telegram_api_url": SIMULATOR,
        "twilio_api_url": SIMULATOR,
        "twilio_account_sid": f"AC{_derive('secret of the tests', 'simulator account')}",
    }
    return make_settings(**(values | changed))


def test_both_carriers_must_be_the_simulator() -> None:
    assert training_settings().is_training
    for name, value in {
        "simulator": False,
        "telegram_bot_token": "123456:real",
        "telegram_api_url": "https://api.telegram.org",
        "twilio_api_url": "https://api.twilio.com",
        "twilio_account_sid": MADE_UP,
    }.items():
        assert not training_settings(**{name: value}).is_training


def test_settings_of_a_newcomer_are_for_training_until_a_carrier_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "var"))
    for name in ("TELEGRAM_BOT_TOKEN", "TWILIO_ACCOUNT_SID", "SIMULATOR"):
        monkeypatch.delenv(name, raising=False)
    assert load_settings().is_training
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", MADE_UP)
    assert not load_settings().is_training
    monkeypatch.delenv("TWILIO_ACCOUNT_SID")
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "123456:real")
    assert not load_settings().is_training
