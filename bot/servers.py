"""Whose the own servers are: one process owns them, every other command finds them.

`run` owns them for its whole life. A command in a second terminal uses those of a living owner;
where there is none it starts them for as long as it takes.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from bot import embedded
from bot.config import Settings
from bot.embedded import POSTGRES, VALKEY, DataDirBusy, DataDirLock, OwnServer

_OWNER_TIMEOUT_S = 30.0
_PAUSE_S = 0.1
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Report = Callable[[str], None]


@contextmanager
def own_servers(settings: Settings) -> Iterator[None]:
    """Within the context the own servers that the settings ask for are running.

    Raises EmbeddedServerError, or DataDirBusy when the owner of the folder does not start them.
    """
    with ExitStack() as stack:
        if wanted_servers(settings):
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
    with ExitStack() as stack:
        for server in wanted_servers(settings):
            if stop_found or server.find(settings.data_dir) is None:
                stack.callback(server.stop, settings.data_dir)
            began = time.monotonic()
            with _signals_waiting():
                server.start(settings.data_dir)
            if report is not None:
                report(f"{server.name} runs ({time.monotonic() - began:.1f} s)")
        yield


@contextmanager
def _signals_waiting() -> Iterator[None]:
    """Let the first signal come when this has ended.

    A server whose start is cut short may come up all the same, when nobody looks any more.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _: came.append(number)) for number in _SIGNALS
    }
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    for number in came[:1]:
        signal.raise_signal(number)


def wanted_servers(settings: Settings) -> list[OwnServer]:
    """The own servers that the settings ask for."""
    wanted = {POSTGRES: settings.embedded_postgres, VALKEY: settings.embedded_valkey}
    return [server for server, is_wanted in wanted.items() if is_wanted]


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
