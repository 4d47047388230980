from collections.abc import AsyncIterator

import pytest

from tests.people import Line, open_line
from tests.served_app import make_app
from tests.support import Database


@pytest.fixture
async def line(db: Database, redis_url: str) -> AsyncIterator[Line]:
    async with make_app(db.engine, redis_url, database_url=db.url) as app:
        yield open_line(app)
