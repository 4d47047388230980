"""One supervisor for one data folder.

A POSIX record lock: it ends with the process that holds it, even by kill -9, and children that were
forked do not inherit it, so a lock is never stale.
"""

import fcntl
import os
from pathlib import Path
from types import TracebackType

from bot.embedded.paths import make_data_dir


class DataDirBusy(Exception):  # noqa: N818 (a state of affairs, not a mistake)
    """Another process owns the folder's servers; `pid` is its number, or None when unknown."""

    def __init__(self, data_dir: Path, pid: int | None) -> None:
        owner = f"process {pid}" if pid else "another process"
        super().__init__(
            f"the line already runs on DATA_DIR={data_dir} ({owner}): "
            "stop that one first, or set DATA_DIR to another folder"
        )
        self.pid = pid


class DataDirLock:
    """Held for as long as the context lasts. Raises DataDirBusy. One per process and folder."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._file: int | None = None

    def __enter__(self) -> "DataDirLock":
        make_data_dir(self._data_dir)
        file = os.open(self._data_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            written = os.read(file, 32)
            os.close(file)
            raise DataDirBusy(self._data_dir, int(written) if written else None) from error
        os.truncate(file, 0)
        os.write(file, str(os.getpid()).encode())
        self._file = file
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
