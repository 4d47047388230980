"""The types by which the edges reach the database, without knowing the libraries behind it."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from asyncpg import Connection
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

NewSession = async_sessionmaker[AsyncSession]
"""`async with new_session.begin() as session`: what must hold together."""
Connect = Callable[[], AbstractAsyncContextManager[Connection]]
"""`async with connect() as connection`: one statement that commits by itself."""
