"""`python -m bot run` as a person sees it: lines, addresses, a clean end, one line for trouble."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import psutil
import pytest
from redis import Redis

from bot.embedded import find_running, stop_postgres, stop_valkey
from bot.embedded.paths import socket_dir

REPOSITORY = Path(__file__).parents[2]
TIMEOUT_S = 120

T = TypeVar("T")


def free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    named = re.findall(r"^# ([A-Z_]+)=", (REPOSITORY / ".env.example").read_text(), re.MULTILINE)
    port, simulator_port = free_ports()
    data_dir = tmp_path / "var"
    yield {
        **{name: value for name, value in os.environ.items() if name not in named},
        "DATA_DIR": str(data_dir),
        "PORT": str(port),
        "SIMULATOR_PORT": str(simulator_port),
        "PYTHONPATH": str(REPOSITORY),
    }
    stop_postgres(data_dir)
    stop_valkey(data_dir)
    if not socket_dir(data_dir).is_relative_to(tmp_path):
        socket_dir(data_dir).rmdir()


def wait_for(condition: Callable[[], T]) -> T:
    """What the condition gives as soon as it is true; fails when it never is."""
    deadline = time.monotonic() + TIMEOUT_S
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


@contextmanager
def running(environment: dict[str, str], words: str = "run") -> Iterator[subprocess.Popen[str]]:
    """The command in a folder of its own, killed with all its children at the end."""
    with subprocess.Popen(
        [sys.executable, "-m", "bot", words],
        cwd=Path(environment["DATA_DIR"]).parent,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        # Reading a line waits for ever; a program that says nothing must fail, not hang.
        watchdog = threading.Timer(TIMEOUT_S, end_tree, [process])
        watchdog.start()
        try:
            yield process
        finally:
            watchdog.cancel()
            if process.poll() is None:
                end_tree(process)


def end_tree(process: subprocess.Popen[str]) -> None:
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    for child in children:
        if not child.name().startswith(("postgres", "valkey-server")):
            child.kill()


def read_until(process: subprocess.Popen[str], words: str) -> str:
    """What was printed up to the line with these words; fails when the process ends before."""
    assert process.stdout is not None
    printed = ""
    for line in process.stdout:
        printed += line
        if words in line:
            return printed
    raise AssertionError(f"{words!r} was never printed:\n{printed}")


def command(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", *words],
        cwd=Path(environment["DATA_DIR"]).parent,
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def get(environment: dict[str, str], path: str) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{environment['PORT']}{path}") as answer:
        status: int = answer.status
        return status


def child(process: subprocess.Popen[str], *words: str) -> psutil.Process:
    return next(
        found
        for found in psutil.Process(process.pid).children(recursive=True)
        if words_of(found)[-len(words) :] == list(words)
    )


def words_of(process: psutil.Process) -> list[str]:
    """What it was called with; nothing of one that has just ended."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_it_says_what_it_does_serves_and_stops_cleanly(environment: dict[str, str]) -> None:
    data_dir = Path(environment["DATA_DIR"])
    with running(environment) as process:
        printed = read_until(process, "Ctrl-C stops everything")
        assert "PostgreSQL runs" in printed
        assert f"http://127.0.0.1:{environment['PORT']}/simulator" in printed
        assert f"http://127.0.0.1:{environment['PORT']}/desk" in printed
        pages = ("/healthz", "/readyz", "/desk")
        assert [get(environment, path) for path in pages] == [200, 200, 200]

        listed = command(environment, "requests")
        assert listed.returncode == 0
        assert listed.stdout.startswith("CODE")
        assert "(demo)" in listed.stdout

        kept = (data_dir / "secrets.env").read_text().splitlines()
        secrets = [line.partition("=")[2] for line in kept]
        handed_over = data_dir / "simulator-secrets.json"
        secrets += json.loads(handed_over.read_text()).values()
        assert handed_over.stat().st_mode & 0o777 == 0o600
        for words in map(words_of, psutil.Process(process.pid).children(True)):
            assert not any(secret in " ".join(words) for secret in secrets)

        second = command(environment | {"PORT": "1"}, "run")
        assert second.returncode == 1
        assert "already runs on DATA_DIR" in second.stderr

        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        rest = read_until(process, "Stopped.")
        assert process.wait(TIMEOUT_S) == 0
        assert "Traceback" not in printed + rest
        assert "unreachable" not in printed + rest
    assert find_running(data_dir) == (None, None)
    assert not list(data_dir.glob("**/postmaster.pid"))

    listed_again = command(environment, "requests")
    assert codes_in(listed_again.stdout) == codes_in(listed.stdout)
    assert find_running(data_dir) == (None, None)


def codes_in(listed: str) -> set[str]:
    """The codes of a list: ages and who has been told of what is overdue go on meanwhile."""
    return {line.split()[0] for line in listed.splitlines()[1:]}


def test_a_killed_supervisor_leaves_nothing_that_harms_the_next(
    environment: dict[str, str],
) -> None:
    with running(environment) as process:
        read_until(process, "Starting the processes")
        wait_for(lambda: number_of_processes(environment) == 5)
        web = child(process, "bot", "web")
        process.kill()
        process.wait(TIMEOUT_S)
        assert web.is_running()

        with running(environment) as following:
            printed = read_until(following, "Ctrl-C stops everything")
            assert "Ended 5 processes that the last run left behind." in printed
            assert not web.is_running() or web.status() == psutil.STATUS_ZOMBIE

            child(following, "bot", "worker", "outbox").kill()
            rest = read_until(following, "Stopped.")
            assert following.wait(TIMEOUT_S) == 1
            assert "delivery ended by itself" in rest


