"""A terminal of the centre: its database, and somebody who wrote to it just now."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from served_app import make_settings

from bot.config import Settings
from db.models import Request
from services import addresses, demo
from services import threads as service
from tests.bot.at_the_terminal import WORDS


@pytest.fixture
def settings(db: Any, tmp_path: Path) -> Settings:
    return make_settings(database_url=db.url, files_url=tmp_path.as_uri(), simulator=True)


@pytest.fixture
async def request_(db: Any) -> Request:
    """Somebody wrote to the centre just now; the invented staff are there."""
    now = datetime.now(UTC)
    async with db.new_session.begin() as session:
        await demo.load(session, now=now)
        address = await addresses.get_or_create(session, "telegram", "4242424242", now=now)
        request: Request = await service.talk(session, address, WORDS, now=now)
        return request


@pytest.fixture
def code(request_: Request) -> str:
    return request_.code
