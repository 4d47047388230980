"""Whom a card can reach, level by level: who has linked a chat, and has not blocked us there."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address, Request, Staff, StaffChat
from services.staff_cards.roles import CARD_ROLES, MANAGER, OWNER, WORKER

_WORKERS = ("case_worker", "safety_focal_point")


def is_reachable() -> ColumnElement[bool]:
    """Whether messages arrive at an address, as far as is known."""
    return or_(Address.blocked_at.is_(None), Address.last_in_at > Address.blocked_at)


async def list_linked(session: AsyncSession, request: Request, level: str) -> Sequence[UUID]:
    """The staff of this level whom a card can reach, in the order in which they linked."""
    query = (
        select(Staff.id)
        .join(StaffChat, StaffChat.staff_id == Staff.id)
        .join(Address, Address.id == StaffChat.address_id)
        .where(Staff.ended_at.is_(None), Staff.role.in_(CARD_ROLES), is_reachable())
        .where(_stands_on(level, request))
        .order_by(StaffChat.linked_at, Staff.id)
    )
    return (await session.scalars(query)).all()


async def list_wakeful(session: AsyncSession, staff_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Who of them wants to hear of what is urgent at any hour."""
    query = select(StaffChat.staff_id).where(
        StaffChat.staff_id.in_(staff_ids), StaffChat.at_any_hour
    )
    return frozenset(await session.scalars(query))


def _stands_on(level: str, request: Request) -> ColumnElement[bool]:
    own_centre = Staff.centre_id == request.centre_id
    may_see = own_centre | Staff.centre_id.is_(None)
    if level == WORKER:
        return own_centre & Staff.role.in_(_WORKERS)
    if level == OWNER:
        return may_see & (Staff.id == request.owner_id)
    if level == MANAGER:
        return own_centre & (Staff.role == "centre_manager")
    return may_see & (Staff.role == "administrator")
