"""The programs of the comparison as processes, and how much processor time and memory they use."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import psutil

from benchmarks.people import SECRET
from bot.embedded.paths import postgres_data, postgres_url, valkey_data, valkey_url
from bot.embedded.processes import find_process

ROOT = Path(__file__).parents[1]
TOKEN = "100001:benchmark"
SECRET_KEY = "the secret key of a benchmark"
ENCRYPTION_KEY = bytes(32)
_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 15.0
_MEGABYTE = 2**20

POSTGRES, VALKEY = "PostgreSQL", "Valkey"


@dataclass(frozen=True)
class Program:
    """Processes by name, each the arguments of a Python; one of them listens on `port`."""

    title: str
    port: int
    commands: Mapping[str, Sequence[str]]
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def webhook(self) -> str:
        return f"http://127.0.0.1:{self.port}/telegram/webhook"


@dataclass(frozen=True)
class Running:
    """A started program, beside the two servers."""

    program: Program
    started_at: float
    processes: Mapping[str, psutil.Process]
    data_dir: Path

    def cpu_seconds(self) -> dict[str, float]:
        """Processor time so far, by process, PostgreSQL with all its backends and Valkey."""
        seconds = {name: _own_seconds(process) for name, process in self.processes.items()}
        return seconds | {
            POSTGRES: _postgres_seconds(self.data_dir),
            VALKEY: _valkey_seconds(self.data_dir),
        }

    def megabytes(self) -> dict[str, float]:
        return {
            name: process.memory_info().rss / _MEGABYTE for name, process in self.processes.items()
        }


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def tralob(data_dir: Path, api_url: str, *, report: Path | None = None) -> Program:
    """Our own three processes; with a `report` the consumer is sampled into it."""
    port = free_port()
    inbox = ["bot", "worker", "inbox"] if report is None else ["benchmarks.sampling", str(report)]
    return Program(
        "Tralob",
        port,
        {
            "web": ["-m", "bot", "web"],
            "consumer": ["-m", *inbox],
            "delivery": ["-m", "bot", "worker", "outbox"],
        },
        {**tralob_environment(data_dir, api_url), "PORT": str(port)},
    )


def tralob_environment(data_dir: Path, api_url: str) -> dict[str, str]:
    return {
        "DATABASE_URL": postgres_url(data_dir),
        "REDIS_URL": valkey_url(data_dir),
        "PUBLIC_URL": "https://tralob.example",
        "SECRET_KEY": SECRET_KEY,
        "ENCRYPTION_KEYS": "A" * 43 + "=",
        "TELEGRAM_BOT_TOKEN": TOKEN,
        "TELEGRAM_API_URL": api_url,
        "TELEGRAM_WEBHOOK_SECRET": SECRET,
        "DATA_DIR": str(data_dir),
        "LOG_LEVEL": "warning",
    }


def bare_aiogram(data_dir: Path, api_url: str) -> Program:
    port = free_port()
    redis_url = valkey_url(data_dir).replace("db=0", "db=1")
    options = ["--redis-url", redis_url, *_common(port, api_url)]
    return Program(
        "bare aiogram-dialog", port, {"program": ["-m", "benchmarks.bare_aiogram", *options]}
    )


def plain_ptb(data_dir: Path, api_url: str, request: str) -> Program:
    port = free_port()
    options = ["--request", request, "--database-url", postgres_url(data_dir)]
    options += ["--secret-key", SECRET_KEY, "--encryption-key", ENCRYPTION_KEY.hex()]
    return Program(
        f"plain PTB, {request}",
        port,
        {"program": ["-m", "benchmarks.plain_ptb", *options, *_common(port, api_url)]},
    )


def _common(port: int, api_url: str) -> list[str]:
    return ["--port", str(port), "--api-url", api_url, "--token", TOKEN, "--secret", SECRET]


def run_to_end(data_dir: Path, environment: Mapping[str, str], *arguments: str) -> None:
    """Run a Python to its end. Raises CalledProcessError."""
    subprocess.run(
        [sys.executable, *arguments],
        cwd=data_dir,
        env=_environment(environment),
        check=True,
        stdout=subprocess.DEVNULL,
    )


@contextlib.asynccontextmanager
async def started(program: Program, data_dir: Path) -> AsyncIterator[Running]:
    """The program, as soon as its port answers; ended at the end."""
    started_at = time.perf_counter()
    processes = _spawn(program, data_dir)
    try:
        await _answers(program, list(processes.values()))
        yield Running(
            program,
            started_at,
            {name: psutil.Process(process.pid) for name, process in processes.items()},
            data_dir,
        )
    finally:
        await asyncio.to_thread(_end, list(processes.values()))


def _spawn(program: Program, data_dir: Path) -> dict[str, subprocess.Popen[bytes]]:
    environment = _environment(program.environment)
    return {
        name: subprocess.Popen(
            [sys.executable, *arguments],
            cwd=data_dir,
            env=environment,
            stdout=subprocess.DEVNULL,
        )
        for name, arguments in program.commands.items()
    }


def _environment(values: Mapping[str, str]) -> dict[str, str]:
    return {"PATH": os.defpath, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", **values}


async def _answers(program: Program, processes: Sequence[subprocess.Popen[bytes]]) -> None:
    async with aiohttp.ClientSession() as client, asyncio.timeout(_START_TIMEOUT_S):
        while True:
            if any(process.poll() is not None for process in processes):
                raise RuntimeError(f"{program.title} did not start")
            with contextlib.suppress(aiohttp.ClientError):
                async with client.get(f"http://127.0.0.1:{program.port}/healthz"):
                    return
            await asyncio.sleep(0.01)


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.send_signal(signal.SIGTERM)
    for process in processes:
        try:
            process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _own_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _postgres_seconds(data_dir: Path) -> float:
    """The postmaster, its backends, and those that have ended."""
    data = postgres_data(data_dir)
    server = find_process(data / "postmaster.pid", "postgres", data)
    assert server is not None
    ended = server.cpu_times()
    total = _own_seconds(server) + ended.children_user + ended.children_system
    for backend in server.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            total += _own_seconds(backend)
    return float(total)


def _valkey_seconds(data_dir: Path) -> float:
    folder = valkey_data(data_dir)
    server = find_process(folder / "valkey.pid", "valkey", folder)
    assert server is not None
    return _own_seconds(server)
