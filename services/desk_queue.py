"""The desk's list of requests: which of them a visitor sees, in which order, page by page.

It must stay quick among a million requests of which some percent are open: each tab has an index in
its own order, a page begins where the last one ended, and nothing is counted beyond what is shown.
Names and numbers are masked; of a request that a visitor may not read, they are not shown at all.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Boolean, ColumnElement, exists, literal_column, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import OPEN_STATES, Address, Person, Request, RequestEvent, Staff
from db.models.request_order import IS_CLOSED, IS_OPEN, IS_WAITING
from services import audit, centre_clock, codes, desk_search
from services.accounts.types import Visitor
from services.acting import across_centres
from services.desk_cursor import Position
from services.desk_filters import Filters
from services.desk_requests.rights import may_read, readable
from services.desk_search import MOST_COUNTED, Count, Tab
from services.errors import NotAllowed, RequestNotFound
from services.files import OWN_CENTRE_ROLES
from services.masking import mask_name, mask_phone
from services.places import label, load_gazetteer
from services.threads.reading import list_last_deliveries

TABS: Final = ("mine", "unassigned", "overdue", "waiting", "all", "done")
PAGE_SIZE: Final = 25
_COMES_IN = ("opened", "reopened", "handed_over")
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

    `closed_until` says when its centre opens next, of an urgent one whose time to answer is long
    because it is closed now. `who` is None where the visitor may not read the request (`can_open`).
    `last_delivery` as in `services.threads.ThreadEvent`.
    """

    code: str
    topic: str
    state: str
    urgency: str
    centre_id: str
    owner_id: UUID | None
    owner_name: str | None
    is_mine: bool
    can_open: bool
    who: Who | None = field(repr=False)
    channel: str
    language: str | None
    created_at: datetime
    due_at: datetime | None
    is_overdue: bool
    closed_until: datetime | None
    last_delivery: str | None
    is_demo: bool


@dataclass(frozen=True, slots=True)
class QueuePage:
    """One page; `following` is where the next one begins, None after the last.

    With `is_cut` the search ended there, with fewer found than a page holds: older ones may follow.
    """

    lines: Sequence[QueueLine]
    following: Position | None
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Arrived:
    """How many have come in, never above 100, and whether one of these is urgent."""

    number: int
    has_urgent: bool


@dataclass(frozen=True, slots=True)
class Exact:
    """A request that was asked for by its whole code, and a tab that holds it."""

    code: str
    tab: str
    centre_id: str
    can_open: bool


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

    Looking for somebody by name or number is written down. Raises NotAllowed for who answers no
    requests.
    """
    _check(visitor)
    looked_at = _tabs(visitor, filters, now)[tab]
    async with _sight(session, filters):
        found = await desk_search.find(session, looked_at, filters, after=after, wanted=size)
    if asked := [one for one in ("name", "phone") if getattr(filters, one) is not None]:
        await _note_search(session, visitor, asked, now)
    # Read again where row-level security alone decides, whatever the search above found.
    lines = await _to_lines(session, visitor, await _read(session, found.ids), now)
    return QueuePage(lines, found.following, found.is_cut)


async def count_tabs(
    session: AsyncSession, visitor: Visitor, filters: Filters, *, now: datetime
) -> Mapping[str, Count]:
    """How many requests the filters leave of each tab, as far as that is quickly known."""
    _check(visitor)
    tabs, base = _tabs(visitor, filters, now), _base(visitor, filters)
    async with _sight(session, filters):
        return await desk_search.count(session, base, tabs, filters)


async def count_new(
    session: AsyncSession, visitor: Visitor, filters: Filters, *, since: datetime
) -> Arrived:
    """How many open requests have come in since.

    Whatever way they came: asked for, handed over by another centre, opened again, given to the
    visitor; but for what the visitor did.
    """
    _check(visitor)
    is_for_all = RequestEvent.kind.in_(_COMES_IN)
    is_for_me = (RequestEvent.kind == "assigned") & (Request.owner_id == visitor.staff_id)
    has_come = exists().where(
        RequestEvent.request_id == Request.id,
        RequestEvent.at > since,
        is_for_all | is_for_me,
        RequestEvent.staff_id.is_distinct_from(visitor.staff_id),
    )
    some = (
        select(Request.urgency)
        .where(_said(IS_OPEN), Request.updated_at > since, has_come, *_of_centre(visitor, filters))
        .limit(MOST_COUNTED + 1)
    )
    found = (await session.scalars(some)).all()
    return Arrived(len(found), "urgent" in found)


async def find_by_code(session: AsyncSession, visitor: Visitor, filters: Filters) -> Exact | None:
    """Where the request is whose whole code was typed, whatever else narrows the list.

    None when no whole code was typed. One that the visitor may not see raises RequestNotFound, as
    its own page does.
    """
    _check(visitor)
    if filters.code is None or not codes.is_valid(filters.code):
        return None
    query = select(Request).where(Request.code == filters.code, *_of_centre(visitor, Filters()))
    request = await session.scalar(query)
    if request is None:
        raise RequestNotFound
    tab = "all" if request.state in OPEN_STATES else "done"
    return Exact(request.code, tab, request.centre_id, may_read(visitor, request))


async def find_first_tab(session: AsyncSession, visitor: Visitor) -> str:
    """Where there is something to do: one's own requests, else those that nobody has."""
    _check(visitor)
    mine = exists().where(_said(IS_OPEN), Request.owner_id == visitor.staff_id)
    return "mine" if await session.scalar(select(mine)) else "unassigned"


