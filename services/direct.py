"""The driver's own connection, for the paths that every message takes.

A message costs one statement to store, one to claim and one to finish. Through a session each of
them would be BEGIN, statement, COMMIT and the compiling of SQL that never changes. The pool, its
role and its settings stay the engine's.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from asyncpg import Connection, InterfaceError, PostgresError
from sqlalchemy import PoolProxiedConnection
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

# What a connection or a statement raises when the database is away, slow or unwilling. A raw
# connection that is refused raises the dialect's own error, which SQLAlchemy does not wrap.
DATABASE_ERRORS = (
    OSError,
    TimeoutError,
    PostgresError,
    InterfaceError,
    AsyncAdapt_asyncpg_dbapi.Error,
    SQLAlchemyError,
)


async def _checkout(engine: AsyncEngine) -> PoolProxiedConnection:
    """Take a living connection; those that a restart of the server closed are thrown away."""
    while True:
        pooled = await engine.raw_connection()
        connection = pooled.driver_connection
        if connection is not None and not connection.is_closed():
            return pooled
        pooled.invalidate()


@asynccontextmanager
async def direct_connection(engine: AsyncEngine) -> AsyncIterator[Connection]:
    """Lend a driver connection of the engine's pool; each statement on it commits by itself."""
    pooled = await _checkout(engine)
    connection: Connection = pooled.driver_connection
    try:
        yield connection
    finally:
        if connection.is_closed():
            pooled.invalidate()
        pooled.close()


@asynccontextmanager
async def own_connection(engine: AsyncEngine) -> AsyncIterator[Connection]:
    """Take one connection out of the pool for as long as the block runs, and close it afterwards.

    For what lives with the connection: LISTEN and session-level locks, which must never return to
    the pool with it.
    """
    pooled = await _checkout(engine)
    connection: Connection = pooled.driver_connection
    pooled.detach()
    try:
        yield connection
    finally:
        connection.terminate()
