"""Who may read a request at the desk: the one rule, for its page, its files and the list.

To whoever may not, a request answers exactly as one that does not exist.
"""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy import ColumnElement, false, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Request, Staff
from services import audit, codes, requests
from services.accounts.types import Visitor
from services.errors import (
    NotAllowed,
    RequestNotFound,
    StaffNotFound,
    UnknownCentre,
    UnknownOutcome,
    UnknownUrgency,
)
from services.files import OWN_CENTRE_ROLES

REFUSED = (
    *(RequestNotFound, NotAllowed, StaffNotFound),
    *(UnknownCentre, UnknownOutcome, UnknownUrgency),
)
"""What no form of ours asks for: who gets one of these is written down (`note_refused`)."""
_ADMINISTRATOR = "administrator"


class Reader(Protocol):
    """What of somebody decides which requests they may read: at the desk, or in their chat."""

    @property
    def staff_id(self) -> UUID: ...

    @property
    def role(self) -> str: ...

    @property
    def centre_id(self) -> str | None: ...


def may_read(visitor: Reader, request: Request) -> bool:
    """Own centre; administrators what they answer for themselves; auditors nothing."""
    if visitor.role == _ADMINISTRATOR:
        return request.owner_id == visitor.staff_id
    return visitor.role in OWN_CENTRE_ROLES and request.centre_id == visitor.centre_id


def readable(visitor: Reader) -> ColumnElement[bool]:
    """The same rule, as a condition of a query."""
    if visitor.role == _ADMINISTRATOR:
        return Request.owner_id == visitor.staff_id
    if visitor.role in OWN_CENTRE_ROLES and visitor.centre_id is not None:
        return Request.centre_id == visitor.centre_id
    return false()


def check_may_read(visitor: Reader, request: Request) -> None:
    """Raises RequestNotFound."""
    if not may_read(visitor, request):
        raise RequestNotFound


async def get_readable(
    session: AsyncSession, visitor: Visitor, code: str, *, as_it_stays: bool = False
) -> Request:
    """The request of this code. Raises RequestNotFound.

    `as_it_stays` waits for changes of it, and lets nobody begin one until the transaction ends.
    """
    query = (
        select(Request)
        .where(Request.code == code, readable(visitor))
        .execution_options(populate_existing=True)
    )
    if as_it_stays:
        query = query.with_for_update(read=True)
    request = (await session.scalars(query)).one_or_none()
    if request is None:
        raise RequestNotFound
    return request


async def hold_readable(session: AsyncSession, visitor: Visitor, code: str) -> Request:
    """The same for a change: it may have gone to another centre while one waited for it."""
    await get_readable(session, visitor, code)
    request = await requests.hold(session, code)
    check_may_read(visitor, request)
    return request


async def get_staff(session: AsyncSession, visitor: Visitor) -> Staff:
    """The member of staff who acts."""
    return await session.get_one(Staff, visitor.staff_id)


async def note_refused(
    session: AsyncSession,
    visitor: Visitor,
    code: str,
    *,
    tried: str | None = None,
    now: datetime,
) -> None:
    """Write down that somebody asked for what is not theirs, in a transaction of its own.

    The one in which it was refused is rolled back; `tried` is the act of the log that they wanted.
    What cannot be a code may be anything that somebody typed, so it is not kept.
    """
    subject_id = f"code:{code}" if codes.is_valid(code) else None
    await audit.record_refused(
        session, visitor.staff_id, "request", subject_id, tried=tried, now=now
    )
