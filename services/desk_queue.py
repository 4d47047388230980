"""The desk's list of requests: which of them a visitor sees, in which order, page by page.

It must stay quick among a million requests of which some percent are open: each tab has an index in
its own order, a page begins where the last one ended, and nothing is counted beyond what is shown.
Names and numbers are masked; of a request that a visitor may not read, they are not shown at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Boolean, ColumnElement, func, literal, literal_column, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address, Person, Request, Staff
from db.models.request_order import IS_CLOSED, IS_OPEN, IS_WAITING
from services import audit
from services.accounts.types import Visitor
from services.acting import across_centres
from services.desk_cursor import CLOSED_ORDER, OPEN_ORDER, Position, is_after, position_of
from services.desk_filters import Filters
from services.desk_requests.rights import may_read, readable
from services.errors import NotAllowed
from services.files import OWN_CENTRE_ROLES
from services.masking import mask_name, mask_phone
from services.places import label, load_gazetteer
from services.threads.reading import list_last_deliveries

TABS: Final = ("mine", "unassigned", "overdue", "waiting", "all", "done")
PAGE_SIZE: Final = 25
MOST_COUNTED: Final = 99
"""What is more than these is said as "99+"."""
# Whoever has worked here for years owns thousands of closed ones: those must not be walked over.
_COUNTED_ALONG: Final[Mapping[str, Sequence[Any]]] = {"mine": OPEN_ORDER}
_DONE = "done"
_ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class Who:
    """Who asks, as far as a list may say; each is None where nothing was told."""

    name: str | None = field(repr=False)
    phone: str | None = field(repr=False)
    home: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class QueueLine:
    """A request in the list. `due_at` is when the centre should have answered.

    `who` is None where the visitor may not read the request (`can_open`). `last_delivery` as in
    `services.threads.ThreadEvent`.
    """

    code: str
    topic: str
    state: str
    urgency: str
    centre_id: str
    owner_name: str | None
    is_mine: bool
    can_open: bool
    who: Who | None = field(repr=False)
    channel: str
    language: str | None
    created_at: datetime
    last_person_at: datetime | None
    due_at: datetime | None
    is_overdue: bool
    last_delivery: str | None
    is_demo: bool


@dataclass(frozen=True, slots=True)
class QueuePage:
    """One page; `following` is where the next one begins, None after the last."""

    lines: Sequence[QueueLine]
    following: Position | None


async def list_page(
    session: AsyncSession,
    visitor: Visitor,
    tab: str,
    filters: Filters,
    *,
    now: datetime,
    after: Position | None = None,
    size: int = PAGE_SIZE,
) -> QueuePage:
    """The requests of a tab: urgent first, then what is due first; closed ones newest first.

    Looking for somebody by name is written down. Raises NotAllowed for who answers no requests.
    """
    _check(visitor)
    ids = await _list_ids(session, visitor, tab, filters, now=now, after=after, most=size + 1)
    # Read again where row-level security alone decides, whatever the search above found.
    found = await _read(session, ids[:size])
    if filters.name is not None:
        await _note_search(session, visitor, now)
    lines = await _to_lines(session, visitor, found, now)
    has_more = len(ids) > size and bool(found)
    is_closed = tab == _DONE
    following = position_of(found[-1][0], is_closed=is_closed) if has_more else None
    return QueuePage(lines, following)


async def count_tabs(
    session: AsyncSession, visitor: Visitor, filters: Filters, *, now: datetime
) -> Mapping[str, int]:
    """How many requests each tab holds, whatever else the filters say; never above 100."""
    _check(visitor)
    counts = [
        _count(_of_tab(visitor, tab, now) + _of_centre(visitor, filters), _COUNTED_ALONG.get(tab))
        for tab in TABS
    ]
    found = (await session.execute(select(*counts))).one()
    return dict(zip(TABS, found, strict=True))


async def count_new(
    session: AsyncSession, visitor: Visitor, filters: Filters, *, since: datetime
) -> int:
    """How many open requests have come in since; never above 100."""
    _check(visitor)
    is_new = [_said(IS_OPEN), Request.created_at > since, *_of_centre(visitor, filters)]
    return await session.scalar(select(_count(is_new))) or 0


def _check(visitor: Visitor) -> None:
    if visitor.role != _ADMINISTRATOR and visitor.role not in OWN_CENTRE_ROLES:
        raise NotAllowed


async def _list_ids(
    session: AsyncSession,
    visitor: Visitor,
    tab: str,
    filters: Filters,
    *,
    now: datetime,
    after: Position | None,
    most: int,
) -> Sequence[int]:
    is_closed = tab == _DONE
    conditions = _of_tab(visitor, tab, now) + _of_centre(visitor, filters) + filters.conditions()
    if filters.name is not None:
        conditions.append(readable(visitor))
    begins = None if after is None else is_after(after, is_closed=is_closed)
    if begins is not None:
        conditions.append(begins)
    order = CLOSED_ORDER if is_closed else OPEN_ORDER
    query = select(Request.id).where(*conditions).order_by(*order).limit(most)
    if not filters.asks_for_person:
        return (await session.scalars(query)).all()
    async with across_centres(session):
        return (await session.scalars(query)).all()


def _of_tab(visitor: Visitor, tab: str, now: datetime) -> list[ColumnElement[bool]]:
    """The state is said in the words of the indexes, or they would not serve."""
    is_open = _said(IS_OPEN)
    tabs: dict[str, list[ColumnElement[bool]]] = {
        "mine": [is_open, Request.owner_id == visitor.staff_id],
        "unassigned": [is_open, Request.owner_id.is_(None)],
        # Open too, both of them; but said twice, the planner expects a hundredth of what there is
        # and takes a longer way.
        "overdue": [Request.due_at <= now],
        "waiting": [_said(IS_WAITING)],
        "all": [is_open],
        "done": [_said(IS_CLOSED)],
    }
    return tabs[tab]


def _said(condition: str) -> ColumnElement[bool]:
    return literal_column(condition, Boolean)


def _of_centre(visitor: Visitor, filters: Filters) -> list[ColumnElement[bool]]:
    """Row-level security says it too, but only a condition of the query's finds an index."""
    centre = filters.centre if visitor.centre_id is None else visitor.centre_id
    return [] if centre is None else [Request.centre_id == centre]