def number_of_processes(environment: dict[str, str]) -> int:
    """How many the supervisor has written down."""
    try:
        return len(json.loads((Path(environment["DATA_DIR"]) / "processes.json").read_text()))
    except (OSError, ValueError):
        return 0


def test_a_signal_at_the_start_stops_the_servers_too(environment: dict[str, str]) -> None:
    with running(environment) as process:
        read_until(process, "PostgreSQL runs")
        process.send_signal(signal.SIGTERM)
        read_until(process, "Stopped.")
        assert process.wait(TIMEOUT_S) == 0
    assert find_running(Path(environment["DATA_DIR"])) == (None, None)


@pytest.mark.parametrize("name", ["PORT", "SIMULATOR_PORT"])
def test_a_busy_port_is_one_line(environment: dict[str, str], name: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(environment[name])))
        taken.listen()

        refused = command(environment, "run")

    assert refused.returncode == 1
    assert refused.stderr == (
        f"tralob: port {environment[name]} is taken by another program: "
        f"stop it, or set {name} to a free one\n"
    )
    assert refused.stdout == ""


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"PORT": "x"}, "tralob: PORT is wrong: it must be a number from 1 to 65535"),
        ({"HOST": "192.0.2.1"}, "tralob: cannot listen on HOST=192.0.2.1"),
        ({"SIMULATOR": "no"}, "tralob: TELEGRAM_BOT_TOKEN is missing"),
        ({"DATABASE_URL": "postgresql://127.0.0.1:1/x"}, "tralob: SECRET_KEY, ENCRYPTION_KEYS"),
        ({"REDIS_URL": "redis://:pa55@127.0.0.1:1"}, "tralob: the Redis of REDIS_URL cannot be"),
    ],
)
def test_each_trouble_is_one_line(
    environment: dict[str, str], settings: dict[str, str], line: str
) -> None:
    refused = command(environment | settings, "run")

    assert refused.returncode == 1
    assert refused.stderr.startswith(line)
    assert refused.stderr.count("\n") == 1
    assert "pa55" not in refused.stderr
    assert find_running(Path(environment["DATA_DIR"])) == (None, None)


def each(*commands: str, soak: tuple[str, ...]) -> pytest.MarkDecorator:
    """A command each; in the soak those that take the same way in as one of the others."""
    left = [pytest.param(words, marks=pytest.mark.soak) for words in soak]
    return pytest.mark.parametrize("words", [*commands, *left])


@each(
    *("run", "release", "requests", "web", "worker inbox"),
    soak=("failed", "worker outbox", "worker jobs"),
)
def test_an_unreachable_database_is_one_line(environment: dict[str, str], words: str) -> None:
    own = {
        "DATABASE_URL": "postgresql://tralob:pa55@127.0.0.1:1/tralob",
        "SECRET_KEY": "s" * 32,
        "ENCRYPTION_KEYS": "A" * 43,
        "TELEGRAM_WEBHOOK_SECRET": "s",
    }

    refused = command(environment | own, *words.split())

    assert refused.returncode == 1
    assert refused.stderr.startswith("tralob: the database of DATABASE_URL cannot be reached")
    assert refused.stderr.count("\n") == 1
    assert "pa55" not in refused.stderr


@each("web", "worker inbox", soak=("worker outbox", "worker jobs"))
def test_an_unreachable_redis_is_one_line(environment: dict[str, str], words: str) -> None:
    own = {"REDIS_URL": "redis://:pa55@127.0.0.1:1"}

    refused = command(environment | own, *words.split())

    assert refused.returncode == 1
    assert refused.stderr.startswith("tralob: the Redis of REDIS_URL cannot be reached")
    assert refused.stderr.count("\n") == 1
    assert "pa55" not in refused.stderr


def test_one_line_runs_all_workers_and_one_signal_ends_them(environment: dict[str, str]) -> None:
    assert command(environment, "release").returncode == 0
    with running(environment, "worker") as process:
        workers = wait_for(lambda: all_workers(process))
        wait_for(lambda: reporting(environment, workers))
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT_S) == 0
        assert not any(worker.is_running() for worker in workers)
        assert process.stdout is not None
        assert "Traceback" not in process.stdout.read()


def all_workers(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The three, as soon as all are there."""
    found = [
        child
        for child in psutil.Process(process.pid).children(recursive=True)
        if words_of(child)[-3:-1] == ["bot", "worker"]
    ]
    assert len(found) <= 3
    return found if len(found) == 3 else []


def reporting(environment: dict[str, str], workers: list[psutil.Process]) -> bool:
    """Whether each has left its numbers, which it does once it works."""
    _, url = find_running(Path(environment["DATA_DIR"]))
    assert url is not None
    with Redis.from_url(url) as redis:
        names = [key.decode() for key in redis.scan_iter("metrics:*")]
    return all(any(name.endswith(f"-{worker.pid}") for name in names) for worker in workers)


def test_a_list_before_the_first_release_says_what_to_do(environment: dict[str, str]) -> None:
    refused = command(environment, "requests")

    assert refused.returncode == 1
    assert "run python -m bot release" in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_new_secrets_are_printed_for_a_deployment(environment: dict[str, str]) -> None:
    first, second = (command(environment, "secrets").stdout for _ in range(2))

    assert re.fullmatch(
        r"SECRET_KEY=\S{43}\nENCRYPTION_KEYS=\S{44}\nTELEGRAM_WEBHOOK_SECRET=[\w-]{43}\n", first
    )
    assert first != second
