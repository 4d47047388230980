"""Who works here."""

from datetime import UTC, datetime

from bot.commands.counter import check_centre, opened
from bot.commands.refused import CommandRefused
from bot.commands.tables import format_moment, format_table
from bot.config import Settings
from db.models import STAFF_ROLES
from services import staff

_HEADINGS = ("NAME", "ROLE", "CENTRE", "SINCE", "UNTIL")


async def list_staff(settings: Settings, *, with_ended: bool) -> str:
    """Everybody, in the order in which they came."""
    async with opened(settings) as session:
        found = await staff.list_staff(session, with_ended=with_ended)
    if not found:
        return "Nobody works here yet: python -m bot staff add NAME --role ROLE --centre CENTRE"
    rows = [
        (
            person.name,
            person.role.replace("_", " "),
            person.centre_id or "all",
            format_moment(person.created_at),
            format_moment(person.ended_at) if person.ended_at else "",
        )
        for person in found
    ]
    return format_table([_HEADINGS, *rows])


async def add(settings: Settings, name: str, role: str, centre: str | None) -> str:
    """Somebody new."""
    role = role.replace("-", "_")
    if role not in STAFF_ROLES:
        raise CommandRefused(f"there is no such role: take one of {', '.join(STAFF_ROLES)}")
    async with opened(settings) as session:
        if centre is not None:
            await check_centre(session, centre)
        person = await staff.add(session, name, role, centre, now=datetime.now(UTC))
    return f"{person.name} works here now."


async def end(settings: Settings, name: str) -> str:
    """They work here no more."""
    async with opened(settings) as session:
        person = await staff.get_by_name(session, name)
        await staff.end(session, person, now=datetime.now(UTC))
    return f"{person.name} works here no more."
