"""The table of how quickly the desk answers, and how it stands beside the goals."""

import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version

from benchmarks.report import PAGE, percentile

BEGIN, END = "<!-- desk -->", "<!-- /desk -->"
MOST_P95_MS, MOST_GROWTH = 50.0, 1.5
_LIBRARIES = ("starlette", "uvicorn", "jinja2", "sqlalchemy", "asyncpg")


def describe(measured: Mapping[int, Mapping[str, Sequence[float]]], *, queue: Sequence[str]) -> str:
    """Markdown of sorted seconds by number of requests and kind of page; smallest number first."""
    sizes = list(measured)
    rows = [["p50 / p95 ms", *(f"{size:,}" for size in sizes), "p95 grows"]]
    for name in measured[sizes[0]]:
        times = [measured[size][name] for size in sizes]
        said = [f"{percentile(one, 0.5):.1f} / {percentile(one, 0.95):.1f}" for one in times]
        rows.append([name, *said, f"{_growth(times):.2f}"])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join([_circumstances(), "", *lines, "", *_goals(measured, queue)])


def write(described: str) -> None:
    """Replace the table in docs/benchmarks.md."""
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{described}\n{END}{after}", encoding="utf-8")


def _growth(times: Sequence[Sequence[float]]) -> float:
    """The p95 of the largest number by that of the smallest."""
    return percentile(times[-1], 0.95) / percentile(times[0], 0.95)


def _goals(
    measured: Mapping[int, Mapping[str, Sequence[float]]], queue: Sequence[str]
) -> list[str]:
    """For all tabs of the queue taken together."""
    sizes = list(measured)
    together = [sorted(one for name in queue for one in measured[size][name]) for size in sizes]
    p95, growth = percentile(together[-1], 0.95), _growth(together)
    return [
        f"- queue p95 ms at {sizes[-1]:,}: {p95:.1f}, goal {MOST_P95_MS:g}:"
        f" {_verdict(p95, MOST_P95_MS)}",
        f"- queue p95, times that at {sizes[0]:,}: {growth:.2f}, goal {MOST_GROWTH:g}:"
        f" {_verdict(growth, MOST_GROWTH)}",
    ]


def _verdict(is_now: float, most: float) -> str:
    return "met" if is_now <= most else "MISSED"


def _circumstances() -> str:
    versions = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    return (
        f"{datetime.now(UTC):%d.%m.%Y}, {os.cpu_count()} cores shared with whatever else runs"
        f" there (load {os.getloadavg()[0]:.1f} at the end), Python {platform.python_version()},"
        f" {versions}."
    )
