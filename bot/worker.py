"""The workers: one handles what came in, one sends what must go out, one does the jobs.

Sending must stay small: it never imports aiogram, which alone would cost it seconds and 160 MB.
"""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from uuid import UUID

import structlog
import uvloop
from sqlalchemy.ext.asyncio import AsyncEngine

from bot import metrics
from bot.bootstrap import App, open_app
from bot.channels.sms_out import SmsSender
from bot.channels.telegram_out import SentFile, TelegramSender
from bot.config import Settings
from bot.consumer import InboxConsumer
from bot.delivery import Delivery, Sender
from bot.logging_setup import setup_logging
from bot.send_limits import SharedScripts, SmsLimits, TelegramLimits
from bot.supervision import Tasks, stop_signals, wait_for
from services.direct import direct_connection

log = structlog.get_logger(__name__)

_INBOX_POOL = 12
_OUTBOX_POOL = 6
_JOBS_POOL = 5
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 15.0
_STEADY_AFTER_S = 60.0
_ASK_LIMIT_S = 10.0

Work = Callable[[asyncio.Event], Awaitable[None]]


def run_inbox(settings: Settings) -> None:
    """Handle what comes in until SIGTERM or SIGINT. Raises what `open_app` raises."""
    setup_logging("inbox", level=settings.log_level)
    uvloop.run(_inbox(settings))


def run_outbox(settings: Settings) -> None:
    """Send what waits until SIGTERM or SIGINT. Raises what `open_app` raises."""
    setup_logging("outbox", level=settings.log_level)
    uvloop.run(_outbox(settings))


def run_jobs(settings: Settings) -> None:
    """Do what the clock brings and what was promised until SIGTERM or SIGINT. Raises as above."""
    setup_logging("jobs", level=settings.log_level)
    uvloop.run(_jobs(settings))


async def _inbox(settings: Settings) -> None:
    async with open_app(settings, pool_size=_INBOX_POOL) as app:
        # Only here (see above), and only now: whose servers cannot be reached hears it at once.
        from bot.channels.telegram_session import new_telegram_bot, share_limits  # noqa: PLC0415
        from bot.conversation import build_conversation  # noqa: PLC0415

        telegram = new_telegram_bot(settings.telegram_bot_token, settings.telegram_api_url)
        share_limits(telegram, telegram_limits(app))
        conversation = build_conversation(app, telegram)
        # What was built stays for ever: without this every full collection looks at all of it.
        gc.collect()
        gc.freeze()
        try:
            consumer = InboxConsumer(app.engine, conversation.handle)
            await _until_stopped(app, "inbox", consumer.run)
        finally:
            await conversation.close()


async def _outbox(settings: Settings) -> None:
    async with open_app(settings, pool_size=_OUTBOX_POOL) as app, _senders(app) as senders:
        await _until_stopped(app, "outbox", Delivery(app.engine, senders).run)


async def _jobs(settings: Settings) -> None:
    # Delivery does without the job library and the words.
    from bot.jobs.worker import JobWorker  # noqa: PLC0415
    from bot.message_words import CatalogueWords  # noqa: PLC0415

    async with open_app(settings, pool_size=_JOBS_POOL) as app:
        worker = JobWorker(app, CatalogueWords(), telegram_limits(app))
        await _until_stopped(app, "jobs", worker.run)


def telegram_limits(app: App) -> TelegramLimits:
    """What this process may send, in agreement with all others."""
    settings = app.settings
    scripts = SharedScripts(app.redis, app.keyring)
    return TelegramLimits(scripts, settings.telegram_bot_token, settings.telegram_per_s)


@contextlib.asynccontextmanager
async def _senders(app: App) -> AsyncIterator[dict[str, Sender]]:
    """Open the carriers that are set up."""
    settings = app.settings
    async with contextlib.AsyncExitStack() as stack:
        telegram = TelegramSender(
            settings.telegram_api_url,
            settings.telegram_bot_token,
            limits=telegram_limits(app),
            open_file=partial(_open_file, app),
        )
        senders: dict[str, Sender] = {"telegram": await stack.enter_async_context(telegram)}
        if settings.sms_enabled:
            sms = SmsSender(
                settings.twilio_api_url,
                settings.twilio_account_sid,
                settings.twilio_auth_token,
                sender=settings.sms_sender,
                public_url=settings.public_url,
                limits=SmsLimits(
                    SharedScripts(app.redis, app.keyring),
                    settings.sms_sender,
                    settings.sms_parts_per_s,
                ),
            )
            senders["sms"] = await stack.enter_async_context(sms)
        yield senders


async def _open_file(app: App, file_id: UUID) -> SentFile | None:
    from services import file_store, files  # noqa: PLC0415 - few messages carry a file

    async with app.new_session() as session:
        try:
            kept = await files.read_to_send(session, app.files, file_id)
        except files.FileNotFound:
            return None
        except file_store.FileStoreError as error:
            raise OSError(str(error)) from error
    return SentFile(kept.name, kept.data)


async def _until_stopped(app: App, kind: str, run: Work) -> None:
    """Run a worker's loop; after a lost connection, again."""
    tasks = Tasks()
    tasks.start(metrics.publish(app.redis, metrics.process_name(kind)), name="metrics")
    async with stop_signals() as stopping:
        try:
            await keep_working(app.engine, run, stopping)
        finally:
            await tasks.cancel()


async def keep_working(engine: AsyncEngine, run: Work, stopping: asyncio.Event) -> None:
    """Run a worker's loop until ``stopping``; whenever it fails, again once the database answers.

    An outage is two lines in the log, however long it lasts: when it began and when it was over.
    """
    loop = asyncio.get_running_loop()
    pauses = _growing_pauses()
    while not stopping.is_set():
        began = loop.time()
        try:
            await run(stopping)
        except Exception:
            log.exception("worker_interrupted")
            if loop.time() - began > _STEADY_AFTER_S:
                pauses = _growing_pauses()
            failed = loop.time()
            if await _database_answers_again(engine, stopping, pauses):
                log.info("worker_goes_on", after_s=round(loop.time() - failed, 1))


def _growing_pauses() -> Iterator[float]:
    pause = _FIRST_PAUSE_S
    while True:
        yield pause
        pause = min(pause * 2, _LONGEST_PAUSE_S)


async def _database_answers_again(
    engine: AsyncEngine, stopping: asyncio.Event, pauses: Iterator[float]
) -> bool:
    """Wait for it, asking less and less often; False when told to stop before."""
    while True:
        await wait_for(stopping, next(pauses))
        if stopping.is_set():
            return False
        # Whatever is wrong now: it is not back yet.
        with contextlib.suppress(Exception):
            async with asyncio.timeout(_ASK_LIMIT_S), direct_connection(engine) as connection:
                await connection.execute("SELECT 1")
                return True
