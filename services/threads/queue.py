"""The requests of a centre, as a list to work through."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import OPEN_STATES, Address, Person, Request, Staff
from services.requests import home_label


@dataclass(frozen=True, slots=True)
class RequestLine:
    """A line of the list. Name and commune are None for who never registered.

    `due_at` is None while it is not the centre's turn; `climbed_to` who has been told that it is
    overdue: owner, manager, administrator, or None.
    """

    code: str
    topic: str
    state: str
    urgency: str
    centre_id: str
    name: str | None = field(repr=False)
    commune: str | None = field(repr=False)
    channel: str
    owner_name: str | None
    created_at: datetime
    due_at: datetime | None
    climbed_to: str | None
    is_demo: bool

    def is_overdue(self, now: datetime) -> bool:
        return self.due_at is not None and self.due_at < now


async def list_requests(
    session: AsyncSession,
    *,
    centre: str = "all",
    states: Sequence[str] = OPEN_STATES,
    overdue_at: datetime | None = None,
    limit: int = 500,
) -> Sequence[RequestLine]:
    """Requests in these states, urgent first, then oldest first.

    With `overdue_at` only what should have been answered before that moment.
    """
    query = (
        select(Request, Person.name, Person.home_code, Address.channel, Staff)
        .join(Address, Address.id == Request.address_id)
        .outerjoin(Person, Person.id == Request.person_id)
        .outerjoin(Staff, Staff.id == Request.owner_id)
        .where(Request.state.in_(states))
        .order_by(Request.urgency.desc(), Request.created_at, Request.id)
        .limit(limit)
    )
    if centre != "all":
        query = query.where(Request.centre_id == centre)
    if overdue_at is not None:
        query = query.where(Request.due_at < overdue_at)
    return [
        RequestLine(
            code=request.code,
            topic=request.topic,
            state=request.state,
            urgency=request.urgency,
            centre_id=request.centre_id,
            name=name,
            commune=None if home_code is None else home_label(home_code),
            channel=channel,
            owner_name=None if owner is None else owner.name,
            created_at=request.created_at,
            due_at=request.due_at,
            climbed_to=request.climbed_to,
            is_demo=request.is_demo,
        )
        for request, name, home_code, channel, owner in await session.execute(query)
    ]