def _check(visitor: Visitor) -> None:
    if visitor.role != _ADMINISTRATOR and visitor.role not in OWN_CENTRE_ROLES:
        raise NotAllowed


def _tabs(visitor: Visitor, filters: Filters, now: datetime) -> Mapping[str, Tab]:
    """The state is said in the words of the indexes, or they would not serve."""
    base, is_open = _base(visitor, filters), _said(IS_OPEN)
    tabs = {
        "mine": Tab([is_open, Request.owner_id == visitor.staff_id]),
        "unassigned": Tab([is_open, Request.owner_id.is_(None)], within="all"),
        # Open too, both of them; but said twice, the planner expects a hundredth of what there is
        # and takes a longer way.
        "overdue": Tab([Request.due_at <= now], within="all"),
        "waiting": Tab([_said(IS_WAITING)], within="all"),
        "all": Tab([is_open]),
        "done": Tab([_said(IS_CLOSED)], is_closed=True),
    }
    return {name: replace(tab, conditions=[*tab.conditions, *base]) for name, tab in tabs.items()}


def _base(visitor: Visitor, filters: Filters) -> list[ColumnElement[bool]]:
    """What the requests of every tab have in common."""
    conditions = _of_centre(visitor, filters)
    if filters.asks_for_person:
        # What is not shown of somebody must not be found out by asking for it either.
        conditions.append(readable(visitor))
    return conditions


@asynccontextmanager
async def _sight(session: AsyncSession, filters: Filters) -> AsyncIterator[None]:
    """People may be another centre's than their request is."""
    if filters.asks_for_person:
        async with across_centres(session):
            yield
    else:
        yield


def _said(condition: str) -> ColumnElement[bool]:
    return literal_column(condition, Boolean)


def _of_centre(visitor: Visitor, filters: Filters) -> list[ColumnElement[bool]]:
    """Row-level security says it too, but only a condition of the query's finds an index."""
    centre = filters.centre if visitor.centre_id is None else visitor.centre_id
    return [] if centre is None else [Request.centre_id == centre]


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
    opens_at = await _find_openings(session, [request for request, *_ in found], now)
    return [
        QueueLine(
            code=request.code,
            topic=request.topic,
            state=request.state,
            urgency=request.urgency,
            centre_id=request.centre_id,
            owner_id=request.owner_id,
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
            due_at=request.due_at,
            is_overdue=request.due_at is not None and request.due_at <= now,
            closed_until=opens_at.get(request.id),
            last_delivery=deliveries.get(request.id),
            is_demo=request.is_demo,
        )
        for request, address, owner, _ in found
    ]


async def _find_openings(
    session: AsyncSession, found: Sequence[Request], now: datetime
) -> Mapping[int, datetime]:
    """By request when its centre opens again: of urgent ones that wait for nothing else."""
    waiting = [
        request
        for request in found
        if request.urgency == "urgent" and request.due_at is not None and request.due_at > now
    ]
    clocks = await centre_clock.list_for(session, {request.centre_id for request in waiting})
    opens_at = {request.id: clocks[request.centre_id].next_open(now) for request in waiting}
    return {request_id: at for request_id, at in opens_at.items() if at > now}


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


async def _note_search(
    session: AsyncSession, visitor: Visitor, asked: Sequence[str], now: datetime
) -> None:
    await audit.record_by(
        session,
        by=visitor.staff_id,
        action="searched",
        subject="person",
        subject_id=None,
        fields=asked,
        now=now,
    )
