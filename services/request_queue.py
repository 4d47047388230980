"""The queue: which requests wait for whom, as the centres see it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, case, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import OPEN_STATES, URGENCIES, Address, Person, Request, Staff
from services.places import label, load_gazetteer
from services.threads.reading import list_last_deliveries


@dataclass(frozen=True, slots=True)
class QueuedRequest:
    """A line of the queue. Name and home are None for who never registered.

    `due_at` is when the centre should have answered, None while it is not its turn; `climbed_to`
    says who has learnt that it has not: owner, manager or administrator. `last_delivery` is what
    became of the centre's last message, as in `services.threads.ThreadEvent`.
    """

    code: str
    topic: str
    state: str
    urgency: str
    centre_id: str
    owner_name: str | None
    name: str | None = field(repr=False)
    home: str | None
    channel: str
    created_at: datetime
    due_at: datetime | None
    climbed_to: str | None
    last_delivery: str | None
    is_demo: bool


async def list_requests(
    session: AsyncSession,
    *,
    centre: str = "all",
    state: str | None = None,
    overdue_at: datetime | None = None,
    with_closed: bool = False,
    limit: int = 500,
) -> Sequence[QueuedRequest]:
    """Open requests, urgent first, then what is due first; what is not the centre's turn last.

    One `state` instead of the open ones; with `overdue_at` only what was due before.
    """
    query = (
        select(Request, Person.name, Person.home_code, Address.channel, Staff)
        .join(Address, Address.id == Request.address_id)
        .outerjoin(Person, Person.id == Request.person_id)
        .outerjoin(Staff, Staff.id == Request.owner_id)
        .where(*_conditions(centre, state, overdue_at, with_closed=with_closed))
        .order_by(
            case({name: rank for rank, name in enumerate(URGENCIES)}, value=Request.urgency),
            Request.due_at.nulls_last(),
            Request.id,
        )
        .limit(limit)
    )
    found = (await session.execute(query)).all()
    deliveries = await list_last_deliveries(session, [request.id for request, *_ in found])
    return [
        QueuedRequest(
            code=request.code,
            topic=request.topic,
            state=request.state,
            urgency=request.urgency,
            centre_id=request.centre_id,
            owner_name=None if owner is None else owner.name,
            name=name,
            home=None if home_code is None else _home_label(home_code),
            channel=channel,
            created_at=request.created_at,
            due_at=request.due_at,
            climbed_to=request.climbed_to,
            last_delivery=deliveries.get(request.id),
            is_demo=request.is_demo,
        )
        for request, name, home_code, channel, owner in found
    ]


def _conditions(
    centre: str, state: str | None, overdue_at: datetime | None, *, with_closed: bool
) -> list[ColumnElement[bool]]:
    found = []
    if state is not None:
        found.append(Request.state == state)
    elif not with_closed:
        found.append(Request.state.in_(OPEN_STATES))
    if overdue_at is not None:
        found.append(Request.due_at <= overdue_at)
    if centre != "all":
        found.append(Request.centre_id == centre)
    return found


def _home_label(code: str) -> str:
    """The place and its province, as staff say it: ឃុំអន្លង់ត្នោត, ពោធិ៍សាត់."""
    gazetteer = load_gazetteer()
    place = gazetteer.find_code(code)
    if place is None:
        return code  # gone from the gazetteer since: the list must not fail for everybody
    province = [around.name_km for around in gazetteer.ancestors(place)[-1:]]
    return ", ".join([label(place, "km"), *province])
