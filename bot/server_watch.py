"""Starts an own server again that ended by itself.

The processes of the line outlive a lost server and go on as soon as it is back, so nobody would
notice that it is gone but the people who get no answer any more.
"""

import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from bot.embedded import EmbeddedServerError, OwnServer

_LOOK_EVERY_S = 0.5
_MOST_STARTS = 3
_WITHIN_S = 60.0


class ServerWatch:
    """Looks after servers from `start()` to the end of the context.

    One that ends too often, or does not start again, is given up: `given_up` becomes true and
    `on_given_up` is called, once, from the watch's own thread.
    """

    def __init__(
        self,
        servers: Sequence[OwnServer],
        data_dir: Path,
        *,
        report: Callable[[str], None],
        on_given_up: Callable[[], None],
    ) -> None:
        self.given_up = False
        self._servers = servers
        self._data_dir = data_dir
        self._report = report
        self._on_given_up = on_given_up
        self._starts = {server.name: deque[float](maxlen=_MOST_STARTS) for server in servers}
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="servers", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def __enter__(self) -> "ServerWatch":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        while not self.given_up and not self._ending.wait(_LOOK_EVERY_S):
            for server in self._servers:
                if server.find(self._data_dir) is None and not self._restart(server):
                    self.given_up = True
                    self._on_given_up()
                    return

    def _restart(self, server: OwnServer) -> bool:
        starts, now = self._starts[server.name], time.monotonic()
        if len(starts) == _MOST_STARTS and now - starts[0] < _WITHIN_S:
            self._report(
                f"{server.name} ended by itself again and again, so all is stopped: "
                f"see {server.log(self._data_dir)}"
            )
            return False
        starts.append(now)
        try:
            server.start(self._data_dir)
        except (EmbeddedServerError, OSError, subprocess.SubprocessError) as error:
            self._report(f"{server.name} ended by itself, so all is stopped: {error}")
            return False
        self._report(f"{server.name} ended by itself and was started again.")
        return True
