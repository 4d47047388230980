"""The list of requests, for a terminal."""

from dataclasses import dataclass
from datetime import UTC, datetime

from bot.commands.counter import check_centre, note_look, opened
from bot.commands.refused import CommandRefused
from bot.commands.tables import format_age, format_moment, format_table
from bot.config import Settings
from db.models import STATES
from services.request_queue import QueuedRequest, list_requests

_HEADINGS = (
    "CODE",
    "AGE",
    "STATE",
    "DUE",
    "TOPIC",
    "URGENCY",
    "CENTRE",
    "OWNER",
    "CHANNEL",
    "NAME",
    "COMMUNE",
    "",
)
_ALL = "all"
# What staff must know of the last message to the person, by its delivery.
_NOT_ARRIVED = {
    "failed": "last message did not arrive",
    "unreachable": "last message did not arrive",
    "withheld": "last message was not sent",
    "uncertain": "last message may have arrived",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which requests somebody wants to see."""

    closed_too: bool = False
    overdue: bool = False
    state: str | None = None
    centre: str = _ALL


async def requests_table(settings: Settings, wanted: Wanted, name: str | None = None) -> str:
    """The requests as lines of aligned columns; the look is written down.

    Raises StartError or CommandRefused.
    """
    if wanted.state is not None and wanted.state not in STATES:
        raise CommandRefused(f"there is no such state: take one of {', '.join(STATES)}")
    now = datetime.now(UTC)
    async with opened(settings) as session:
        if wanted.centre != _ALL:
            await check_centre(session, wanted.centre)
        found = await list_requests(
            session,
            centre=wanted.centre,
            state=wanted.state,
            overdue_at=now if wanted.overdue else None,
            with_closed=wanted.closed_too,
        )
        await note_look(session, name)
    if not found:
        return "No such request." if wanted != Wanted() else "No request waits."
    return format_table([_HEADINGS, *(_row(request, now) for request in found)])


def _row(request: QueuedRequest, now: datetime) -> tuple[str, ...]:
    return (
        request.code,
        format_age(now - request.created_at),
        request.state.replace("_", " "),
        _due(request, now),
        request.topic,
        request.urgency,
        request.centre_id,
        request.owner_name or "-",
        request.channel,
        request.name or "-",
        request.home or "-",
        _marks(request),
    )


def _marks(request: QueuedRequest) -> str:
    fate = _NOT_ARRIVED.get(request.last_delivery or "")
    return " ".join(filter(None, (f"({fate})" if fate else "", "(demo)" * request.is_demo)))


def _due(request: QueuedRequest, now: datetime) -> str:
    if request.due_at is None:
        return "-"
    if request.due_at > now:
        return f"in {format_age(request.due_at - now)}"
    told = f" (told: {request.climbed_to})" if request.climbed_to else ""
    return f"overdue since {format_moment(request.due_at)}{told}"
