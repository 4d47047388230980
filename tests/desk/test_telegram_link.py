"""Staff link their own Telegram at the desk, see that it is linked, try it and end it."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import select, text, update

from db.models import Address, ChatLink, StaffChat
from locales.catalogue import load_catalogue
from services import addresses
from services.staff_cards import linking
from tests.desk.at_the_desk import Answer, Browser, Desk, Worker, served_desk
from tests.support import Database

_START = re.compile(r"https://t\.me/tralob_bot\?start=(staff-[A-Za-z0-9_-]{43})")
_CODE = re.compile(r'class="secret" lang="en">([0-9 ]+)<')
_SINCE = re.compile(r'hx-get="([^"]+)"')
_ACCOUNT = "/desk/account"


def words(key: str, **values: object) -> str:
    return load_catalogue().text(key, "km", **values)


@pytest.fixture
async def desk(db: Database, redis_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async def name() -> str | None:
        return "tralob_bot"

    async with served_desk(db, redis_url, tmp_path, find_bot_name=name) as it:
        yield it


@asynccontextmanager
async def _somebody(desk: Desk, role: str = "case_worker") -> AsyncIterator[tuple[Worker, Browser]]:
    worker = await desk.hire("theary", role)
    token = await desk.sign_in(worker)
    async with desk.browser() as browser:
        browser.use(token)
        yield worker, browser


def _found(pattern: re.Pattern[str], answer: Answer) -> str:
    found = pattern.search(answer.body)
    assert found is not None, answer.body
    return found[1]


async def _say(desk: Desk, said: str, chat: str = "500") -> object:
    async with desk.new_session.begin() as session:
        address = await addresses.get_or_create(session, "telegram", chat, now=desk.clock.now)
        return await linking.link(session, address, said, now=desk.clock.now)


async def _link(desk: Desk, browser: Browser) -> None:
    shown = await browser.post(f"{_ACCOUNT}/telegram")
    assert isinstance(await _say(desk, _found(_START, shown)), linking.Linked)


async def _jobs(desk: Desk) -> list[str]:
    query = text(
        "SELECT task_name FROM procrastinate_jobs WHERE task_name IN"
        " ('send_test_card', 'tell_unlinked') ORDER BY id"
    )
    async with desk.new_session() as session:
        return list(await session.scalars(query))


async def test_the_link_and_the_number_are_shown_once_and_either_links(desk: Desk) -> None:
    async with _somebody(desk) as (worker, browser):
        assert words("desk-telegram-link") in (await browser.get(_ACCOUNT)).body
        shown = await browser.post(f"{_ACCOUNT}/telegram")
        start, code = _found(_START, shown), _found(_CODE, shown)
        assert shown.headers["Cache-Control"] == "no-store"
        assert "<svg" in shown.body
        account = await browser.get(_ACCOUNT)
        assert start not in account.body
        assert isinstance(await _say(desk, code.replace(" ", "")), linking.Linked)
        account = await browser.get(_ACCOUNT)
        for key in ("desk-telegram-test", "desk-telegram-unlink", "desk-telegram-relink"):
            assert words(key) in account.body
    async with desk.new_session() as session:
        assert (await session.scalars(select(StaffChat.staff_id))).all() == [worker.staff_id]


async def test_the_open_page_sees_that_it_is_linked(desk: Desk) -> None:
    async with _somebody(desk) as (_, browser):
        shown = await browser.post(f"{_ACCOUNT}/telegram")
        state = _found(_SINCE, shown).replace("&#39;", "'")
        asks = {"headers": {"HX-Request": "true"}}
        waits = await browser.get(state, **asks)
        assert words("desk-telegram-waiting") in waits.body
        assert _found(_SINCE, waits) == _found(_SINCE, shown)
        await _say(desk, _found(_START, shown))
        linked = await browser.get(state, **asks)
        assert (linked.status, linked.headers["HX-Redirect"]) == (204, f"{_ACCOUNT}?done=linked")
        account = await browser.get(f"{_ACCOUNT}?done=linked")
        assert words("desk-account-done-linked") in account.body


async def test_the_open_page_asks_no_more_when_the_link_is_over(desk: Desk) -> None:
    async with _somebody(desk) as (_, browser):
        state = _found(_SINCE, await browser.post(f"{_ACCOUNT}/telegram"))
        desk.clock.go_on(minutes=10)
        over = await browser.get(state, headers={"HX-Request": "true"})
        assert words("desk-telegram-over") in over.body
        assert "hx-get" not in over.body


async def test_without_scripts_the_state_is_a_page(desk: Desk) -> None:
    async with _somebody(desk) as (_, browser):
        state = _found(_SINCE, await browser.post(f"{_ACCOUNT}/telegram"))
        assert (await browser.get(state)).to == _ACCOUNT


@pytest.mark.parametrize("since", ["", "yesterday", "0001-01-01T00:00:00+14:00"])
async def test_a_forged_moment_is_refused(desk: Desk, since: str) -> None:
    async with _somebody(desk) as (_, browser):
        asked = await browser.get(f"{_ACCOUNT}/telegram/state?since={quote(since)}")
        assert asked.status == 400


async def test_a_test_card_is_promised_once(desk: Desk) -> None:
    async with _somebody(desk) as (_, browser):
        await _link(desk, browser)
        for _ in range(2):
            sent = await browser.post(f"{_ACCOUNT}/telegram/test")
            assert sent.to == f"{_ACCOUNT}?done=test_card"
        assert words("desk-account-done-test_card") in (await browser.get(sent.to)).body
    assert await _jobs(desk) == ["send_test_card"]


async def test_unlinked_it_is_unlinked_and_the_chat_is_told_once(desk: Desk) -> None:
    async with _somebody(desk) as (_, browser):
        await _link(desk, browser)
        for _ in range(2):
            ended = await browser.post(f"{_ACCOUNT}/telegram/end")
            assert ended.to == f"{_ACCOUNT}?done=unlinked"
        account = await browser.get(ended.to)
        assert words("desk-account-done-unlinked") in account.body
        assert words("desk-telegram-relink") not in account.body
    assert await _jobs(desk) == ["tell_unlinked"]


async def test_a_chat_that_blocked_us_is_said_to_be_so(desk: Desk) -> None:
    async with _somebody(desk) as (_, browser):
        await _link(desk, browser)
        async with desk.new_session.begin() as session:
            await session.execute(update(Address).values(blocked_at=desk.clock.now))
        assert words("desk-telegram-unreachable") in (await browser.get(_ACCOUNT)).body


async def test_an_auditor_sees_nothing_of_it(desk: Desk) -> None:
    async with desk.at_work("rith", "auditor") as browser:
        assert words("desk-telegram-title") not in (await browser.get(_ACCOUNT)).body
        assert (await browser.post(f"{_ACCOUNT}/telegram")).status == 403


async def test_a_form_sent_twice_leaves_one_link_that_works(desk: Desk) -> None:
    async with _somebody(desk) as (_, browser):
        first = await browser.post(f"{_ACCOUNT}/telegram")
        second = await browser.post(f"{_ACCOUNT}/telegram")
        assert await _say(desk, _found(_START, first)) == linking.NotLinked("over")
        assert isinstance(await _say(desk, _found(_START, second)), linking.Linked)
    async with desk.new_session() as session:
        assert len((await session.scalars(select(ChatLink))).all()) == 2


@pytest.mark.parametrize(("is_demo", "said"), [(False, "code"), (True, "demo")])
async def test_without_a_name_of_the_bot_the_number_is_enough(
    db: Database, redis_url: str, tmp_path: Path, is_demo: bool, said: str
) -> None:
    async with (
        served_desk(db, redis_url, tmp_path, is_demo=is_demo) as desk,
        _somebody(desk) as (_, browser),
    ):
        shown = await browser.post(f"{_ACCOUNT}/telegram")
        assert words(f"desk-telegram-{said}") in shown.body
        assert "t.me" not in shown.body
        assert isinstance(await _say(desk, _found(_CODE, shown).replace(" ", "")), linking.Linked)


async def test_who_wants_so_is_told_of_what_is_urgent_at_any_hour(desk: Desk) -> None:
    async with _somebody(desk) as (_, browser):
        hours = f"{_ACCOUNT}/telegram/hours"
        assert (await browser.post(hours, {"at_any_hour": "yes"})).to == _ACCOUNT
        await _link(desk, browser)
        assert 'value="yes" checked' not in (await browser.get(_ACCOUNT)).body
        kept = await browser.post(hours, {"at_any_hour": "yes"})
        assert words("desk-account-done-hours") in (await browser.get(kept.to)).body
        assert 'value="yes" checked' in (await browser.get(_ACCOUNT)).body
        await browser.post(hours)
        assert 'value="yes" checked' not in (await browser.get(_ACCOUNT)).body
