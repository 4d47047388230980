import pytest

from bot.config import StartError
from bot.database import opened_database
from tests.served_app import make_settings
from tests.support import Database


async def test_a_database_without_tables_says_what_to_do(empty_database: str, db: Database) -> None:
    """The roles are there, since they belong to the server; the tables are not."""
    with pytest.raises(StartError, match="run python -m bot release"):
        async with opened_database(make_settings(database_url=empty_database)):
            raise AssertionError("opened")
    async with opened_database(make_settings(database_url=db.url)) as new_session:
        assert new_session
