"""Open pages hear that something of their centre has changed, from whichever process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from db.engine import create_engine
from services import requests, threads
from services.desk_news import News
from tests.services.centre_at_work import FRIDAY, hire, write_from
from tests.support import Database


@pytest.fixture
async def news(db: Database) -> AsyncIterator[News]:
    heard = News()
    with heard.watch(None) as began:
        listening = asyncio.ensure_future(heard.listen(db.engine))
        await began.wait()
    yield heard
    listening.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await listening


async def _open(db: Database, centre: str) -> str:
    async with db.new_session.begin() as session:
        address = await write_from(session, centre)
        request = await requests.open_request(
            session, address, "talk", centre_id=centre, now=FRIDAY
        )
        return request.code


async def test_a_new_request_is_heard_at_its_centre_and_by_who_watches_all(
    db: Database, news: News
) -> None:
    with (
        news.watch("pursat") as here,
        news.watch("preah-vihear") as there,
        news.watch(None) as anywhere,
    ):
        await _open(db, "pursat")
        async with asyncio.timeout(30):
            await here.wait()
            await anywhere.wait()
        assert not there.is_set()


async def test_what_is_handed_over_is_heard_at_both_centres(db: Database, news: News) -> None:
    code = await _open(db, "pursat")
    async with db.new_session.begin() as session:
        staff = await hire(session)
    with news.watch("pursat") as here, news.watch("preah-vihear") as there:
        async with db.new_session.begin() as session:
            await threads.hand_over(session, code, "preah-vihear", staff=staff, now=FRIDAY)
        async with asyncio.timeout(30):
            await there.wait()
            await here.wait()


async def test_the_notice_says_nothing_but_the_centre(db: Database) -> None:
    said: asyncio.Queue[str] = asyncio.Queue()
    async with db.engine.connect() as connection:
        raw = await connection.get_raw_connection()
        assert raw.driver_connection is not None
        await raw.driver_connection.add_listener("desk", lambda *notice: said.put_nowait(notice[3]))
        await _open(db, "pursat")
        async with asyncio.timeout(30):
            assert await said.get() == "pursat"


async def test_when_the_connection_is_lost_whoever_listens_begins_again(
    db: Database, news: News
) -> None:
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"

    with news.watch("pursat") as changed:
        listening = asyncio.ensure_future(news.listen(db.engine))
        async with asyncio.timeout(30):
            await changed.wait()
            superuser = create_engine(db.url, role=None, pool_size=0)
            async with superuser.connect() as connection:
                await connection.execute(text(end))
            await superuser.dispose()
            await listening
