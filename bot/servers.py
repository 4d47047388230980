"""Whose the own servers are: one process owns them, every other command finds them.

`run` owns them for its whole life. A command in a second terminal uses those of a living owner;
where there is none it starts them for as long as it takes.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from bot import embedded
from bot.config import Settings
from bot.embedded import DataDirBusy, DataDirLock

_OWNER_TIMEOUT_S = 30.0
_PAUSE_S = 0.1

Report = Callable[[str], None]


@contextmanager
def own_servers(settings: Settings) -> Iterator[None]:
    """Within the context the own servers that the settings ask for are running.

    Raises EmbeddedServerError, or DataDirBusy when the owner of the folder does not start them.
    """
    with ExitStack() as stack:
        if settings.embedded_postgres or settings.embedded_valkey:
            try:
                stack.enter_context(DataDirLock(settings.data_dir))
            except DataDirBusy:
                _wait_for_owner(settings)
            else:
                stack.enter_context(started_servers(settings))
        yield


@contextmanager
def started_servers(
    settings: Settings, report: Report | None = None, *, stop_found: bool = False
) -> Iterator[None]:
    """Start what does not run yet, and stop it at the end; for who holds the folder's lock.

    `stop_found` stops those too that were found running. Raises EmbeddedServerError.
    """
    postgres_url, valkey_url = embedded.find_running(settings.data_dir)
    with ExitStack() as stack:
        if settings.embedded_postgres:
            if postgres_url is None or stop_found:
                stack.callback(embedded.stop_postgres, settings.data_dir)
            _timed(report, "PostgreSQL", lambda: embedded.start_postgres(settings.data_dir))
        if settings.embedded_valkey:
            if valkey_url is None or stop_found:
                stack.callback(embedded.stop_valkey, settings.data_dir)
            _timed(report, "Valkey", lambda: embedded.start_valkey(settings.data_dir))
        yield


def _timed(report: Report | None, name: str, start: Callable[[], str]) -> None:
    began = time.monotonic()
    start()
    if report is not None:
        report(f"{name} runs ({time.monotonic() - began:.1f} s)")


def _wait_for_owner(settings: Settings) -> None:
    """Another process holds the lock: it may still be starting its servers."""
    deadline = time.monotonic() + _OWNER_TIMEOUT_S
    while not _all_running(settings):
        if time.monotonic() > deadline:
            raise DataDirBusy(settings.data_dir, None)
        time.sleep(_PAUSE_S)


def _all_running(settings: Settings) -> bool:
    postgres_url, valkey_url = embedded.find_running(settings.data_dir)
    return (postgres_url is not None or not settings.embedded_postgres) and (
        valkey_url is not None or not settings.embedded_valkey
    )
