"""Who works here, and how they get into the desk."""

from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from bot.commands.counter import check_centre, opened
from bot.commands.refused import CommandRefused
from bot.commands.tables import format_moment, format_table
from bot.config import Settings
from db.models import STAFF_ROLES, Staff
from services import accounts, staff
from services.errors import UnusableUsername, UsernameTaken

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


async def add(
    settings: Settings, name: str, role: str, centre: str | None, username: str | None = None
) -> str:
    """Somebody new; with a username also the link by which they get into the desk."""
    role = _read_role(role)
    now = datetime.now(UTC)
    async with opened(settings) as session:
        if centre is not None:
            await check_centre(session, centre)
        person = await staff.add(session, name, role, centre, now=now)
        said = f"{person.name} works here now."
        if username is not None:
            said += "\n" + await _invite(session, settings, person, username, now)
    return said


async def change(
    settings: Settings, name: str, role: str | None, centre: str | None, *, force: bool = False
) -> str:
    """Another role, another centre, or both; what is not named stays."""
    async with opened(settings) as session:
        person = await staff.get_by_name(session, name)
        new_role = person.role if role is None else _read_role(role)
        if new_role != "administrator" and not force:
            await _keep_an_administrator(session, person)
        if centre is not None and centre != "all":
            await check_centre(session, centre)
        new_centre = _read_centre(centre, new_role, person)
        now = datetime.now(UTC)
        moved = await staff.change_role(session, person, new_role, new_centre, now=now)
    shown = f"{person.role.replace('_', ' ')}, {person.centre_id or 'all centres'}"
    said = f"{person.name} is now: {shown}. They are signed out of the desk."
    return said + _say_moved(moved)


async def invite(
    settings: Settings, name: str, username: str | None = None, *, reset: bool = False
) -> str:
    """A new link into the desk; with `reset` the lost phone and its codes let nobody in."""
    now = datetime.now(UTC)
    async with opened(settings) as session:
        person = await staff.get_by_name(session, name)
        username = username or await accounts.find_username(session, person)
        if username is None:
            raise CommandRefused(f"{person.name} has no username yet: --username USERNAME")
        if reset:
            await accounts.reset(session, person, by=None, now=now)
        return await _invite(session, settings, person, username, now)


async def end(settings: Settings, name: str, *, force: bool = False) -> str:
    """They work here no more."""
    async with opened(settings) as session:
        person = await staff.get_by_name(session, name)
        if not force:
            await _keep_an_administrator(session, person)
        moved = await staff.end(session, person, now=datetime.now(UTC))
    return f"{person.name} works here no more." + _say_moved(moved)


async def take_up(settings: Settings, name: str) -> str:
    """They work here again, in the role they had."""
    async with opened(settings) as session:
        person = await staff.find_ended(session, name)
        if person is None:
            raise CommandRefused("nobody of this name has left: python -m bot staff list --ended")
        await staff.take_up(session, person, now=datetime.now(UTC))
    shown = f"{person.role.replace('_', ' ')}, {person.centre_id or 'all centres'}"
    return (
        f"{person.name} works here again: {shown}. "
        f'For a new way into the desk: python -m bot staff invite "{person.name}"'
    )


async def _keep_an_administrator(session: AsyncSession, person: Staff) -> None:
    """Raises CommandRefused where nobody would be left who lets others into the desk."""
    if await staff.is_last_administrator(session, person):
        raise CommandRefused(
            f"{person.name} is the last administrator, nobody could let others into the desk; "
            "--force if this is meant, else first: "
            "python -m bot staff add NAME --role administrator --username USERNAME"
        )


def _say_moved(requests: int) -> str:
    """What became of requests that they see no more."""
    return f"\nGiven back to their centres, for anybody to take: {requests}" if requests else ""


async def _invite(
    session: AsyncSession, settings: Settings, person: Staff, username: str, now: datetime
) -> str:
    try:
        token = await accounts.invite(session, person, username, by=None, now=now)
    except UnusableUsername:
        raise CommandRefused(
            "this cannot be a username: 3 to 32 small Latin letters, digits, dots, - and _, "
            "beginning with a letter"
        ) from None
    except UsernameTaken:
        raise CommandRefused("somebody else has this username") from None
    until = format_moment(now + accounts.INVITATION_LASTS)
    link = f"{settings.public_url}/desk/invitation/{token}"
    shown = await accounts.find_username(session, person)
    return f"Give this link to {person.name} ({shown}) alone; it works once, until {until}:\n{link}"


def _read_centre(typed: str | None, role: str, person: Staff) -> str | None:
    """Where they work from now on: at their centre, if nothing is said and the role has one."""
    if typed is None:
        return None if role in staff.OF_ALL_CENTRES else person.centre_id
    return None if typed == "all" else typed


def _read_role(typed: str) -> str:
    """Raises CommandRefused, naming the roles that there are."""
    role = typed.replace("-", "_")
    if role not in STAFF_ROLES:
        raise CommandRefused(f"there is no such role: take one of {', '.join(STAFF_ROLES)}")
    return role
