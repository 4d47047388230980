"""honcho's Manager, with what a machine of one's own needs besides.

A signal may come before every process has started; processes of a supervisor that was killed must
not live on beside the new ones, where they would hold the ports and work on the same rows.
"""

import json
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil
from honcho.manager import Manager

from bot.embedded.processes import end_process, is_gone

_END_TIMEOUT_S = 5.0


class Supervisor(Manager):  # type: ignore[misc]
    """Runs shell commands until one ends or a signal comes, then ends them all.

    `on_all_started` is given the pids by name. After `loop()`, `died` is the name and exit code of
    the process that ended by itself, or None. `last` is the name of a process that is stopped when
    all others have ended: what they call to the end, and would miss.
    """

    def __init__(
        self,
        commands: Mapping[str, str],
        *,
        data_dir: Path,
        on_all_started: Callable[[Mapping[str, int]], None],
        on_stopping: Callable[[], None],
        last: str | None = None,
    ) -> None:
        super().__init__()
        self.died: tuple[str, int] | None = None
        self._record = _record(data_dir)
        self._on_all_started = on_all_started
        self._on_stopping = on_stopping
        self._last = last
        self._known: set[str] = set()
        for name, command in commands.items():
            # exec: the process itself takes the signal and the pid, not a shell before it.
            self.add_process(name, f"exec {command}")

    def terminate(self) -> None:
        if not self._terminating:
            self._on_stopping()
        super().terminate()

    def _killall(self, force: bool = False) -> None:
        for name, process in self._processes.items():
            if _runs(process) and (force or self._may_end(name)):
                self._end(process["pid"], force=force)

    def _may_end(self, name: str) -> bool:
        others = (process for other, process in self._processes.items() if other != name)
        return name != self._last or all("returncode" in process for process in others)

    def _end(self, pid: int, *, force: bool) -> None:
        (self._procmgr.kill if force else self._procmgr.terminate)(pid)

    def _system_print(self, _data: str) -> None:
        """honcho tells here of each start and end: its words are dropped, the moment is used."""
        for name, process in self._processes.items():
            if "pid" in process and name not in self._known:
                self._known.add(name)
                self._started(name, process)
            if process.get("returncode") is not None and not self._terminating and not self.died:
                self.died = (name, process["returncode"])
        if self._terminating and self._last is not None and self._may_end(self._last):
            self._killall()

    def _started(self, name: str, process: dict[str, Any]) -> None:
        pids = {name: found["pid"] for name, found in self._processes.items() if "pid" in found}
        self._record.write_text(json.dumps([[pid, _start_of(pid)] for pid in pids.values()]))
        if self._terminating and self._may_end(name):
            self._end(process["pid"], force=False)
        elif self._all_started():
            self._on_all_started(pids)


def _runs(process: Mapping[str, Any]) -> bool:
    return "pid" in process and "returncode" not in process


def end_leftovers(data_dir: Path, report: Callable[[str], None]) -> None:
    """End the processes of a supervisor that was killed before it could."""
    left = _list_leftovers(data_dir)
    for process in map(psutil.Process, left):
        end_process(process, signal.SIGTERM, _END_TIMEOUT_S)
    if left:
        report(f"Ended {len(left)} processes that the last run left behind.")
    _record(data_dir).unlink(missing_ok=True)


def is_leftover(data_dir: Path, pid: int | None) -> bool:
    """Whether this is a process that the last supervisor of the folder started."""
    return pid in _list_leftovers(data_dir)


def _list_leftovers(data_dir: Path) -> list[int]:
    try:
        recorded = json.loads(_record(data_dir).read_text())
    except (OSError, ValueError):
        return []
    return [pid for pid, started in recorded if started and _start_of(pid) == started]


def _record(data_dir: Path) -> Path:
    return data_dir / "processes.json"


def _start_of(pid: int) -> float | None:
    """When a living process began: with its pid this names it, the pid alone may be given anew."""
    try:
        process = psutil.Process(pid)
        return None if is_gone(process) else process.create_time()
    except psutil.NoSuchProcess:
        return None
