"""What a turn of the conversation costs, beside two programs that do less.

200 people register at once, over real HTTP, against Tralob's real processes with real PostgreSQL
and Valkey; then, in the same run, against bare aiogram-dialog and against plain
python-telegram-bot. Run it with `python -m benchmarks.turns` (`--write` puts the table into
docs/benchmarks.md); it takes about two minutes and leaves nothing behind.
"""

import argparse
import asyncio
import json
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import uvloop

from benchmarks import report, systems
from benchmarks.people import People
from benchmarks.report import Measured
from benchmarks.sink import serve_sink
from benchmarks.systems import Program, Running
from bot.embedded import start_postgres, start_valkey, stop_postgres, stop_valkey
from db.crypto import Keyring, derive_key, use_keyring

WARM_UP = 5
SAMPLED = 60
PER_SECOND = 50.0
NO_LIMIT = {"TELEGRAM_PER_S": "0"}
TOO_LONG_S = 300

Build = Callable[[Path, str], Program]


def without_limit(data_dir: Path, api_url: str, *, report: Path | None = None) -> Program:
    """Ours, as fast as it can: the others know no limit either."""
    program = systems.tralob(data_dir, api_url, report=report)
    return replace(program, environment={**program.environment, **NO_LIMIT})


BUILDS: dict[str, Build] = {
    "tralob": without_limit,
    "aiogram": systems.bare_aiogram,
    "ptb-httpx": partial(systems.plain_ptb, request="httpx"),
    "ptb-aiohttp": partial(systems.plain_ptb, request="aiohttp"),
}


@contextmanager
def own_servers() -> Iterator[Path]:
    """PostgreSQL and Valkey as they are run for people, in a folder to throw away."""
    data_dir = Path(tempfile.mkdtemp(prefix="tralob-turns-"))
    try:
        start_postgres(data_dir)
        start_valkey(data_dir)
        yield data_dir
    finally:
        stop_postgres(data_dir)
        stop_valkey(data_dir)
        shutil.rmtree(data_dir, ignore_errors=True)


async def measure(build: Build, data_dir: Path, *, people: int, steady_s: float) -> Measured:
    """One program, from its start to its end."""
    crowd = People()
    server, api_url = await serve_sink(crowd.call)
    try:
        async with systems.started(build(data_dir, api_url), data_dir) as running:
            await crowd.register_at_once(running.program.webhook, WARM_UP)
            measured = await _measure_burst(running, crowd, people)
            steady = await crowd.register_steadily(running.program.webhook, PER_SECOND, steady_s)
            measured.steady_s = sorted(steady)
            measured.megabytes = running.megabytes()
            return measured
    finally:
        server.close()


async def _measure_burst(running: Running, crowd: People, people: int) -> Measured:
    before, calls, began = running.cpu_seconds(), crowd.calls, time.perf_counter()
    turns = await crowd.register_at_once(running.program.webhook, people)
    seconds = time.perf_counter() - began
    after = running.cpu_seconds()
    return Measured(
        title=running.program.title,
        start_s=crowd.first_answer_at - running.started_at,
        turns_per_s=len(turns) / seconds,
        calls_per_turn=(crowd.calls - calls) / len(turns),
        cpu_ms={name: 1000 * (after[name] - spent) / len(turns) for name, spent in before.items()},
        burst_s=sorted(turns),
    )


async def sample_consumer(data_dir: Path) -> dict[str, float]:
    """Which share of the consumer's processor time each stage takes."""
    crowd = People()
    server, api_url = await serve_sink(crowd.call)
    found = data_dir / "samples.json"
    try:
        program = without_limit(data_dir, api_url, report=found)
        async with systems.started(program, data_dir) as running:
            await crowd.register_at_once(program.webhook, WARM_UP)
            running.processes["consumer"].send_signal(signal.SIGUSR1)
            await crowd.register_at_once(program.webhook, SAMPLED)
    finally:
        server.close()
    counted: dict[str, int] = json.loads(found.read_text(encoding="utf-8"))
    return {stage: count / sum(counted.values()) for stage, count in counted.items()}


async def compare(names: list[str], *, people: int, steady_s: float) -> list[Measured]:
    use_keyring(Keyring([systems.ENCRYPTION_KEY], derive_key(systems.SECRET_KEY, b"blind-index")))
    with own_servers() as data_dir:
        environment = systems.tralob_environment(data_dir, "http://127.0.0.1:9")
        systems.run_to_end(data_dir, environment, "-m", "bot", "release")
        measured = []
        for name in names:
            found = await measure(BUILDS[name], data_dir, people=people, steady_s=steady_s)
            if name == "tralob":
                found.shares = await sample_consumer(data_dir)
            measured.append(found)
            print(f"{found.title}: {found.turns_per_s:.0f} turns/s", file=sys.stderr)
        return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=200, help="who register at once")
    parser.add_argument("--steady", type=float, default=10.0, help="seconds at 50 turns/s")
    parser.add_argument("--only", choices=BUILDS, nargs="*", default=list(BUILDS))
    parser.add_argument("--write", action="store_true", help="into docs/benchmarks.md")
    given = parser.parse_args()

    async def within_bounds() -> list[Measured]:
        async with asyncio.timeout(TOO_LONG_S):
            return await compare(given.only, people=given.people, steady_s=given.steady)

    table = report.table(uvloop.run(within_bounds()), people=given.people)
    print(table)
    if given.write:
        report.write(table)


if __name__ == "__main__":
    main()
