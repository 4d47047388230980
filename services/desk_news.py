"""Tells open pages of the desk that something of their centre has changed, and nothing else.

The database says so (the trigger of the requests), whichever process changed it; the notice names a
centre and holds nothing of anybody. What has changed, each page asks for itself, as its visitor.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from asyncpg import Connection
from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from db.models import DeskSession, Request, Staff
from services.accounts.types import Visitor
from services.direct import own_connection

CHANNEL: Final = "desk"  # of LISTEN and NOTIFY


class News:
    """What one process hears, for all the pages that it serves."""

    def __init__(self) -> None:
        self._watchers: dict[asyncio.Event, str | None] = {}

    async def listen(self, engine: AsyncEngine) -> None:
        """Hear until the connection ends; to be run again then. Raises a database error."""
        async with own_connection(engine) as connection:
            ended = asyncio.Event()
            connection.add_termination_listener(lambda _: ended.set())
            await connection.add_listener(CHANNEL, self._on_notice)
            # Nobody knows what happened while nobody listened.
            self._wake(None)
            await ended.wait()

    @contextlib.contextmanager
    def watch(self, centre: str | None) -> Iterator[asyncio.Event]:
        """An event that is set when something of the centre (None: of any) may have changed."""
        changed = asyncio.Event()
        self._watchers[changed] = centre
        try:
            yield changed
        finally:
            del self._watchers[changed]

    def _on_notice(
        self, _connection: Connection, _pid: int, _channel: str, payload: object
    ) -> None:
        self._wake(str(payload))

    def _wake(self, centre: str | None) -> None:
        for changed, watched in self._watchers.items():
            if None in (centre, watched) or centre == watched:
                changed.set()


async def tell_deleted(session: AsyncSession, which: ColumnElement[bool]) -> None:
    """These requests are about to be deleted: no trigger says so, and their pages may lie open."""
    centres = select(Request.centre_id).where(which).distinct().subquery()
    await session.execute(select(func.pg_notify(CHANNEL, centres.c.centre_id)))


async def is_signed_in(session: AsyncSession, visitor: Visitor, *, now: datetime) -> bool:
    """Whether the visitor's session still stands. Asking is no sign of life: nobody is there."""
    query = exists().where(
        DeskSession.id == visitor.session_id,
        DeskSession.ended_at.is_(None),
        DeskSession.expires_at > now,
        Staff.id == DeskSession.staff_id,
        Staff.ended_at.is_(None),
    )
    return bool(await session.scalar(select(query)))
