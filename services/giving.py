"""To whom a request may be given: one rule for the desk, the terminal and who leaves.

Administrators see of other people's requests only that they are there. One who could give a request
to themselves, or to another administrator, could read everybody's.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import ColumnElement, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Account, Request, Staff
from services.accounts.types import Visitor
from services.errors import WorksElsewhere
from services.files import OWN_CENTRE_ROLES

_ADMINISTRATOR: Final = "administrator"


def works_at_its_centre(person: Staff, request: Request) -> bool:
    """Whether they answer requests of this one's centre, and of no other."""
    at_work = person.ended_at is None and person.role in OWN_CENTRE_ROLES
    return at_work and person.centre_id == request.centre_id


def check_may_give(by: Staff, to: Staff, request: Request) -> None:
    """Raises WorksElsewhere.

    A centre gives its own to its staff and to administrators; these give them to its staff alone.
    """
    is_administrator = to.role == _ADMINISTRATOR and to.centre_id in (None, request.centre_id)
    if works_at_its_centre(to, request):
        return
    if by.role == _ADMINISTRATOR or not is_administrator or to.ended_at is not None:
        raise WorksElsewhere


async def list_able(
    session: AsyncSession, visitor: Visitor, centre_id: str | None
) -> Sequence[Staff]:
    """To whom the visitor may give requests of this centre (None: of any), if they can sign in.

    In the order in which they came. Who was only invited would never hear of what they were given.
    """
    query = (
        select(Staff)
        .join(Account, Account.staff_id == Staff.id)
        .where(_may_be_given(visitor, centre_id), Staff.ended_at.is_(None), _lets_in())
        .order_by(Staff.created_at, Staff.id)
    )
    return (await session.scalars(query)).all()


async def can_sign_in(session: AsyncSession, person: Staff) -> bool:
    """Whether they would hear of what they were given: not who was only invited."""
    query = select(Account.staff_id).where(Account.staff_id == person.id, _lets_in())
    return await session.scalar(query) is not None


def _lets_in() -> ColumnElement[bool]:
    return Account.password_hash.is_not(None) & Account.second_factor.is_not(None)


def _may_be_given(visitor: Visitor, centre_id: str | None) -> ColumnElement[bool]:
    """The rule of `check_may_give`, as a condition of a query."""
    is_here = true() if centre_id is None else Staff.centre_id == centre_id
    answers = Staff.role.in_(OWN_CENTRE_ROLES) & is_here
    if visitor.role == _ADMINISTRATOR:
        return answers
    return answers | (Staff.role == _ADMINISTRATOR) & (Staff.centre_id.is_(None) | is_here)
