"""Advisory locks that must not wait for one another."""

import asyncio

from db import migrate
from db.locks import Lock
from services.direct import own_connection
from tests.support import Database


def test_each_lock_has_a_number_of_its_own() -> None:
    assert len(set(Lock)) == len(Lock.__members__) == 3


async def test_a_release_does_not_wait_for_who_asks_telegram(db: Database) -> None:
    async with own_connection(db.engine) as polling:
        await polling.execute("SELECT pg_advisory_lock($1)", Lock.POLLING)
        async with asyncio.timeout(20):
            await asyncio.to_thread(migrate.upgrade, db.url)
