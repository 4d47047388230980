"""Servers of our own, so that a laptop needs neither PostgreSQL nor Redis installed.

Real PostgreSQL and Valkey out of PyPI wheels, kept below the data folder and reached by unix
sockets only. Where a server listens follows from the data folder alone, so every process finds it
without asking. A server that outlived a killed supervisor is taken over, never started twice.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from bot.embedded import postgres, valkey
from bot.embedded.lock import DataDirBusy, DataDirLock
from bot.embedded.paths import postgres_log, postgres_url, valkey_log, valkey_url
from bot.embedded.processes import EmbeddedServerError

__all__ = [
    "POSTGRES",
    "VALKEY",
    "DataDirBusy",
    "DataDirLock",
    "EmbeddedServerError",
    "OwnServer",
    "find_running",
    "postgres_url",
    "start_postgres",
    "start_valkey",
    "stop_postgres",
    "stop_valkey",
    "valkey_url",
]

start_postgres = postgres.start
stop_postgres = postgres.stop
start_valkey = valkey.start
stop_valkey = valkey.stop


@dataclass(frozen=True)
class OwnServer:
    """What can be done with a server of a data folder. `start` raises EmbeddedServerError."""

    name: str
    start: Callable[[Path], str]
    stop: Callable[[Path], None]
    find: Callable[[Path], psutil.Process | None]
    log: Callable[[Path], Path]


POSTGRES = OwnServer(
    "PostgreSQL", postgres.start, postgres.stop, postgres.find_server, postgres_log
)
VALKEY = OwnServer("Valkey", valkey.start, valkey.stop, valkey.find_server, valkey_log)


def find_running(data_dir: Path) -> tuple[str | None, str | None]:
    """The URLs of the living PostgreSQL and Valkey of this folder; None where none answers."""
    return (
        postgres_url(data_dir) if postgres.is_running(data_dir) else None,
        valkey_url(data_dir) if valkey.is_running(data_dir) else None,
    )
