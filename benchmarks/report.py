"""The table of what was measured, and how it stands beside the goals."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.systems import POSTGRES, VALKEY

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
BEGIN, END = "<!-- measured -->", "<!-- /measured -->"
_LIBRARIES = ("aiogram", "aiogram_dialog", "python-telegram-bot", "sqlalchemy", "asyncpg", "redis")
_SERVERS = (POSTGRES, VALKEY)
_STAGES = ("dialog", "database", "standing", "sending", "consumer")


@dataclass
class Measured:
    """One program. Processor milliseconds are per turn; lists of seconds are sorted."""

    title: str
    start_s: float
    turns_per_s: float
    calls_per_turn: float
    cpu_ms: dict[str, float]
    burst_s: list[float]
    steady_s: list[float] = field(default_factory=list)
    megabytes: dict[str, float] = field(default_factory=dict)
    shares: dict[str, float] = field(default_factory=dict)

    @property
    def program_ms(self) -> float:
        return sum(ms for name, ms in self.cpu_ms.items() if name not in _SERVERS)

    @property
    def total_ms(self) -> float:
        return sum(self.cpu_ms.values())


def percentile(seconds: Sequence[float], share: float) -> float:
    """Milliseconds below which that share of the sorted seconds lies."""
    return 1000 * seconds[min(len(seconds) - 1, int(share * len(seconds)))] if seconds else 0.0


def table(measured: Sequence[Measured], *, people: int) -> str:
    """Markdown that reads well in a terminal too."""
    rows = [["", *(one.title for one in measured)]]
    rows += [[label, *map(cell, measured)] for label, cell in _ROWS]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join([_circumstances(people), "", *lines, "", *_goals(measured)])


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _stage(name: str, one: Measured) -> str:
    share = one.shares.get(name)
    return "" if share is None else f"{one.cpu_ms['consumer'] * share:.2f}"


def _memory(one: Measured) -> str:
    return ", ".join(f"{name} {size:.0f}" for name, size in one.megabytes.items())


_ROWS = (
    ("CPU ms per turn: all", lambda one: _ms(one.total_ms)),
    ("- own processes", lambda one: _ms(one.program_ms)),
    ("-- web", lambda one: _ms(one.cpu_ms.get("web"))),
    ("-- consumer", lambda one: _ms(one.cpu_ms.get("consumer"))),
    ("--- dialog", lambda one: _stage("dialog", one)),
    ("--- database", lambda one: _stage("database", one)),
    ("--- where people stand", lambda one: _stage("standing", one)),
    ("--- sending", lambda one: _stage("sending", one)),
    ("--- inbox and event loop", lambda one: _stage("consumer", one)),
    ("- PostgreSQL", lambda one: _ms(one.cpu_ms[POSTGRES])),
    ("- Valkey", lambda one: _ms(one.cpu_ms[VALKEY])),
    ("Bot API calls per turn", lambda one: _ms(one.calls_per_turn)),
    ("turns/s, all at once", lambda one: f"{one.turns_per_s:.0f}"),
    ("p50 ms, all at once", lambda one: f"{percentile(one.burst_s, 0.5):.0f}"),
    ("p99 ms, all at once", lambda one: f"{percentile(one.burst_s, 0.99):.0f}"),
    ("p50 ms at 50 turns/s", lambda one: f"{percentile(one.steady_s, 0.5):.0f}"),
    ("p99 ms at 50 turns/s", lambda one: f"{percentile(one.steady_s, 0.99):.0f}"),
    ("memory MB", _memory),
    ("start to first answer s", lambda one: f"{one.start_s:.1f}"),
)


def _circumstances(people: int) -> str:
    versions = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    return (
        f"{datetime.now(UTC):%d.%m.%Y}, {people} people, {os.cpu_count()} cores shared with"
        f" whatever else runs there, Python {platform.python_version()}, {versions}."
    )


def _goals(measured: Sequence[Measured]) -> list[str]:
    by_title = {one.title: one for one in measured}
    ours = by_title.get("Tralob")
    if ours is None:
        return []
    goals = []
    for title, most in (("bare aiogram-dialog", 2.0), ("plain PTB, httpx", 1.0)):
        if (other := by_title.get(title)) is not None:
            goals.append(
                _goal(
                    f"CPU, times {title}",
                    ours.total_ms / other.total_ms,
                    most,
                    f"without the servers {ours.program_ms / other.program_ms:.2f}",
                )
            )
    goals += [
        _goal("p99 ms at 50 turns/s", percentile(ours.steady_s, 0.99), 250),
        _goal("web MB", ours.megabytes["web"], 320),
        _goal("delivery MB", ours.megabytes["delivery"], 130),
    ]
    return goals


def _goal(what: str, is_now: float, most: float, note: str = "") -> str:
    verdict = "met" if is_now <= most else "MISSED"
    return f"- {what}: {is_now:.2f}, goal {most:g}: {verdict}" + (f" ({note})" if note else "")


def write(measured_table: str) -> None:
    """Replace the table in docs/benchmarks.md."""
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{measured_table}\n{END}{after}", encoding="utf-8")
