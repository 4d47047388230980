"""The staff: who they are, and what they may do with a request.

Names are sealed in the database, so they are compared here; there are never many.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import STAFF_ROLES, Centre, Request, Staff
from services import accounts, audit, staff_requests
from services.accounts.authority import check_may_manage
from services.errors import (
    EmptyText,
    NotAllowed,
    StaffNameTaken,
    StaffNotFound,
    TextTooLong,
    UnknownCentre,
    UnusableRole,
)
from services.plain_text import clean_line
from services.staff_cards import linking

OF_ALL_CENTRES = ("administrator", "auditor")
_STAFF = "staff"  # what the audit calls them
LONGEST_NAME = 80
"""Characters."""


async def add(
    session: AsyncSession,
    name: str,
    role: str,
    centre_id: str | None,
    *,
    now: datetime,
    by: UUID | None = None,
) -> Staff:
    """Somebody new; `by` is the administrator who adds them, None whoever has the machine.

    Raises NotAllowed, EmptyText, TextTooLong, StaffNameTaken, UnusableRole or UnknownCentre.
    """
    await check_may_manage(session, by)
    name = read_name(name)
    await _check_role(session, role, centre_id)
    if await find_by_name(session, name) is not None:
        raise StaffNameTaken
    person = Staff(name=name, role=role, centre_id=centre_id, created_at=now)
    session.add(person)
    await session.flush()
    await audit.record_by(session, by, "added", _STAFF, person.id, now=now)
    return person


async def get(session: AsyncSession, staff_id: UUID) -> Staff:
    """Who works here or did. Raises StaffNotFound."""
    person = await session.get(Staff, staff_id, populate_existing=True)
    if person is None:
        raise StaffNotFound
    return person


async def find_by_name(session: AsyncSession, name: str) -> Staff | None:
    """Who works here under this name, written in capitals or not."""
    wanted = _folded(name)
    for person in await list_staff(session):
        if _folded(person.name) == wanted:
            return person
    return None


async def find_ended(session: AsyncSession, name: str) -> Staff | None:
    """Who left under this name, the last one of several."""
    wanted = _folded(name)
    left = [
        (person.ended_at, person)
        for person in await list_staff(session, with_ended=True)
        if person.ended_at is not None and _folded(person.name) == wanted
    ]
    return max(left, key=lambda one: one[0])[1] if left else None


async def get_by_name(session: AsyncSession, name: str) -> Staff:
    """As `find_by_name`. Raises StaffNotFound."""
    person = await find_by_name(session, name)
    if person is None:
        raise StaffNotFound
    return person


async def list_staff(
    session: AsyncSession, centre: str = "all", *, with_ended: bool = False
) -> Sequence[Staff]:
    """In the order in which they came; those of one centre without who works for all."""
    query = select(Staff).order_by(Staff.created_at, Staff.id)
    if centre != "all":
        query = query.where(Staff.centre_id == centre)
    if not with_ended:
        query = query.where(Staff.ended_at.is_(None))
    return (await session.scalars(query)).all()


async def set_name(
    session: AsyncSession, person: Staff, name: str, *, now: datetime, by: UUID | None = None
) -> None:
    """Correct how somebody is called. Raises NotAllowed, EmptyText, TextTooLong, StaffNameTaken."""
    await check_may_manage(session, by)
    name = read_name(name)
    if name == person.name:
        return
    if await find_by_name(session, name) not in (None, person):
        raise StaffNameTaken
    person.name = name
    await session.flush()
    await audit.record_by(session, by, "changed", _STAFF, person.id, fields=["name"], now=now)


async def change_role(
    session: AsyncSession,
    person: Staff,
    role: str,
    centre_id: str | None,
    *,
    now: datetime,
    by: UUID | None = None,
    to: Staff | None = None,
) -> int:
    """Other work, or the same for another centre: they sign in to the desk anew.

    Open requests that they see no more go to the colleague `to`, or without one back to their
    centre; returns how many. Raises NotAllowed (nobody changes their own role), StaffNotFound for
    who has left, UnusableRole and UnknownCentre.
    """
    await _hold_for_change(session, person, to, by)
    if person.ended_at is not None:
        raise StaffNotFound
    await _check_role(session, role, centre_id)
    before = {"role": person.role, "centre_id": person.centre_id}
    person.role, person.centre_id = role, centre_id
    changed = [name for name, value in before.items() if getattr(person, name) != value]
    if not changed:
        return 0
    await session.flush()
    await accounts.end_all(session, person.id, now=now)
    await linking.unlink(session, person.id, by=by, now=now)
    await audit.record_by(session, by, "changed", _STAFF, person.id, fields=changed, now=now)
    return await staff_requests.release(session, person, to, by=by, now=now)


async def end(
    session: AsyncSession,
    person: Staff,
    *,
    now: datetime,
    by: UUID | None = None,
    to: Staff | None = None,
) -> int:
    """They work here no more and are signed out; what they did keeps their name.

    Their open requests go on as with `change_role`; returns how many. Raises NotAllowed: nobody
    ends themselves, so one administrator always stays.
    """
    await _hold_for_change(session, person, to, by)
    if person.ended_at is not None:
        return 0
    person.ended_at = now
    await session.flush()
    await accounts.end_all(session, person.id, now=now)
    await linking.unlink(session, person.id, by=by, now=now)
    await audit.record_by(session, by, "ended", _STAFF, person.id, now=now)
    return await staff_requests.release(session, person, to, by=by, now=now)


async def take_up(
    session: AsyncSession, person: Staff, *, now: datetime, by: UUID | None = None
) -> None:
    """Who has left works here again, in the role they had; who works here stays as they are.

    Nothing that let them in before does so again: they need a new link. Raises NotAllowed, and
    StaffNameTaken where somebody else has their name by now.
    """
    await check_may_manage(session, by)
    await session.refresh(person, with_for_update=True)
    if person.ended_at is None:
        return
    if await find_by_name(session, person.name) is not None:
        raise StaffNameTaken
    person.ended_at = None
    await session.flush()
    await audit.record_by(session, by, "changed", _STAFF, person.id, fields=["ended_at"], now=now)
    await accounts.reset(session, person, by=by, now=now)


async def is_last_administrator(session: AsyncSession, person: Staff) -> bool:
    """Whether nobody else who works here may add staff and let them in."""
    others = (
        select(func.count())
        .select_from(Staff)
        .where(Staff.role == "administrator", Staff.ended_at.is_(None), Staff.id != person.id)
    )
    is_one = person.role == "administrator" and person.ended_at is None
    return is_one and not await session.scalar(others)


async def hold_role(session: AsyncSession, staff_id: UUID) -> Staff:
    """Who they are at this moment; they stay so until the transaction ends.

    Without it somebody could be given a request while they leave, and nobody would ever see it.
    """
    query = (
        select(Staff)
        .where(Staff.id == staff_id)
        .with_for_update(read=True, key_share=True)
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(query)).one()


def check_may_act(person: Staff, request: Request) -> None:
    """Raises NotAllowed for another centre's request, for auditors and for who has left."""
    elsewhere = person.centre_id not in (None, request.centre_id)
    if elsewhere or person.role == "auditor" or person.ended_at is not None:
        raise NotAllowed


async def _hold_for_change(
    session: AsyncSession, person: Staff, to: Staff | None, by: UUID | None
) -> None:
    await check_may_manage(session, by)
    if person.id in (by, None if to is None else to.id):
        raise NotAllowed
    await staff_requests.hold_owned(session, person)
    await session.refresh(person, with_for_update=True)
    if to is not None:
        await hold_role(session, to.id)


def read_name(typed: str) -> str:
    """A name as it is kept. Raises EmptyText and TextTooLong."""
    name = clean_line(typed)
    if not name:
        raise EmptyText
    if len(name) > LONGEST_NAME:
        raise TextTooLong(len(name), LONGEST_NAME)
    return name


async def _check_role(session: AsyncSession, role: str, centre_id: str | None) -> None:
    if role not in STAFF_ROLES or (centre_id is None) != (role in OF_ALL_CENTRES):
        raise UnusableRole
    if centre_id is not None and await session.get(Centre, centre_id) is None:
        raise UnknownCentre


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()
