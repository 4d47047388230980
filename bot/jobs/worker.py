"""The worker of the jobs: the library's own, made to end and to fail like ours."""

import asyncio

from procrastinate.jobs import DeleteJobCondition
from procrastinate.worker import Worker

from bot.bootstrap import App
from bot.jobs.connector import make_connector
from bot.jobs.queue import build_queue
from bot.jobs.stalled import HEARTBEAT_S, STALLED_AFTER_S, Stalled
from bot.jobs.work import Work
from bot.supervision import Tasks
from services.jobs import QUEUE

_AT_ONCE = 4
_LOOK_EVERY_S = 5.0
_END_WITHIN_S = 3.0


class JobsInterrupted(Exception):  # noqa: N818 - what happened to the worker, and no fault of ours
    """The library's worker stopped by itself: it has lost the database."""


class JobWorker:
    """Runs what is due until it is told to stop; any number may run at once."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def run(self, stopping: asyncio.Event) -> None:
        """Raises JobsInterrupted, or what the library raises, when the database is lost."""
        queue = build_queue(make_connector(self._app.settings.database_url), Work(self._app))
        stalled = Stalled(queue)
        worker = Worker(
            queue,
            queues=[QUEUE],
            concurrency=_AT_ONCE,
            fetch_job_polling_interval=_LOOK_EVERY_S,
            shutdown_graceful_timeout=_END_WITHIN_S,
            delete_jobs=DeleteJobCondition.SUCCESSFUL,
            install_signal_handlers=False,
            update_heartbeat_interval=HEARTBEAT_S,
            stalled_worker_timeout=STALLED_AFTER_S,
            worker_middleware=[stalled.watch],
        )
        tasks = Tasks()
        async with queue.open_async():
            tasks.start(_stop_with(stopping, worker), name="stopping")
            tasks.start(stalled.run(worker), name="stalled jobs")
            try:
                await worker.run()  # type: ignore[no-untyped-call]
            finally:
                await tasks.cancel()
        if not stopping.is_set():
            raise JobsInterrupted


async def _stop_with(stopping: asyncio.Event, worker: Worker) -> None:
    await stopping.wait()
    worker.stop()  # type: ignore[no-untyped-call]
