"""Takes up again what a worker left in the middle: it was killed, or could not write the end down.

The library marks such jobs, and leaves it to its user to do something about them. Until then the
lock of such a job holds back all others of its kind.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import structlog
from procrastinate import App, JobContext
from procrastinate.exceptions import ConnectorException, UniqueViolation
from procrastinate.jobs import Job, Status
from procrastinate.worker import Worker

from bot.jobs.work import MAX_TRIES

log = structlog.get_logger(__name__)

HEARTBEAT_S = 5.0
STALLED_AFTER_S = 30.0
_LOOK_EVERY_S = 10.0


class Stalled:
    """Looks after the jobs of workers that are gone, and after those that its own has forgotten."""

    def __init__(self, queue: App) -> None:
        self._queue = queue
        self._running: set[int] = set()
        self._suspects: set[int] = set()

    async def watch(
        self, call_next: Callable[[], Awaitable[Any]], context: JobContext, _worker: Worker
    ) -> Any:
        """The worker's middleware: knows which jobs run here, and tells of those that fail."""
        job = context.job
        assert job.id is not None
        self._running.add(job.id)
        try:
            return await call_next()
        except Exception:
            log.exception("job_failed", job=job.task_name, job_id=job.id, tries=job.attempts + 1)
            raise
        finally:
            self._running.discard(job.id)

    async def run(self, worker: Worker) -> None:
        """Look every few seconds, for ever. Without the database there is nothing to take up."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            with contextlib.suppress(ConnectorException):
                await self.look(worker.worker_id)

    async def look(self, worker_id: int | None) -> None:
        """Take up what nobody works on any more. Raises ConnectorException."""
        manager = self._queue.job_manager
        for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER_S):
            await self._take_up(job)
        if worker_id is None:
            return
        mine = await manager.list_jobs_async(worker_id=worker_id, status=Status.DOING.value)
        idle = {job.id: job for job in mine if job.id is not None and job.id not in self._running}
        # One that has just ended is found here for a moment: only the second time it counts.
        for job_id in self._suspects & idle.keys():
            await self._take_up(idle[job_id])
        self._suspects = set(idle)

    async def _take_up(self, job: Job) -> None:
        log.warning("job_taken_up", job=job.task_name, job_id=job.id, tries=job.attempts + 1)
        manager = self._queue.job_manager
        # Another worker may have been faster: then it is no longer where it was.
        with contextlib.suppress(ConnectorException):
            if job.attempts + 1 >= MAX_TRIES:
                await manager.finish_job(job, Status.FAILED, delete_job=False)
                return
            try:
                await manager.retry_job(job, retry_at=datetime.now(UTC))
            except UniqueViolation:  # an equal one waits already
                await manager.finish_job(job, Status.FAILED, delete_job=True)
