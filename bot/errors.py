"""From what went wrong to a calm answer, or to another try.

A passing fault (a carrier or the database does not answer) is raised again: the inbox tries the
whole turn once more, which is safe because a turn that was not finished has not moved on. What is
left is our mistake: logged under an id, never with the person's words, and answered. Old buttons
and renamed states never come here: see `on_old_button` and `StateStore.load`.
"""

import secrets
from contextlib import suppress
from typing import Any

from aiogram import Dispatcher
from aiogram.dispatcher.event.bases import UNHANDLED
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.filters import ExceptionTypeFilter
from aiogram.types import CallbackQuery, ErrorEvent
from asyncpg import InterfaceError as DriverInterfaceError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from structlog import get_logger

from bot import metrics
from bot.landing import land
from dialogs import navigation
from dialogs.turn import Turn
from services import addresses

log = get_logger()

# The other side does not answer just now; nothing is wrong with what the person sent.
PASSING = (
    TelegramNetworkError,
    TelegramServerError,
    TelegramRetryAfter,
    RedisConnectionError,
    RedisTimeoutError,
    InterfaceError,
    OperationalError,
    PoolTimeoutError,
    DriverInterfaceError,
    OSError,
    TimeoutError,
)
# No connection, two who waited for one another, not enough of something, an administrator at work.
PASSING_SQL_STATES = frozenset({"08", "40", "53", "57"})


def is_passing(error: BaseException) -> bool:
    """Whether the same turn may well succeed in a while."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    cause = error.orig if isinstance(error, DBAPIError) else error
    state = str(getattr(cause, "sqlstate", None) or "")
    return state[:2] in PASSING_SQL_STATES or isinstance(error, PASSING)


async def on_blocked(event: ErrorEvent, turn: Turn) -> Any:
    """The person blocked us between asking and our answer."""
    async with turn.new_session.begin() as session:
        await addresses.mark_blocked(session, turn.address.id, now=turn.now)


async def on_mistake(
    event: ErrorEvent, turn: Turn, attempt: int, last_attempt: bool, **data: Any
) -> Any:
    """Try again while there are tries left; then say that it did not work, and where we are."""
    manager = data.get("dialog_manager")
    if not last_attempt or manager is None or is_passing(event.exception):
        return UNHANDLED
    error_id = secrets.token_hex(4)
    log.error(
        "turn_failed",
        error_id=error_id,
        kind=type(event.exception).__name__,
        attempt=attempt,
        exc_info=event.exception,
    )
    metrics.FAILED.labels(turn.channel).inc()
    turn.say("notice-our-mistake")
    try:
        await land(manager)
    except Exception:  # where they stood may be what failed: the menu asks for nothing
        log.exception("landing_failed", error_id=error_id)
        await navigation.to_menu(manager)
    await _answer(event.update.callback_query)
    return None


async def _answer(press: CallbackQuery | None) -> None:
    """Stop the little clock on the button; too late for it is no harm."""
    if press is not None and press.id:
        with suppress(TelegramBadRequest):
            await press.answer()


def register_error_handlers(dispatcher: Dispatcher) -> None:
    dispatcher.errors.register(on_blocked, ExceptionTypeFilter(TelegramForbiddenError))
    dispatcher.errors.register(on_mistake)
