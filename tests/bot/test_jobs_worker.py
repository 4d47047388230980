"""The worker of the jobs: does each once, and survives what a night may bring."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import pytest
from served_app import make_app, until
from sqlalchemy import text
from structlog.testing import capture_logs

from bot.bootstrap import App
from bot.jobs import stalled, worker
from bot.jobs.worker import JobWorker
from bot.message_words import CatalogueWords
from bot.supervision import Tasks
from bot.worker import keep_working, telegram_limits
from db.engine import create_engine
from services import jobs
from services.file_store import FileMissing
from tests.support import INSTALLATION

_GONE = "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 minute')"
_LEFT = (
    "UPDATE procrastinate_jobs SET status = 'doing', attempts = :attempts,"
    " worker_id = (SELECT max(id) FROM procrastinate_workers)"
)
_END_CONNECTIONS = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = 'tralob-jobs'"
)


@pytest.fixture
async def app(db: Any, redis_url: str) -> AsyncIterator[App]:
    async with make_app(db.engine, redis_url, database_url=db.url) as made:
        yield made


@contextlib.asynccontextmanager
async def working(app: App) -> AsyncIterator[None]:
    tasks, stopping = Tasks(), asyncio.Event()
    job_worker = JobWorker(app, CatalogueWords(), telegram_limits(app))
    work = tasks.start(keep_working(app.engine, job_worker.run, stopping), name="worker")
    try:
        yield
        stopping.set()
        await asyncio.wait_for(asyncio.shield(work), 10)
    finally:
        await tasks.cancel()


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (stalled, worker):
        monkeypatch.setattr(module, "_LOOK_EVERY_S", 0.05)


async def states(app: App) -> list[str]:
    """Of the jobs of the test, not of those that the clock brings."""
    query = text("SELECT status::text FROM procrastinate_jobs WHERE task_name = 'delete_files'")
    async with app.new_session() as session:
        return list(await session.scalars(query))


async def promise(app: App, *names: str) -> None:
    async with app.new_session.begin() as session:
        await jobs.defer(session, jobs.DELETE_FILES, names=list(names))


def any_name() -> str:
    return f"{INSTALLATION.hex}/{uuid4().hex}"


async def execute(app: App, statement: str, **values: Any) -> None:
    async with app.new_session.begin() as session:
        await session.execute(text(statement), values)


async def end_connections(app: App) -> None:
    engine = create_engine(app.settings.database_url, role=None, pool_size=0)
    async with engine.begin() as connection:
        assert await connection.scalar(text(_END_CONNECTIONS)) >= 2
    await engine.dispose()


def all_done(app: App) -> Callable[[], Any]:
    async def done() -> bool:
        return await states(app) == []

    return done


async def test_a_promised_job_is_done_at_once(app: App) -> None:
    name = await app.files.put(b"bytes")
    async with working(app):
        await promise(app, name)
        await until(all_done(app), 10)
    with pytest.raises(FileMissing):
        await app.files.get(name)


async def test_what_a_killed_worker_left_is_taken_up(app: App, fast: None) -> None:
    await promise(app, any_name())
    await execute(app, _GONE)
    await execute(app, _LEFT, attempts=0)
    with capture_logs() as logs:
        async with working(app):
            await until(all_done(app), 10)
    assert [line["job"] for line in logs if line["event"] == "job_taken_up"] == ["delete_files"]


async def test_a_job_that_kills_its_workers_is_given_up(app: App, fast: None) -> None:
    await promise(app, any_name())
    await execute(app, _GONE)
    await execute(app, _LEFT, attempts=4)

    async def given_up() -> bool:
        return await states(app) == ["failed"]

    async with working(app):
        await until(given_up, 10)


async def test_a_job_whose_end_was_not_written_down_is_taken_up(app: App, fast: None) -> None:
    """Its worker lives, so that nobody else would."""
    async with working(app):

        async def registered() -> bool:
            async with app.new_session() as session:
                return bool(await session.scalar(text("SELECT max(id) FROM procrastinate_workers")))

        await until(registered, 10)
        async with app.new_session.begin() as session:
            await jobs.defer(session, jobs.DELETE_FILES, names=[any_name()])
            await session.execute(text(_LEFT), {"attempts": 0})
        await until(all_done(app), 10)


async def test_lost_connections_are_an_interruption_and_no_end(app: App) -> None:
    async with working(app):
        await promise(app, any_name())
        await until(all_done(app), 10)
        await end_connections(app)
        await promise(app, any_name())
        await until(all_done(app), 20)


async def test_two_workers_do_each_job_once(app: App) -> None:
    with capture_logs() as logs:
        async with working(app), working(app):
            for _ in range(20):
                await promise(app, any_name())
            await until(all_done(app), 10)
    assert not [line for line in logs if line["event"] in ("job_failed", "job_taken_up")]
