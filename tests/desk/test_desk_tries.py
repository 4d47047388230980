"""Passwords from one address: so many a minute, then a word instead of an answer."""

from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from desk.tries import MOST_OF_ALL_A_MINUTE
from services.accounts.tries import MOST_A_MINUTE, count_try
from tests.desk.at_the_desk import Browser, Desk, served_desk
from tests.support import Database

OVER = "/desk/invitation/invented"


async def try_often(browser: Browser, times: int) -> list[int]:
    """With an invented link: that is answered without any work."""
    token = await browser.form_token()
    return [
        (await browser.ask("POST", OVER, data={"form-token": token})).status for _ in range(times)
    ]


async def test_after_so_many_tries_a_minute_the_address_must_wait(desk: Desk) -> None:
    await desk.hire("sok", "case_worker")
    desk.clock.go_on(seconds=15)
    async with desk.browser() as browser:
        assert set(await try_often(browser, MOST_A_MINUTE)) == {410}
        form = {"username": "sok", "password": "wrong password"}
        refused = await browser.post("/desk/sign-in", form)
        assert (refused.status, refused.headers["Retry-After"]) == (429, "45")
        assert "សូមរង់ចាំមួយនាទី" in refused.body
        assert 'value="sok"' in refused.body
        (over,) = await try_often(browser, 1)
        assert over == 429
        assert (await browser.get("/desk/sign-in")).status == 200
        desk.clock.go_on(seconds=45)
        assert (await browser.post("/desk/sign-in", form)).status == 422


async def test_one_address_shuts_the_door_to_nobody_else(desk: Desk) -> None:
    async with desk.browser() as browser:
        tries = await try_often(browser, MOST_OF_ALL_A_MINUTE + 1)
        assert tries.count(410) == MOST_A_MINUTE
        await desk.parts.redis.flushdb()  # as if from another address
        assert await try_often(browser, 1) == [410]


async def test_without_redis_people_still_sign_in(db: Database, tmp_path: Path) -> None:
    async with served_desk(db, "redis://127.0.0.1:1/0", tmp_path) as desk:
        worker = await desk.hire("sok", "case_worker")
        async with desk.browser() as browser:
            form = {"username": "sok", "password": "wrong password"}
            assert (await browser.post("/desk/sign-in", form)).status == 422
            assert set(await try_often(browser, MOST_A_MINUTE)) == {410}
            browser.use(await desk.sign_in(worker))
            assert (await browser.get("/desk/account")).status == 200


@pytest.mark.parametrize(
    ("one", "other", "count"),
    [
        ("192.0.2.1", "192.0.2.1", 2),
        ("192.0.2.1", "192.0.2.2", 1),
        ("2001:db8::1", "2001:db8::2:1", 2),
        ("2001:db8::1", "2001:db8:0:1::1", 1),
        ("::ffff:192.0.2.1", "192.0.2.1", 2),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", 1),
        ("", "unknown", 1),
    ],
)
async def test_who_counts_as_one_address(
    redis_url: str, now: Any, one: str, other: str, count: int
) -> None:
    async with Redis.from_url(redis_url) as redis:
        assert await count_try(redis, one, now=now) == 1
        assert await count_try(redis, other, now=now) == count
        keys = await redis.keys("*")
        assert not any(one.encode() in key for key in keys if one)