def _count(
    conditions: Sequence[ColumnElement[bool]], order: Sequence[Any] | None = None
) -> ColumnElement[int]:
    """With an order the planner walks along its index and stops when enough are counted."""
    some = select(literal(1)).select_from(Request).where(*conditions).limit(MOST_COUNTED + 1)
    if order is not None:
        some = some.order_by(*order)
    return select(func.count()).select_from(some.subquery()).scalar_subquery()


_Found = tuple[Request, Address, Staff | None, Person | None]


async def _read(session: AsyncSession, ids: Sequence[int]) -> list[_Found]:
    """These requests, in this order."""
    query = (
        select(Request, Address, Staff, Person)
        .join(Address, Address.id == Request.address_id)
        .outerjoin(Staff, Staff.id == Request.owner_id)
        .outerjoin(Person, Person.id == Request.person_id)
        .where(Request.id.in_(ids))
    )
    rows = await session.execute(query)
    found = {row[0].id: (row[0], row[1], row[2], row[3]) for row in rows}
    return [found[request_id] for request_id in ids if request_id in found]


async def _to_lines(
    session: AsyncSession, visitor: Visitor, found: Sequence[_Found], now: datetime
) -> list[QueueLine]:
    may_open = {request.id for request, *_ in found if may_read(visitor, request)}
    people = await _find_people(session, [row for row in found if row[0].id in may_open])
    deliveries = await list_last_deliveries(session, [request.id for request, *_ in found])
    return [
        QueueLine(
            code=request.code,
            topic=request.topic,
            state=request.state,
            urgency=request.urgency,
            centre_id=request.centre_id,
            owner_name=None if owner is None else owner.name,
            is_mine=request.owner_id == visitor.staff_id,
            can_open=request.id in may_open,
            who=(
                _who(people.get(request.person_id), address, visitor.language)
                if request.id in may_open
                else None
            ),
            channel=address.channel,
            language=address.language,
            created_at=request.created_at,
            last_person_at=request.last_person_at,
            due_at=request.due_at,
            is_overdue=request.due_at is not None and request.due_at <= now,
            last_delivery=deliveries.get(request.id),
            is_demo=request.is_demo,
        )
        for request, address, owner, _ in found
    ]


async def _find_people(
    session: AsyncSession, found: Sequence[_Found]
) -> Mapping[UUID | None, Person]:
    """Who asked, also where they are another centre's: a request is handed over without them."""
    people: dict[UUID | None, Person] = {who.id: who for *_, who in found if who is not None}
    elsewhere = {request.person_id for request, *_ in found} - {None, *people}
    if elsewhere:
        async with across_centres(session):
            rest = await session.scalars(select(Person).where(Person.id.in_(elsewhere)))
            people |= {person.id: person for person in rest}
    return people


def _who(person: Person | None, address: Address, language: str) -> Who:
    phone = None if person is None else person.phone
    if phone is None and address.channel == "sms":
        phone = address.value
    return Who(
        name=None if person is None else mask_name(person.name),
        phone=None if phone is None else mask_phone(phone),
        home=None if person is None else _home_label(person.home_code, language),
    )


def _home_label(code: str, language: str) -> str:
    """The place with its province."""
    gazetteer = load_gazetteer()
    place = gazetteer.find_code(code)
    if place is None:
        return code  # gone from the gazetteer since: the list must not fail for everybody
    province = [around.name(language) for around in gazetteer.ancestors(place)[-1:]]
    return ", ".join([label(place, language), *province])


async def _note_search(session: AsyncSession, visitor: Visitor, now: datetime) -> None:
    await audit.record(
        session,
        actor="staff",
        actor_id=visitor.staff_id,
        action="searched",
        subject="person",
        subject_id=None,
        fields=("name",),
        now=now,
    )
