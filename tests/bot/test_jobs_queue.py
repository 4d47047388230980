"""Which jobs there are, how they reach the database, and what those of the clock do."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from procrastinate.testing import InMemoryConnector
from served_app import make_app
from sqlalchemy import text

from bot.bootstrap import App
from bot.jobs.connector import libpq_address
from bot.jobs.queue import build_queue
from bot.jobs.work import Work
from bot.standing_key import standing_key
from db.models import Address, Request
from services import addresses, demo, jobs, my_data, threads

LONG = timedelta(days=30)


@pytest.fixture
async def app(db: Any, redis_url: str) -> AsyncIterator[App]:
    async with make_app(db.engine, redis_url, database_url=db.url) as made:
        yield made


@pytest.fixture
def work(app: App) -> Work:
    """Without carriers and words: the clock's jobs need neither."""
    return Work(app, None, None, None)  # type: ignore[arg-type]


@pytest.fixture
async def request_(app: App) -> Request:
    """Somebody wrote a month ago, and nobody has answered."""
    long_ago = datetime.now(UTC) - LONG
    async with app.new_session.begin() as session:
        await demo.load(session, now=long_ago)
        address = await addresses.get_or_create(session, "telegram", "4242424242", now=long_ago)
        return await threads.talk(session, address, "hello", now=long_ago)


async def now_is(app: App, request: Request) -> Request:
    async with app.new_session() as session:
        return await session.get_one(Request, request.id)


def test_every_job_that_can_be_promised_is_known(work: Work) -> None:
    queue = build_queue(InMemoryConnector(), work)
    promised = {jobs.FETCH_FILE, jobs.DELETE_FILES, jobs.EXPORT_MY_DATA, jobs.GIVE_WORDS}
    promised |= {jobs.SEND_TEST_CARD, jobs.TELL_UNLINKED}
    promised |= {jobs.SHOW_CARDS, jobs.SHOW_CARD_MESSAGE}
    assert promised <= set(queue.tasks)
    assert all(queue.tasks[name].retry_strategy for name in promised)
    # The clock does the same within a minute.
    assert queue.tasks[jobs.SEND_CARDS].retry_strategy is None


def test_of_a_job_of_the_clock_one_runs_and_one_waits_at_most(work: Work) -> None:
    queue = build_queue(InMemoryConnector(), work)
    clock = {name for name, _ in queue.periodic_registry.periodic_tasks}
    assert clock == {
        "climb",
        "staff_cards",
        "note_undelivered",
        "reopen_unanswered",
        "forget_addresses",
        "purge",
    }
    for name in clock:
        task = queue.tasks[name]
        assert (task.lock, task.queueing_lock, task.retry_strategy) == (name, name, None)


async def test_the_library_connects_as_everybody_else(db: Any) -> None:
    async with await psycopg.AsyncConnection.connect(libpq_address(db.url)) as connection:
        asked = await connection.execute(
            "SELECT current_user, current_setting('tralob.centre'), current_setting('TimeZone')"
        )
        assert await asked.fetchone() == ("tralob_app", "all", "UTC")


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("postgresql+asyncpg://u:p%40ss@db:5433/x?ssl=require", "sslmode=require"),
        ("postgres://u:p%40ss@db:5433/x?sslmode=verify-full&command_timeout=5", "verify-full"),
    ],
)
def test_an_address_for_the_other_driver_is_understood(address: str, kept: str) -> None:
    written = libpq_address(address)
    assert kept in written
    parts = psycopg.conninfo.conninfo_to_dict(written)
    assert (parts["password"], parts["port"], parts["dbname"]) == ("p@ss", "5433", "x")


async def test_what_is_overdue_climbs(app: App, work: Work, request_: Request) -> None:
    await work.climb()
    assert (await now_is(app, request_)).climbed_to == "manager"


async def test_who_never_answered_gets_an_open_request_again(
    app: App, work: Work, request_: Request
) -> None:
    async with app.new_session.begin() as session:
        held = await session.get_one(Request, request_.id)
        one = await demo.get_staff(session, request_.centre_id)
        long_ago = datetime.now(UTC) - LONG
        held.finish("helped", by=one.id, now=long_ago, answer_by=long_ago + timedelta(days=7))
    await work.reopen_unanswered()
    assert (await now_is(app, request_)).state == "reopened"


async def test_a_forgotten_address_leaves_nothing_in_redis_either(
    app: App, work: Work, request_: Request
) -> None:
    async with app.new_session.begin() as session:
        address = await session.get_one(Address, request_.address_id)
        key = standing_key(app.keyring, address.value_index)
        await app.redis.set(key, b"where they stand")
        await my_data.delete_everything(session, address, now=datetime.now(UTC) - LONG)
    await work.forget_addresses()
    async with app.new_session() as session:
        query = text("SELECT count(*) FROM address WHERE NOT is_demo AND id = :id")
        assert await session.scalar(query, {"id": request_.address_id}) == 0
    assert await app.redis.get(key) is None
