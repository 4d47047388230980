"""A desk of the test's own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.desk.at_the_desk import Desk, served_desk
from tests.support import Database


@pytest.fixture
async def desk(db: Database, redis_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with served_desk(db, redis_url, tmp_path) as it:
        yield it
