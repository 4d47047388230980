"""The type by which the edges open transactions, without knowing the library behind it."""

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

NewSession = async_sessionmaker[AsyncSession]
