"""The list of requests that wait, for a terminal."""

import unicodedata
from collections.abc import Sequence
from datetime import timedelta

from bot.config import Settings
from bot.database import opened_database
from services.requests import WaitingRequest, list_waiting

_HEADINGS = ("CODE", "AGE", "TOPIC", "URGENCY", "CENTRE", "CHANNEL", "NAME", "COMMUNE", "")
_MINUTES_PER_HOUR = 60
_HOURS_PER_DAY = 24


async def waiting_table(settings: Settings) -> str:
    """The requests that nobody has taken, as lines of aligned columns. Raises StartError."""
    async with opened_database(settings) as new_session, new_session() as session:
        waiting = await list_waiting(session)
    if not waiting:
        return "No request waits."
    return format_table([_HEADINGS, *(_row(request) for request in waiting)])


def _row(request: WaitingRequest) -> tuple[str, ...]:
    return (
        request.code,
        _age(request.age),
        request.topic,
        request.urgency,
        request.centre_id,
        request.channel,
        request.name or "-",
        request.commune or "-",
        "(demo)" if request.is_demo else "",
    )


def _age(age: timedelta) -> str:
    minutes = int(age.total_seconds()) // 60
    if minutes < _MINUTES_PER_HOUR:
        return f"{minutes} min"
    hours = minutes // _MINUTES_PER_HOUR
    return f"{hours} h" if hours < _HOURS_PER_DAY else f"{hours // _HOURS_PER_DAY} d"


def format_table(rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns, two spaces apart; what people wrote cannot move the terminal's cursor."""
    clean = [[_printable(cell) for cell in row] for row in rows]
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


def _printable(text: str) -> str:
    return "".join(
        " " if unicodedata.category(sign) in ("Cc", "Zl", "Zp") else sign for sign in text
    )
