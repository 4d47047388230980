"""Finding what a visitor looks for among a million requests, in a time that hardly grows.

Left to itself the planner guesses from averages: for a common beginning of a name it reads all who
have it, for a rare wish it walks over every request there ever was. So the way is chosen here. What
few people or few codes meet is looked up by these; for anything else the list is walked along its
index, so far and no farther, and whoever looks is told where the walk ended.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, Select, any_, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import BigInteger, Uuid

from db.models import Person, Request
from services import names
from services.desk_cursor import Position, list_order, list_place, order_by_place, read_position
from services.desk_filters import Filters, begins_with

MOST_COUNTED: Final = 99
"""What is more than these is said as "99+"."""
WALK: Final = 10_000
"""Requests that one page looks through at most; from where it ended one may go on."""
COUNT_WALK: Final = 1000
FEW: Final = 1000
_MOST_WORDS = 4  # of a name, that are tried for one that few people have
_LOOKED_AT: Final = (
    *(Request.id, Request.topic, Request.urgency, Request.code),
    *(Request.person_id, Request.address_id),
)


@dataclass(frozen=True, slots=True)
class Tab:
    """Which requests a list holds.

    With `is_counted_along` a count follows the list's own index: the planner would rather walk over
    all that the conditions leave.
    """

    conditions: Sequence[ColumnElement[bool]]
    is_closed: bool = False
    is_counted_along: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """Ids in the order of the list. `following` is where what comes after them begins.

    `is_cut` says that the walk ended before as many were found as were wanted.
    """

    ids: Sequence[int]
    following: Position | None = None
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Count:
    """At most MOST_COUNTED, and whether there are more, or may be."""

    number: int
    has_more: bool


async def find(
    session: AsyncSession,
    tab: Tab,
    filters: Filters,
    *,
    after: ColumnElement[bool] | None,
    wanted: int,
) -> Found:
    """The first `wanted` that the filters leave of a tab, from where a page before it ended."""
    conditions = [*tab.conditions, *([] if after is None else [after])]
    rest = Tab(conditions, tab.is_closed)
    few = await _find_few(session, filters)
    source = _source(rest, few, most=wanted + 1 if filters.is_empty else WALK)
    query = _left(source, filters).order_by(*order_by_place(source, is_closed=tab.is_closed))
    rows = (await session.execute(query.limit(wanted + 1))).all()
    ids = [row.id for row in rows[:wanted]]
    if len(rows) > wanted:
        return Found(ids, read_position(rows[wanted - 1], is_closed=tab.is_closed))
    if few is not None or filters.is_empty:
        return Found(ids)
    end = await _find_end_of_walk(session, rest)
    return Found(ids, end, is_cut=end is not None)


async def count(session: AsyncSession, tabs: Sequence[Tab], filters: Filters) -> Sequence[Count]:
    """How many of each tab the filters leave, as far as a short walk tells."""
    few = await _find_few(session, filters)
    most = MOST_COUNTED + 1 if filters.is_empty else COUNT_WALK
    sources = [_source(tab, few, most=most, is_ordered=tab.is_counted_along) for tab in tabs]
    left = [_left(source, filters).limit(MOST_COUNTED + 1).subquery() for source in sources]
    # Where nothing is left out, whoever is counted was walked past.
    walked = left if filters.is_empty or few is not None else sources
    numbers = (await session.execute(select(*map(_number_of, [*left, *walked])))).one()
    return [
        Count(min(number, MOST_COUNTED), number > MOST_COUNTED or passed == most)
        for number, passed in zip(numbers[: len(left)], numbers[len(left) :], strict=True)
    ]


def _number_of(rows: FromClause) -> ColumnElement[int]:
    return select(func.count()).select_from(rows).scalar_subquery()


async def _find_end_of_walk(session: AsyncSession, tab: Tab) -> Position | None:
    """The last request that a walk passes, when there are more behind it."""
    query = select(*list_place(is_closed=tab.is_closed)).where(*tab.conditions)
    query = query.order_by(*list_order(is_closed=tab.is_closed)).offset(WALK - 1).limit(2)
    rows = (await session.execute(query)).all()
    return read_position(rows[0], is_closed=tab.is_closed) if rows[1:] else None


def _source(
    tab: Tab, few: ColumnElement[bool] | None, *, most: int, is_ordered: bool = True
) -> FromClause:
    """The requests of a tab that are looked through: a few, or those that the walk passes."""
    place = list_place(is_closed=tab.is_closed)
    query = select(*_LOOKED_AT, *place[:-1]).where(*tab.conditions)
    if few is not None:
        return query.where(few).cte().prefix_with("MATERIALIZED")
    if is_ordered:
        query = query.order_by(*list_order(is_closed=tab.is_closed))
    return query.limit(most).subquery()


def _left(source: FromClause, filters: Filters) -> Select[Any]:
    """The places of those that the filters leave."""
    looked_at = {column.key for column in _LOOKED_AT} - {"id"}
    place = [column for name, column in source.c.items() if name not in looked_at]
    return select(*place).where(*filters.conditions(source.c))


async def _find_few(session: AsyncSession, filters: Filters) -> ColumnElement[bool] | None:
    """A condition that few requests meet and an index serves; None when there is none."""
    if filters.code is not None:
        by_code = select(Request.id).where(*begins_with(Request.code, filters.code))
        if (ids := await _list_few(session, by_code)) is not None:
            return Request.id == any_(literal(ids, ARRAY(BigInteger)))
    for people in _select_people(filters):
        if (ids := await _list_few(session, people)) is not None:
            return Request.person_id == any_(literal(ids, ARRAY(Uuid)))
    return None


def _select_people(filters: Filters) -> Sequence[Select[Any]]:
    """Queries of people, of which each alone leaves all whom the filters leave."""
    keys = () if filters.name is None else names.list_typed_keys(filters.name)
    found: list[Select[Any]] = [names.select_called(key) for key in keys[:_MOST_WORDS]]
    if filters.place is not None:
        found.append(select(Person.id).where(Person.home_code.in_(filters.list_place_codes())))
    return found


async def _list_few(session: AsyncSession, query: Select[Any]) -> Sequence[Any] | None:
    found = (await session.scalars(query.limit(FEW + 1))).all()
    return found if len(found) <= FEW else None
