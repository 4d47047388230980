"""A signal while an own server starts: the server is started whole, and stopped again."""

import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from bot import servers
from bot.embedded import OwnServer
from tests.served_app import make_settings


@pytest.fixture
def interrupting() -> Iterator[None]:
    """SIGTERM interrupts, as it does in `run`."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("interrupting")
def test_a_signal_waits_until_the_server_has_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def start(_: Path) -> str:
        signal.raise_signal(signal.SIGTERM)
        done.append("started")
        return ""

    def find(_: Path) -> psutil.Process | None:
        return None

    server = OwnServer("It", start, lambda _: done.append("stopped"), find, lambda _: tmp_path)
    monkeypatch.setattr(servers, "wanted_servers", lambda _: [server, server])
    with (
        pytest.raises(KeyboardInterrupt),
        servers.started_servers(make_settings(data_dir=tmp_path)),
    ):
        done.append("used")
    assert done == ["started", "stopped"]
