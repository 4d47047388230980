"""Who one can be at the desk, told to the page of the phones; and never on a line with people."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from bot.config import TRAINING_PATH
from bot.run import commands
from bot.web import create_web
from db.models import STAFF_ROLES
from services import demo_staff
from tests.desk.test_desk_training import training_settings
from tests.served_app import make_app, served


@pytest.mark.parametrize(("language", "role"), [("km", "អ្នកទទួលបន្ទុក"), ("en", "Case worker")])
async def test_the_staff_for_training_are_told_with_their_codes(
    db: Any, redis_url: str, language: str, role: str
) -> None:
    async with db.new_session.begin() as session:
        await demo_staff.load(session, now=datetime.now(UTC))
    async with make_app(db.engine, redis_url) as app:
        training = replace(app, settings=training_settings(database_url=db.url))
        async with (
            served(create_web(training)) as url,
            aiohttp.ClientSession() as client,
            client.get(f"{url}{TRAINING_PATH}?language={language}") as answer,
        ):
            assert answer.headers["Cache-Control"] == "no-store"
            said = await answer.json()
    assert said["link"]["address"] == "/desk/"
    assert said["rows"][0]["value"] == demo_staff.PASSWORD
    assert len(said["rows"]) == 1 + len(STAFF_ROLES)
    assert said["rows"][1]["label"] == role
    assert said["rows"][1]["value"].startswith("demo-case-worker · ")


async def test_a_line_that_reaches_people_tells_nothing(db: Any, redis_url: str) -> None:
    async with (
        make_app(db.engine, redis_url, simulator=True) as app,
        served(create_web(app)) as url,
        aiohttp.ClientSession() as client,
        client.get(url + TRAINING_PATH) as answer,
    ):
        assert answer.status == 404


def test_the_page_of_the_phones_is_told_where_only_for_training() -> None:
    option = f"--beside={TRAINING_PATH}"
    assert option in commands(training_settings())["simulator"]
    other = training_settings(telegram_bot_token="123456:real")
    assert option not in commands(other)["simulator"]
