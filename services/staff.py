"""The staff: who they are, and what they may do with a request.

Names are sealed in the database, so they are compared here; there are never many.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import STAFF_ROLES, Centre, Request, Staff
from services import accounts, audit
from services.errors import NotAllowed, StaffNameTaken, StaffNotFound, UnknownCentre, UnusableRole

OF_ALL_CENTRES = ("administrator", "auditor")


async def add(
    session: AsyncSession, name: str, role: str, centre_id: str | None, *, now: datetime
) -> Staff:
    """Somebody new. Raises StaffNameTaken, UnusableRole or UnknownCentre."""
    name = " ".join(name.split())
    if not name:
        raise UnusableRole
    await _check_role(session, role, centre_id)
    if await find_by_name(session, name) is not None:
        raise StaffNameTaken
    person = Staff(name=name, role=role, centre_id=centre_id, created_at=now)
    session.add(person)
    await session.flush()
    await _note(session, person, "added", now)
    return person


async def find_by_name(session: AsyncSession, name: str) -> Staff | None:
    """Who works here under this name, written in capitals or not."""
    wanted = _folded(name)
    for person in await list_staff(session):
        if _folded(person.name) == wanted:
            return person
    return None


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


async def change_role(
    session: AsyncSession, person: Staff, role: str, centre_id: str | None, *, now: datetime
) -> None:
    """Other work, or the same for another centre: they sign in to the desk anew.

    Raises StaffNotFound for who has left, UnusableRole and UnknownCentre.
    """
    await session.refresh(person, with_for_update=True)
    if person.ended_at is not None:
        raise StaffNotFound
    await _check_role(session, role, centre_id)
    before = {"role": person.role, "centre_id": person.centre_id}
    person.role, person.centre_id = role, centre_id
    changed = [name for name, value in before.items() if getattr(person, name) != value]
    if changed:
        await session.flush()
        await accounts.end_all(session, person.id, now=now)
        await _note(session, person, "changed", now, fields=changed)


async def end(session: AsyncSession, person: Staff, *, now: datetime) -> None:
    """They work here no more and are signed out; what they did keeps their name."""
    if person.ended_at is None:
        person.ended_at = now
        await session.flush()
        await accounts.end_all(session, person.id, now=now)
        await _note(session, person, "ended", now)


def check_may_act(person: Staff, request: Request) -> None:
    """Raises NotAllowed for another centre's request, for auditors and for who has left."""
    elsewhere = person.centre_id not in (None, request.centre_id)
    if elsewhere or person.role == "auditor" or person.ended_at is not None:
        raise NotAllowed


async def _check_role(session: AsyncSession, role: str, centre_id: str | None) -> None:
    if role not in STAFF_ROLES or (centre_id is None and role not in OF_ALL_CENTRES):
        raise UnusableRole
    if centre_id is not None and await session.get(Centre, centre_id) is None:
        raise UnknownCentre


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()


async def _note(
    session: AsyncSession,
    person: Staff,
    action: str,
    now: datetime,
    *,
    fields: Sequence[str] = (),
) -> None:
    await audit.record(
        session,
        actor="system",
        actor_id=None,
        action=action,
        subject="staff",
        subject_id=str(person.id),
        fields=fields,
        now=now,
    )
