import pytest
from sqlalchemy import func, select, text

from db.engine import DatabaseAddressError, normalise_url
from db.models import CentreArea, Place
from tests.support import Database


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("postgres://u:p@h:5433/d", "postgresql+asyncpg://u:p@h:5433/d"),
        ("postgresql://u@h/d?sslmode=require", "postgresql+asyncpg://u@h/d?ssl=require"),
        ("postgresql://u@/d?host=/run/pg", "postgresql+asyncpg://u@/d?host=/run/pg"),
        ("postgresql://u@h/d?channel_binding=prefer", "postgresql+asyncpg://u@h/d"),
    ],
)
def test_addresses_as_people_write_them_are_understood(given: str, used: str) -> None:
    assert normalise_url(given).render_as_string(hide_password=False).replace("%2F", "/") == used


@pytest.mark.parametrize("given", ["", "tralob", "mysql://root:secret@h/d", "sqlite:///x"])
def test_other_addresses_are_refused_without_being_shown(given: str) -> None:
    with pytest.raises(DatabaseAddressError) as caught:
        normalise_url(given)
    assert "secret" not in str(caught.value)


async def test_a_transaction_session_commits_all_or_nothing(db: Database) -> None:
    with pytest.raises(RuntimeError):
        async with db.new_session.begin() as session:
            await session.execute(text("DELETE FROM centre_area"))
            raise RuntimeError
    async with db.new_session() as other:
        assert await other.scalar(select(func.count()).select_from(CentreArea)) == 3


async def test_objects_stay_readable_after_the_transaction(db: Database) -> None:
    async with db.new_session.begin() as session:
        place = await session.get_one(Place, "22")
    assert place.name_en == "Oddar Meanchey"
