"""The tables of what delivery was measured to do, and how it stands beside the goals."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

from benchmarks.report import PAGE, percentile

BEGIN, END = "<!-- delivery -->", "<!-- /delivery -->"
LEAST_PER_S, MOST_MS, LEAST_SHARE, MOST_P95_MS = 500, 1.5, 0.99, 1000
_LIBRARIES = ("python-telegram-bot", "twilio", "aiohttp", "asyncpg", "redis")


@dataclass(frozen=True)
class Unlimited:
    """One worker against a sink; processor milliseconds are per message."""

    channel: str
    messages: int
    per_second: float
    worker_ms: float
    postgres_ms: float
    valkey_ms: float
    megabytes: float


@dataclass(frozen=True)
class Limited:
    """Bulk beside dialogs at a carrier that sets the pace; `turns_s` is sorted."""

    seconds: float
    bulk_per_second: float
    dialogs_per_second: float
    limit: int
    refused: int
    turns_s: Sequence[float]

    @property
    def share(self) -> float:
        """How much of what the dialogs leave the bulk gets."""
        return self.bulk_per_second / (self.limit - self.dialogs_per_second)


def describe(unlimited: Sequence[Unlimited], limited: Limited | None) -> str:
    """Markdown that reads well in a terminal too."""
    lines = [_circumstances()]
    if unlimited:
        lines += ["", *_free_table(unlimited)]
    if limited is not None:
        lines += ["", *_limited_table(limited)]
    lines += ["", *[goal for one in unlimited for goal in _free_goals(one)]]
    if limited is not None:
        lines += _limited_goals(limited)
    return "\n".join(lines)


def _circumstances() -> str:
    versions = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    return (
        f"{datetime.now(UTC):%d.%m.%Y}, {os.cpu_count()} cores shared with whatever else runs"
        f" there (load {os.getloadavg()[0]:.1f} at the end), Python {platform.python_version()},"
        f" {versions}."
    )


def _free_table(unlimited: Sequence[Unlimited]) -> list[str]:
    rows = [
        ["no limit", *(one.channel for one in unlimited)],
        ["messages", *(f"{one.messages}" for one in unlimited)],
        ["messages/s of one worker", *(f"{one.per_second:.0f}" for one in unlimited)],
        ["CPU ms a message, worker", *(f"{one.worker_ms:.2f}" for one in unlimited)],
        ["- PostgreSQL", *(f"{one.postgres_ms:.2f}" for one in unlimited)],
        ["- Valkey", *(f"{one.valkey_ms:.2f}" for one in unlimited)],
        ["worker MB", *(f"{one.megabytes:.0f}" for one in unlimited)],
    ]
    return _table(rows)


def _limited_table(limited: Limited) -> list[str]:
    return _table(
        [
            [f"limit {limited.limit}/s, for {limited.seconds:.0f} s", ""],
            ["dialogs, calls that count a second", f"{limited.dialogs_per_second:.2f}"],
            ["bulk messages/s", f"{limited.bulk_per_second:.2f}"],
            ["share of what dialogs leave", f"{limited.share:.1%}"],
            ["answers 429", f"{limited.refused}"],
            ["dialogs p50 ms", f"{percentile(limited.turns_s, 0.5):.0f}"],
            ["dialogs p95 ms", f"{percentile(limited.turns_s, 0.95):.0f}"],
            ["dialogs slowest ms", f"{1000 * limited.turns_s[-1]:.0f}"],
        ]
    )


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return lines


def _free_goals(one: Unlimited) -> list[str]:
    return [
        _goal(
            f"{one.channel}, messages/s",
            f"{one.per_second:.0f}",
            f"{LEAST_PER_S}",
            one.per_second >= LEAST_PER_S,
        ),
        _goal(
            f"{one.channel}, worker's CPU ms a message",
            f"{one.worker_ms:.2f}",
            f"{MOST_MS:g}",
            one.worker_ms <= MOST_MS,
        ),
    ]


def _limited_goals(limited: Limited) -> list[str]:
    p95 = percentile(limited.turns_s, 0.95)
    return [
        _goal(
            "bulk's share of what dialogs leave",
            f"{limited.share:.1%}",
            f"{LEAST_SHARE:.0%}",
            limited.share >= LEAST_SHARE,
        ),
        _goal("dialogs p95 ms", f"{p95:.0f}", f"{MOST_P95_MS}", p95 < MOST_P95_MS),
        _goal("answers 429", f"{limited.refused}", "0", limited.refused == 0),
    ]


def _goal(what: str, is_now: str, goal: str, met: bool) -> str:
    return f"- {what}: {is_now}, goal {goal}: {'met' if met else 'MISSED'}"


def write(described: str) -> None:
    """Replace the tables of delivery in docs/benchmarks.md."""
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{described}\n{END}{after}", encoding="utf-8")
