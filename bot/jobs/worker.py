"""The worker of the jobs: the library's own, made to end and to fail like ours."""

import asyncio

import aiohttp
from procrastinate.jobs import DeleteJobCondition
from procrastinate.worker import Worker

from bot.bootstrap import App
from bot.channels.telegram_edits import TelegramEdits
from bot.channels.telegram_files import TelegramFiles
from bot.jobs.connector import make_connector
from bot.jobs.export import Export
from bot.jobs.file_fetch import FileFetch
from bot.jobs.queue import build_queue
from bot.jobs.stalled import HEARTBEAT_S, STALLED_AFTER_S, Stalled
from bot.jobs.work import Work
from bot.send_limits import TelegramLimits
from bot.supervision import Tasks
from services.jobs import QUEUE
from services.message_words import MessageWords

_AT_ONCE = 4
_LOOK_EVERY_S = 5.0
_END_WITHIN_S = 3.0


class JobsInterrupted(Exception):  # noqa: N818 - what happened to the worker, and no fault of ours
    """The library's worker stopped by itself: it has lost the database."""


class JobWorker:
    """Runs what is due until it is told to stop; any number may run at once."""

    def __init__(self, app: App, words: MessageWords, limits: TelegramLimits) -> None:
        self._app = app
        self._words = words
        self._limits = limits

    async def run(self, stopping: asyncio.Event) -> None:
        """Raises JobsInterrupted, or what the library raises, when the database is lost."""
        settings = self._app.settings
        async with aiohttp.ClientSession() as session:
            bot = (session, settings.telegram_api_url, settings.telegram_bot_token)
            telegram, edits = TelegramFiles(*bot), TelegramEdits(*bot, self._limits)
            file_fetch = FileFetch(self._app, telegram, self._words)
            await self._run(Work(self._app, file_fetch, Export(self._app), edits), stopping)

    async def _run(self, work: Work, stopping: asyncio.Event) -> None:
        connector = make_connector(self._app.settings.database_url)
        queue = build_queue(connector, work)
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
