"""All workers under one line of the Procfile, each its own process.

They are apart because sending must stay small and go on when a conversation misbehaves; a small
server wants one line for them all the same.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from types import FrameType

QUEUES = ("inbox", "outbox", "jobs")
_END_TIMEOUT_S = 10.0
_PAUSE_S = 0.2


def run_group() -> int:
    """Run them until a signal comes or one of them ends; returns the exit code of that one."""
    stopping = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    workers = [_start(queue) for queue in QUEUES]
    while not stopping and all(worker.poll() is None for worker in workers):
        time.sleep(_PAUSE_S)
    codes = [worker.poll() for worker in workers]
    _end(workers)
    return 0 if stopping else next(code for code in codes if code is not None) or 1


def _start(queue: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-u", "-m", "bot", "worker", queue]
    return subprocess.Popen(command)  # noqa: S603 - our own words only


def _end(workers: Sequence[subprocess.Popen[bytes]]) -> None:
    """They end side by side: whoever stops us does not wait for one after the other."""
    for worker in workers:
        worker.terminate()
    deadline = time.monotonic() + _END_TIMEOUT_S
    for worker in workers:
        try:
            worker.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()
