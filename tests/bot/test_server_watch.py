"""An own server that ends by itself: started again, but not for ever, and never in silence."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from bot import server_watch
from bot.embedded import VALKEY, EmbeddedServerError, OwnServer
from bot.embedded.paths import socket_dir
from bot.server_watch import ServerWatch

PATIENCE_S = 30.0


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(server_watch, "_LOOK_EVERY_S", 0.01)
    VALKEY.start(tmp_path)
    yield tmp_path
    VALKEY.stop(tmp_path)
    shutil.rmtree(socket_dir(tmp_path), ignore_errors=True)


class Said(list[str]):
    """What was reported, and whether all was given up."""

    def __init__(self) -> None:
        super().__init__()
        self.given_up = threading.Event()

    def watch(self, data_dir: Path, server: OwnServer = VALKEY) -> ServerWatch:
        return ServerWatch([server], data_dir, report=self.append, on_given_up=self.given_up.set)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def kill_server(data_dir: Path) -> psutil.Process:
    server = VALKEY.find(data_dir)
    assert server is not None
    server.kill()
    return server


def test_a_killed_server_is_started_again_with_one_line(data_dir: Path) -> None:
    said = Said()
    with said.watch(data_dir) as watch:
        watch.start()
        killed = kill_server(data_dir)
        wait_until(lambda: said != [])
        assert VALKEY.find(data_dir) not in (None, killed)
    assert said == ["Valkey ended by itself and was started again."]
    assert not said.given_up.is_set()


def test_a_server_that_ends_again_and_again_is_given_up(data_dir: Path) -> None:
    said = Said()
    with said.watch(data_dir) as watch:
        watch.start()
        for times in range(1, 5):
            kill_server(data_dir)
            wait_until(lambda wanted=times: len(said) == wanted)  # type: ignore[misc]
        assert said.given_up.wait(PATIENCE_S)
    assert watch.given_up
    assert said[-1] == (
        "Valkey ended by itself again and again, so all is stopped: "
        f"see {data_dir.resolve()}/valkey/valkey.log"
    )
    assert VALKEY.find(data_dir) is None


def test_a_server_that_does_not_start_again_is_given_up_with_the_reason(data_dir: Path) -> None:
    def refuse(_data_dir: Path) -> str:
        raise EmbeddedServerError("the disk is full")

    said = Said()
    with said.watch(data_dir, replace(VALKEY, start=refuse)) as watch:
        watch.start()
        kill_server(data_dir)
        assert said.given_up.wait(PATIENCE_S)
    assert said == ["Valkey ended by itself, so all is stopped: the disk is full"]


def test_a_watch_that_ended_starts_nothing(data_dir: Path) -> None:
    said = Said()
    with said.watch(data_dir) as watch:
        watch.start()
    kill_server(data_dir)
    wait_until(lambda: VALKEY.find(data_dir) is None)
    assert said == []
