"""The staff as an administrator sees them, and managers their own team: roles, and accounts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import OPEN_STATES, STAFF_ROLES, Account, DeskSession, Invitation, Request, Staff
from services import audit, demo
from services.accounts.authority import check_may_manage
from services.acting import across_centres
from services.errors import NotAllowed, StaffNotFound

OPEN: Final = "open"
EXPIRED: Final = "expired"
INVITATIONS: Final = (OPEN, EXPIRED)


@dataclass(frozen=True, slots=True)
class StaffLine:
    """Somebody who works here, or did.

    `username` is None before they were ever invited. `invitation` is one of INVITATIONS while a
    link was made and not used, until `invited_until`; `last_link` names the newest link.
    Who `is_made_up` answers for whoever tries the program, and needs no account.
    `locked_until` is None but while they are locked out. `open_requests` counts those they own.
    """

    id: UUID
    name: str = field(repr=False)
    role: str
    centre_id: str | None
    username: str | None
    has_password: bool
    has_second_factor: bool
    last_seen_at: datetime | None
    locked_until: datetime | None
    invitation: str | None
    invited_until: datetime | None
    last_link: UUID | None
    open_requests: int
    ended_at: datetime | None
    is_made_up: bool


async def list_lines(
    session: AsyncSession,
    *,
    by: UUID,
    now: datetime,
    role: str | None = None,
    centre: str | None = None,
    ended: bool = False,
) -> Sequence[StaffLine]:
    """Who is at work, or (`ended`) who has left: of a role, of a centre, by name.

    A manager finds the own centre alone. The look is written down. Raises NotAllowed for who is
    neither manager nor administrator.
    """
    centre = await _find_own_centre(session, by) or centre
    query = _query(Staff.ended_at.is_not(None) if ended else Staff.ended_at.is_(None))
    if role in STAFF_ROLES:
        query = query.where(Staff.role == role)
    if centre is not None:
        query = query.where(Staff.centre_id == centre)
    async with across_centres(session):
        found = (await session.execute(query)).all()
    await audit.record_by(session, by, "listed", "staff", None, now=now)
    return sorted((_line(row, now) for row in found), key=lambda line: line.name.casefold())


async def get_line(session: AsyncSession, staff_id: UUID, *, by: UUID, now: datetime) -> StaffLine:
    """One of them; the look is written down. Raises NotAllowed and StaffNotFound."""
    await check_may_manage(session, by)
    async with across_centres(session):
        found = (await session.execute(_query(Staff.id == staff_id))).one_or_none()
    if found is None:
        raise StaffNotFound
    await audit.record_by(session, by, "read", "staff", staff_id, now=now)
    return _line(found, now)


async def _find_own_centre(session: AsyncSession, by: UUID) -> str | None:
    """The one centre whose staff they may see; None for an administrator. Raises NotAllowed."""
    person = await session.get(Staff, by, populate_existing=True)
    if person is None or person.ended_at is not None:
        raise NotAllowed
    if person.role == "administrator":
        return None
    if person.role != "centre_manager" or person.centre_id is None:
        raise NotAllowed
    return person.centre_id


def _query(condition: ColumnElement[bool]) -> Select[tuple[object, ...]]:
    seen = select(func.max(DeskSession.last_seen_at)).where(
        DeskSession.staff_id == Staff.id, DeskSession.confirmed_at.is_not(None)
    )
    owned = select(func.count()).where(Request.owner_id == Staff.id, Request.state.in_(OPEN_STATES))
    last = (
        select(Invitation.id, Invitation.expires_at, Invitation.used_at)
        .where(Invitation.staff_id == Staff.id)
        .order_by(Invitation.created_at.desc(), Invitation.id)
        .limit(1)
        .lateral("last")
    )
    return (
        select(
            Staff,
            Account,
            last.c.id.label("link_id"),
            last.c.expires_at.label("link_until"),
            last.c.used_at.label("link_used_at"),
            seen.scalar_subquery().label("last_seen_at"),
            owned.scalar_subquery().label("open_requests"),
        )
        .outerjoin(Account, Account.staff_id == Staff.id)
        .outerjoin(last, last.c.id.is_not(None))
        .where(condition)
        .execution_options(populate_existing=True)
    )


def _line(row: Row[tuple[object, ...]], now: datetime) -> StaffLine:
    person, account = row.Staff, row.Account
    unused = row.link_id is not None and row.link_used_at is None
    locked_until = None if account is None else account.locked_until
    return StaffLine(
        id=person.id,
        name=person.name,
        role=person.role,
        centre_id=person.centre_id,
        username=None if account is None else account.username,
        has_password=account is not None and account.password_hash is not None,
        has_second_factor=account is not None and account.second_factor is not None,
        last_seen_at=row.last_seen_at,
        locked_until=locked_until if locked_until is not None and locked_until > now else None,
        invitation=(OPEN if row.link_until > now else EXPIRED) if unused else None,
        invited_until=row.link_until if unused else None,
        last_link=row.link_id,
        open_requests=row.open_requests,
        ended_at=person.ended_at,
        is_made_up=account is None and person.name == demo.staff_name(person.centre_id),
    )
