"""What each job does: read its ids, open a transaction, call one service."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bot.bootstrap import App
from services import purge

log = structlog.get_logger(__name__)

Batch = Callable[[AsyncSession, datetime], Awaitable[int]]

BATCH = 100


class Work:
    """The jobs of a worker. Those of the clock are given the minute for which they run."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def purge(self, timestamp: int) -> None:  # noqa: ARG002 - the library passes it
        """Empty and delete what has been kept long enough."""
        counts = {}
        for rule in purge.RULES:
            changed = await self._in_batches(partial(_purge, rule), purge.BATCH)
            if changed:
                counts[rule] = changed
        log.info("purged", **counts)

    async def delete_files(self, names: list[str]) -> None:
        """Delete what lies in the store; what is gone already is no fault."""
        await self._app.files.delete(names)

    async def _in_batches(self, work: Batch, most: int = BATCH) -> int:
        """Repeat until a batch is not full, each in a transaction of its own; returns the sum."""
        done = 0
        while True:
            async with self._app.new_session.begin() as session:
                changed = await work(session, datetime.now(UTC))
            done += changed
            if changed < most:
                return done


async def _purge(rule: str, session: AsyncSession, now: datetime) -> int:
    return await purge.purge(session, rule, now=now)
