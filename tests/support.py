"""What tests name besides their fixtures: databases of their own on the run's server."""

import contextlib
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from asyncpg import Connection
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker

from db.engine import create_engine
from services import drafts

INSTALLATION = UUID("3f0c6f3e-8d52-4a6e-9a86-1d6f6c7f5a01")


@dataclass(frozen=True)
class Database:
    """A database of one test: its address, and an engine that acts as the app's role."""

    url: str
    engine: AsyncEngine
    new_session: async_sessionmaker[AsyncSession]


async def driver_of(session: AsyncSession) -> Connection:
    """The driver's connection under a session, within its transaction."""
    connection = await session.connection()
    await session.execute(text("SELECT 1"))  # the transaction begins with a statement
    driver: Connection = (await connection.get_raw_connection()).driver_connection
    return driver


async def waits_for_lock(session: AsyncSession, count: int = 1) -> bool:
    """Whether so many in this database wait for what somebody else holds.

    PostgreSQL shows a transaction its first look at the activity again, unless that is cleared.
    """
    await session.execute(text("SELECT pg_stat_clear_snapshot()"))
    query = text(
        "SELECT count(DISTINCT pid) FROM pg_locks JOIN pg_stat_activity USING (pid)"
        " WHERE NOT granted AND datname = current_database()"
    )
    waiting: int = await session.scalar(query)
    return waiting >= count


async def save_draft(session: AsyncSession, address_id: int, form: str, answers: Any) -> None:
    """The answers of a form, as if they had been given."""
    await drafts.save_answers(await driver_of(session), address_id, form, answers)


@contextlib.asynccontextmanager
async def connect_to_server(postgres_url: str) -> AsyncIterator[AsyncConnection]:
    """A connection for making and dropping databases."""
    engine = create_engine(
        postgres_url, role=None, centre=None, pool_size=0, isolation_level="AUTOCOMMIT"
    )
    try:
        async with engine.connect() as connection:
            yield connection
    finally:
        await engine.dispose()


def database_url(postgres_url: str, name: str) -> str:
    """The address of another database of the same server."""
    return make_url(postgres_url).set(database=name).render_as_string(hide_password=False)


@contextlib.asynccontextmanager
async def temporary_database(postgres_url: str, template: str = "template1") -> AsyncIterator[str]:
    """The address of a new database, copied from a template; dropped afterwards."""
    name = f"test_{uuid.uuid4().hex}"
    async with connect_to_server(postgres_url) as server:
        # Without durability copying files is twice as quick as writing them to the log first.
        made = f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy"
        await server.execute(text(made))
    try:
        yield database_url(postgres_url, name)
    finally:
        async with connect_to_server(postgres_url) as server:
            await server.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
