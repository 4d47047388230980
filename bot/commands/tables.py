"""Tables and moments for a terminal, Khmer included."""

import unicodedata
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

_CAMBODIA = ZoneInfo("Asia/Phnom_Penh")
_MINUTES_PER_HOUR = 60
_HOURS_PER_DAY = 24
# With these a name may show another code behind it than the one that stands there.
_DIRECTIONS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def format_age(age: timedelta) -> str:
    """How long ago, in the one unit that says enough."""
    minutes = int(age.total_seconds()) // 60
    if minutes < _MINUTES_PER_HOUR:
        return f"{minutes} min"
    hours = minutes // _MINUTES_PER_HOUR
    return f"{hours} h" if hours < _HOURS_PER_DAY else f"{hours // _HOURS_PER_DAY} d"


def format_moment(moment: datetime) -> str:
    """Day and time in Cambodia: 2026-11-22 16:00."""
    return f"{moment.astimezone(_CAMBODIA):%Y-%m-%d %H:%M}"


def format_table(rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns, two spaces apart; what people wrote cannot move the terminal's cursor."""
    clean = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(display_width, column)) for column in zip(*clean, strict=True)]
    return "\n".join(
        "  ".join(
            cell + " " * (width - display_width(cell))
            for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in clean
    )


def display_width(text: str) -> int:
    """Columns that a terminal gives to a text: signs above and below a letter take none."""
    return sum(_character_width(character) for character in text)


def _character_width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def printable(text: str) -> str:
    """One line without signs that steer a terminal, or turn around what it shows."""
    return "".join(
        " " if unicodedata.category(sign) in ("Cc", "Zl", "Zp") else sign
        for sign in text
        if sign not in _DIRECTIONS
    )
