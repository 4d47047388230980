"""What may be written to a log, and how.

Logs are read by more people than the database and kept longer. They hold events, ids of our own
and places in the code; never a name, a number, a chat id or a text. The message of an exception is
left out for that reason: libraries put the value at fault into it.
"""

import logging
import re
import sys
from types import TracebackType
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_TOKEN = re.compile(r"\d{5,}:[A-Za-z0-9_-]{6,}")
_NUMBER = re.compile(r"\+?\d(?:[\s-]?\d){6,}")
# Ours, counted from 1: they name a row, not a person.
_OWN_IDS = frozenset({"item", "address_id", "timestamp", "error_id", "where"})
_MOST_FRAMES = 6


def _redact(value: Any) -> Any:
    if isinstance(value, str):
        return _NUMBER.sub("[number]", _TOKEN.sub("[token]", value))
    if isinstance(value, dict):
        return {key: _redact(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_redact(item) for item in value]
    return value


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Last net: take out whatever looks like a token or a number of a person."""
    return {key: value if key in _OWN_IDS else _redact(value) for key, value in event.items()}


def _frames(traceback: TracebackType | None) -> list[str]:
    places = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        name = "/".join(code.co_filename.rsplit("/", 2)[-2:])
        places.append(f"{name}:{traceback.tb_lineno} {code.co_name}")
        traceback = traceback.tb_next
    return places[-_MOST_FRAMES:]


def _describe(error: BaseException) -> list[dict[str, Any]]:
    chain: list[dict[str, Any]] = []
    current: BaseException | None = error
    while current is not None and len(chain) < _MOST_FRAMES:
        kind = type(current)
        frames = _frames(current.__traceback__)
        chain.append({"error": f"{kind.__module__}.{kind.__qualname__}", "where": frames})
        current = current.__cause__ or current.__context__
    return chain


def describe_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace an exception by its types and places in the code, without its message."""
    found = event.pop("exc_info", None)
    if found is True:
        found = sys.exc_info()
    if isinstance(found, tuple):
        found = found[1]
    if isinstance(found, BaseException):
        event["exception"] = _describe(found)
    event.pop("exc_text", None)
    return event


_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    describe_exception,
    redact,
]


def setup_logging(process: str, *, level: str = "info", stream: TextIO | None = None) -> None:
    """Log to ``stream`` (standard error): JSON lines, or readable ones on a terminal.

    Other libraries are heard from WARNING on, through the same net.
    """
    target = sys.stderr if stream is None else stream
    renderer: Processor = (
        structlog.dev.ConsoleRenderer() if target.isatty() else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(process=process)
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    # Their warnings name users and chats by their numbers, the short ones too.
    for talkative in ("aiogram", "aiogram_dialog"):
        logging.getLogger(talkative).setLevel(logging.ERROR)
    # They tell of every attempt to reach a database that is away, where one line of ours is enough.
    for persistent in ("procrastinate", "psycopg.pool"):
        logging.getLogger(persistent).setLevel(logging.CRITICAL)
    for own in ("bot", "dialogs", "services", "db", "desk"):
        logging.getLogger(own).setLevel(level.upper())
