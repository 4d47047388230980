"""The whole line as `make run` starts it, on a data folder and ports of the test's own."""

import asyncio
import contextlib
import os
import re
import signal
import socket
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from bot.embedded import stop_postgres, stop_valkey
from bot.embedded.paths import socket_dir
from tests.served_app import until

REPOSITORY = Path(__file__).parents[2]
PATIENCE_S = 120.0


def free_ports(count: int) -> list[int]:
    """Different ports of this machine that nobody listens on."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def clean_environment() -> dict[str, str]:
    """This process's environment without any setting of the line."""
    known = re.findall(r"^# ([A-Z_]+)=", (REPOSITORY / ".env.example").read_text(), re.MULTILINE)
    left = {name: value for name, value in os.environ.items() if name not in known}
    return left | {"PYTHONPATH": str(REPOSITORY)}


@dataclass(frozen=True)
class WholeLine:
    """A running line: where its pages are, and the command that looks into it."""

    url: str
    folder: Path
    environment: dict[str, str]
    process: Process

    @property
    def printed(self) -> str:
        return (self.folder / "printed").read_text()

    async def command(self, *words: str) -> str:
        """What `python -m bot …` prints in a second terminal; it must succeed."""
        command = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            *words,
            cwd=self.folder,
            env=self.environment,
            stdout=PIPE,
        )
        out, _ = await command.communicate()
        assert command.returncode == 0
        return out.decode()

    async def stop(self) -> int:
        """Press Ctrl-C; returns the exit code."""
        self.process.send_signal(signal.SIGINT)
        async with asyncio.timeout(PATIENCE_S):
            return await self.process.wait()

    def processes(self) -> list[psutil.Process]:
        """Every process of this line, its database servers too."""
        mine = str(self.folder)
        return [
            process
            for process in psutil.process_iter()
            if process.pid != os.getpid() and mine in _where(process)
        ]


def _where(process: psutil.Process) -> str:
    """What ties a process to a folder: where it works, and what it was called with."""
    try:
        return " ".join([process.cwd(), *process.cmdline()])
    except psutil.Error:
        return ""


@contextlib.asynccontextmanager
async def whole_line(folder: Path) -> AsyncIterator[WholeLine]:
    """`python -m bot run` in an empty folder, ready; nothing of it is left afterwards."""
    port, simulator_port = free_ports(2)
    data_dir = folder / "var"
    environment = clean_environment() | {
        "DATA_DIR": str(data_dir),
        "PORT": str(port),
        "SIMULATOR_PORT": str(simulator_port),
    }
    with (folder / "printed").open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            "run",
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=STDOUT,
        )
    line = WholeLine(f"http://127.0.0.1:{port}", folder, environment, process)
    try:
        await until(
            lambda: "Ctrl-C stops everything" in line.printed or process.returncode is not None,
            PATIENCE_S,
        )
        assert process.returncode is None, line.printed
        yield line
    finally:
        await _end(line)
        end_servers(data_dir)


def end_servers(data_dir: Path) -> None:
    """Stop the database servers of a data folder, wherever their sockets lie."""
    stop_postgres(data_dir)
    stop_valkey(data_dir)
    if not socket_dir(data_dir).is_relative_to(data_dir):
        socket_dir(data_dir).rmdir()


async def _end(line: WholeLine) -> None:
    """Kill what a failed test left; the database servers are stopped by their own means."""
    if line.process.returncode is None:
        line.process.kill()
        await line.process.wait()
    for process in line.processes():
        with contextlib.suppress(psutil.NoSuchProcess):
            if not process.name().startswith(("postgres", "valkey-server")):
                process.kill()
