"""Builds everything once, by hand, into one frozen App: here alone real things are chosen."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from redis.asyncio import Redis
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from bot.config import Settings, SettingsError, StartError
from bot.database import opened_engine, reach_redis
from db.crypto import Keyring, current_keyring
from db.engine import create_engine, new_session_factory
from services import installation
from services.file_store import FileStore, FileStoreAddressError

REDIS_TIMEOUT_S = 5.0
_DESK_POOL = 8


@dataclass(frozen=True)
class App:
    """What every process shares. It imports neither aiogram nor any conversation."""

    settings: Settings
    keyring: Keyring
    engine: AsyncEngine
    new_session: async_sessionmaker[AsyncSession]
    redis: Redis
    files: FileStore


@asynccontextmanager
async def open_app(settings: Settings, *, pool_size: int = 8) -> AsyncIterator[App]:
    """Everything connected and checked, closed again at the end. Raises StartError."""
    await reach_redis(settings)
    async with opened_engine(settings, pool_size=pool_size) as engine:
        redis = Redis.from_url(
            settings.redis_url,
            socket_timeout=REDIS_TIMEOUT_S,
            socket_connect_timeout=REDIS_TIMEOUT_S,
        )
        new_session = new_session_factory(engine)
        try:
            async with new_session() as session:
                files = await open_files(session, settings)
            yield App(settings, current_keyring(), engine, new_session, redis, files)
        finally:
            await redis.aclose()


async def open_files(session: AsyncSession, settings: Settings) -> FileStore:
    """The store of this installation's files. Raises StartError."""
    try:
        own = await installation.get_id(session)
    except DBAPIError as error:
        raise StartError("the database is not prepared: run python -m bot release") from error
    try:
        return FileStore(settings.files_url, current_keyring(), own)
    except FileStoreAddressError as error:
        raise SettingsError(f"FILES_URL is wrong: {error}") from None


def create_desk_engine(app: App) -> AsyncEngine:
    """The desk's own connections, which see no centre's rows until somebody acts in them."""
    address = app.engine.url.render_as_string(hide_password=False)
    return create_engine(address, centre=None, application_name="tralob desk", pool_size=_DESK_POOL)
