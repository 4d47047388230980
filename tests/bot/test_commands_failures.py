"""The commands for what was given up: what they list, and what they try again."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from bot.commands import failures
from bot.config import Settings
from db.models import File, Request
from services import jobs, outbox
from tests.bot.at_the_terminal import WORDS, refusal


async def test_what_failed_is_listed_and_tried_again(
    settings: Settings, db: Any, request_: Request
) -> None:
    assert await failures.failed_table(settings) == "Nothing has failed."
    async with db.new_session.begin() as session:
        message = await outbox.enqueue(
            session,
            address_id=request_.address_id,
            channel="telegram",
            text=WORDS,
            purpose="reply",
        )
        job = await jobs.defer(session, jobs.DELETE_FILES, names=[])
        await session.execute(text("UPDATE outbox SET state = 'failed', error_code = 'bad'"))
        for status in ("doing", "failed"):
            await session.execute(text(f"UPDATE procrastinate_jobs SET status = '{status}'"))
        update = await session.scalar(
            text(
                "INSERT INTO inbox"
                " (channel, provider_id, address_key, payload, failed_at, error_id)"
                " VALUES ('sms', 'p', 'k', 'x', now(), 'abcd') RETURNING id"
            )
        )
    shown = await failures.failed_table(settings)
    rows = [line.split()[:3] for line in shown.splitlines()[1:]]
    assert rows == [
        ["inbox", str(update), "sms"],
        ["outbox", str(message), "telegram"],
        ["job", str(job), "delete_files"],
    ]
    assert WORDS not in shown
    for name, row_id in (("inbox", update), ("outbox", message), ("job", job)):
        assert await failures.retry(settings, name, [str(row_id), "999"]) == (
            "1 will be tried again. Not among those that can be: 999."
        )
    assert await failures.failed_table(settings) == "Nothing has failed."


async def test_failures_of_a_job_of_the_clock_are_one_line(settings: Settings, db: Any) -> None:
    async with db.new_session.begin() as session:
        for minute in range(3):
            job = await jobs.defer(session, "climb", timestamp=minute)
            for status in ("doing", "failed"):
                change = f"UPDATE procrastinate_jobs SET status = '{status}' WHERE id = {job}"
                await session.execute(text(change))
    _, line = (await failures.failed_table(settings)).splitlines()
    assert line.startswith(f"job    {job}")
    assert "climb (3 times)" in line


async def test_messages_that_may_have_arrived_are_shown_and_never_sent_again(
    settings: Settings, db: Any, request_: Request
) -> None:
    async with db.new_session.begin() as session:
        message = await outbox.enqueue(
            session, address_id=request_.address_id, channel="sms", text="x", purpose="reply"
        )
        await session.execute(text("UPDATE outbox SET state = 'uncertain'"))
    assert "may have arrived" in await failures.failed_table(settings)
    assert (await failures.retry(settings, "outbox", [str(message)])).startswith("0 will be tried")


@pytest.mark.parametrize("state", ["undelivered", "unreachable", "withheld"])
async def test_answers_that_never_arrived_are_shown_and_news_is_not(
    settings: Settings, db: Any, request_: Request, state: str
) -> None:
    async with db.new_session.begin() as session:
        for purpose in ("follow_up", "news"):
            await outbox.enqueue(
                session, address_id=request_.address_id, channel="sms", text="x", purpose=purpose
            )
        await session.execute(text(f"UPDATE outbox SET state = '{state}', error_code = 'why'"))
    _, line = (await failures.failed_table(settings)).splitlines()
    assert line.startswith("never arrived")
    assert "sms follow up" in line
    assert line.endswith(f"{state}: why")


async def test_lost_files_are_listed_with_their_request_and_tried_again(
    settings: Settings, db: Any, request_: Request
) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=1)
    async with db.new_session.begin() as session:
        session.add(
            File(
                request_id=request_.id,
                centre_id=request_.centre_id,
                address_id=request_.address_id,
                kind="voice",
                state="lost",
                reason="gone",
                source="what the carrier calls it",
                created_at=long_ago,
            )
        )
    _, line = (await failures.failed_table(settings)).splitlines()
    assert f"voice of {request_.code}" in line
    assert line.endswith("gone")
    queue_, file_id = line.split()[:2]
    assert "not ids of file" in await refusal(failures.retry(settings, queue_, ["1"]))
    assert await failures.retry(settings, queue_, [file_id]) == "1 will be tried again."
    assert await failures.failed_table(settings) == "Nothing has failed."
