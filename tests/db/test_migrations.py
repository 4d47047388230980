"""The migrations go up, down and up again, and make what the models say."""

import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import make_url, text

from db import migrate
from db.engine import create_engine
from db.models import Base
from db.roles import DBA_SQL, RolesError


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


async def test_a_login_user_who_may_not_make_roles_is_told_what_a_dba_must_run(
    empty_database: str,
) -> None:
    weak = f"weak_{uuid4().hex}"
    await _run(empty_database, f"CREATE ROLE {weak} LOGIN")
    url = make_url(empty_database).set(username=weak).render_as_string()
    with pytest.raises(RolesError, match=r"GRANT .*tralob_app.* TO <login user>"):
        await asyncio.to_thread(migrate.upgrade, url)
    await _run(empty_database, f"DROP ROLE {weak}")


async def test_what_the_dba_is_told_to_run_is_enough(template: str, empty_database: str) -> None:
    weak = f"weak_{uuid4().hex}"
    await _run(empty_database, f"CREATE ROLE {weak} LOGIN")
    for statement in DBA_SQL.replace("<login user>", weak).splitlines():
        if not statement.startswith("CREATE ROLE"):  # the template's migration made them
            await _run(empty_database, statement)
    url = make_url(empty_database).set(username=weak).render_as_string()
    await asyncio.to_thread(migrate.upgrade, url)
    assert await _list_tables(url) >= set(Base.metadata.tables)
    await _run(empty_database, f"DROP ROLE {weak}")


async def _list_tables(url: str) -> set[str]:
    engine = create_engine(url, role=None, pool_size=0)
    async with engine.connect() as connection:
        names = await connection.scalars(
            text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        )
        tables = set(names)
    await engine.dispose()
    return tables


async def _run(url: str, statement: str) -> None:
    engine = create_engine(url, role=None, pool_size=0)
    async with engine.begin() as connection:
        await connection.execute(text(statement))
    await engine.dispose()
