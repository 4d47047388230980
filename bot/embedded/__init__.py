"""Servers of our own, so that a laptop needs neither PostgreSQL nor Redis installed.

Real PostgreSQL and Valkey out of PyPI wheels, kept below the data folder and reached by unix
sockets only. Where a server listens follows from the data folder alone, so every process finds it
without asking. A server that outlived a killed supervisor is taken over, never started twice.
"""

from pathlib import Path

from bot.embedded import postgres, valkey
from bot.embedded.lock import DataDirBusy, DataDirLock
from bot.embedded.paths import postgres_url, valkey_url
from bot.embedded.processes import EmbeddedServerError

__all__ = [
    "DataDirBusy",
    "DataDirLock",
    "EmbeddedServerError",
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


def find_running(data_dir: Path) -> tuple[str | None, str | None]:
    """The URLs of the living PostgreSQL and Valkey of this folder; None where none answers."""
    return (
        postgres_url(data_dir) if postgres.is_running(data_dir) else None,
        valkey_url(data_dir) if valkey.is_running(data_dir) else None,
    )
