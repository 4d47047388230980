"""What both own servers need to know of processes.

A pid file alone proves nothing: after kill -9 its number may belong to anybody. A server is ours
when the process bears the server's name and works in the server's folder.
"""

import contextlib
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

# Children inherit nothing: PGHOST or PGDATA of a developer's shell would lead them astray.
CLEAN_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C"}
_PAUSE_S = 0.02


class EmbeddedServerError(Exception):
    """An own server cannot start or stop; the text is one line that says what to do."""


def list_processes(name: str, folder: Path) -> list[psutil.Process]:
    """The living processes called *name* (or "name: …") whose working folder is *folder*."""
    return list(_processes(name, folder.resolve()))


def _processes(name: str, folder: Path) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.name().startswith(name) and Path(process.cwd()) == folder:
                yield process


def find_process(pid_file: Path, name: str, folder: Path) -> psutil.Process | None:
    """The process that *pid_file* names, if it is the server we think of."""
    try:
        pid = int(pid_file.read_text().split(maxsplit=1)[0])
        process = psutil.Process(pid)
        if process.name().startswith(name) and Path(process.cwd()) == folder.resolve():
            return process
    except (OSError, ValueError, IndexError, psutil.Error):
        pass
    return None


def is_gone(process: psutil.Process) -> bool:
    """Ended, reaped or not: where nobody reaps orphans a dead server stays as a zombie."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_until(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Look again and again until *condition* holds; False when the time is over."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE_S)
    return True


def end_process(process: psutil.Process, gently: signal.Signals, timeout_s: float) -> None:
    """Ask to stop; kill what does not within the time."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(gently)
        if not wait_until(lambda: is_gone(process), timeout_s):
            process.kill()
            wait_until(lambda: is_gone(process), timeout_s)


def last_line(log: Path) -> str:
    """The last line of a server's log, for an error that must fit into one line."""
    try:
        lines = log.read_text(errors="replace").strip().splitlines()
    except OSError:
        return "it left no log"
    return lines[-1] if lines else "its log is empty"
