"""The way to the database and to Redis, for every command and every process.

What is wrong with an address or a server is one line that never holds the address: it may contain
a password.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from bot.config import Settings, SettingsError, StartError
from db.crypto import Keyring, derive_key, use_keyring
from db.engine import (
    UnsafeRoleError,
    check_role,
    create_engine,
    new_session_factory,
)

_CONNECT_TIMEOUT_S = 10


@asynccontextmanager
async def opened_engine(settings: Settings, *, pool_size: int) -> AsyncIterator[AsyncEngine]:
    """An engine that acts as the program's role, with the keys set. Raises StartError."""
    use_keyring(Keyring(settings.encryption_keys, derive_key(settings.secret_key, b"blind-index")))
    await reach_database(settings)
    engine = create_engine(settings.database_url, pool_size=pool_size)
    try:
        await _check_role(engine)
        yield engine
    finally:
        await engine.dispose()


@asynccontextmanager
async def opened_database(settings: Settings) -> AsyncIterator[async_sessionmaker[AsyncSession]]:
    """Sessions for a command that needs nothing else. Raises StartError."""
    async with opened_engine(settings, pool_size=1) as engine:
        yield new_session_factory(engine)


async def reach_database(settings: Settings) -> None:
    """Connect once, as the login user. Raises StartError; its text never holds the address."""
    try:
        engine = create_engine(settings.database_url, role=None, pool_size=0)
        async with asyncio.timeout(_CONNECT_TIMEOUT_S), engine.connect():
            pass
    except ValueError:
        raise SettingsError("DATABASE_URL is wrong: it is not a database address") from None
    except (OSError, DBAPIError) as error:
        raise StartError(
            f"the database of DATABASE_URL cannot be reached ({_reason(error)}): "
            "check the address and that the server runs"
        ) from error


async def _check_role(engine: AsyncEngine) -> None:
    try:
        await check_role(engine)
        async with engine.connect() as connection:
            prepared = await connection.scalar(select(func.to_regclass("public.inbox")))
    except UnsafeRoleError as error:
        raise StartError(f"DATABASE_URL is refused: {error}") from error
    except DBAPIError as error:
        raise StartError(
            f"the database is not prepared ({_reason(error)}): run python -m bot release"
        ) from error
    if prepared is None:
        raise StartError("the database is empty: run python -m bot release")


async def reach_redis(settings: Settings) -> None:
    """Ask Redis once. Raises StartError; its text never holds the address."""
    try:
        async with asyncio.timeout(_CONNECT_TIMEOUT_S), Redis.from_url(settings.redis_url) as redis:
            await redis.ping()
    except ValueError:
        raise SettingsError("REDIS_URL is wrong: it is not an address of a Redis") from None
    except (OSError, RedisError) as error:
        raise StartError(
            f"the Redis of REDIS_URL cannot be reached ({_reason(error)}): "
            "check the address and that the server runs"
        ) from error


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {_CONNECT_TIMEOUT_S} s"
    lines = str(getattr(error, "orig", error)).splitlines()
    return lines[0] if lines else type(error).__name__
