"""The migrations go up, down and up again, and make what the models say."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from sqlalchemy import make_url, text

from db import migrate
from db.engine import create_engine
from db.models import Base
from db.roles import RolesError


async def test_up_down_and_up_again(empty_database: str) -> None:
    await asyncio.to_thread(migrate.upgrade, empty_database)
    newest = await asyncio.to_thread(migrate.current, empty_database)
    await asyncio.to_thread(migrate.downgrade, empty_database)
    assert await _list_tables(empty_database) == {"alembic_version"}
    await asyncio.to_thread(migrate.upgrade, empty_database)
    assert await asyncio.to_thread(migrate.current, empty_database) == newest
    await asyncio.to_thread(migrate.check, empty_database)


async def test_two_starts_at_once_migrate_once(empty_database: str) -> None:
    await asyncio.gather(*(asyncio.to_thread(migrate.upgrade, empty_database) for _ in range(3)))
    assert await _list_tables(empty_database) >= set(Base.metadata.tables)


@pytest.fixture
async def weak_login(template: str, empty_database: str) -> AsyncIterator[str]:
    """A user who may make nothing, on a server that has the roles of another database."""
    weak = f"weak {uuid4().hex}"
    await _run(empty_database, f'CREATE ROLE "{weak}" LOGIN')
    yield weak
    await _run(empty_database, f'DROP ROLE "{weak}"')


async def test_a_login_user_who_may_not_prepare_is_told_what_is_missing_and_it_is_enough(
    weak_login: str, empty_database: str
) -> None:
    url = make_url(empty_database).set(username=weak_login).render_as_string()
    with pytest.raises(RolesError, match="administrator") as refused:
        await asyncio.to_thread(migrate.upgrade, url)
    _, *statements = str(refused.value).splitlines()
    assert [words.split()[0] for words in statements] == ["GRANT"] * 5 + ["CREATE"]
    assert not any(words.startswith("CREATE ROLE") for words in statements)

    await _run(empty_database, *statements)
    await asyncio.to_thread(migrate.upgrade, url)
    assert await _list_tables(url) >= set(Base.metadata.tables)


async def test_half_of_it_done_only_the_rest_is_asked_for(
    weak_login: str, empty_database: str
) -> None:
    await _run(
        empty_database,
        f'GRANT tralob_owner, tralob_app TO "{weak_login}"',
        "GRANT CREATE, USAGE ON SCHEMA public TO tralob_owner",
    )
    url = make_url(empty_database).set(username=weak_login).render_as_string()
    with pytest.raises(RolesError) as refused:
        await asyncio.to_thread(migrate.upgrade, url)
    assert str(refused.value).splitlines()[1:] == [
        f'GRANT tralob_safety TO "{weak_login}";',
        f'GRANT tralob_bi TO "{weak_login}";',
        "CREATE SCHEMA safety AUTHORIZATION tralob_safety;",
    ]


async def _list_tables(url: str) -> set[str]:
    engine = create_engine(url, role=None, pool_size=0)
    async with engine.connect() as connection:
        names = await connection.scalars(
            text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        )
        tables = set(names)
    await engine.dispose()
    return tables


async def _run(url: str, *statements: str) -> None:
    engine = create_engine(url, role=None, pool_size=0)
    async with engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))
    await engine.dispose()
