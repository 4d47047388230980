"""Finding what a visitor looks for among a million requests, in a time that hardly grows.

Left to itself the planner guesses from averages: for a common beginning of a name it reads all who
have it, for a rare wish it walks over every request there ever was. So the way is chosen here. What
few people or few codes meet is looked up by these; for anything else the list is walked along its
index, so far and no farther, and whoever looks is told where the walk ended.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, any_, func, literal, or_, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlalchemy.types import BigInteger, Uuid

from db.models import Person, PersonName, Request
from services import names
from services.desk_cursor import (
    Position,
    is_after,
    list_order,
    list_place,
    order_by_place,
    read_position,
)
from services.desk_filters import Filters, begins_with

MOST_COUNTED: Final = 99
"""What is more than these is said as "99+"."""
WALKS: Final = (1000, 4000)
"""Requests that one page looks through, in steps: most often the first has enough."""
COUNT_WALK: Final = 1000
FEW: Final = 2500
"""People or codes that are looked up one by one."""
_FEW_OF_A_WORD = 5000  # people who have one word of a name, to be asked for the others
_MOST_WORDS = 4

Conditions = Sequence[ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Tab:
    """The conditions of a list, and whether it is ordered as closed requests are.

    `within` names another tab that holds all of it: one walk counts both.
    """

    conditions: Conditions
    is_closed: bool = False
    within: str | None = None


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


@dataclass(frozen=True, slots=True)
class _Few:
    """What few requests meet and an index serves; the `rest` of the filters is asked of them."""

    condition: ColumnElement[bool]
    rest: Filters


async def find(
    session: AsyncSession, tab: Tab, filters: Filters, *, after: Position | None, wanted: int
) -> Found:
    """The first `wanted` that the filters leave of a tab, from where a page before it ended."""
    few = await _find_few(session, filters)
    if few is not None:
        return await _find_among_few(session, tab, few, after, wanted)
    if filters.is_empty:
        return await _walk(session, tab, filters, after, wanted=wanted, steps=[wanted + 1])
    async with _no_sorting(session):
        return await _walk(session, tab, filters, after, wanted=wanted, steps=WALKS)


async def _walk(
    session: AsyncSession,
    tab: Tab,
    filters: Filters,
    after: Position | None,
    *,
    wanted: int,
    steps: Sequence[int],
) -> Found:
    ids: list[int] = []
    end = after
    for step in steps:
        query = _select_along(tab, end, *list_place(is_closed=tab.is_closed), _hit(filters))
        rows = (await session.execute(query.limit(step))).all()
        for row in rows:
            if row.hit and len(ids) == wanted:
                return Found(ids, end)
            if row.hit:
                ids.append(row.id)
                end = read_position(row, is_closed=tab.is_closed)
        if len(rows) < step:
            return Found(ids)
        end = read_position(rows[-1], is_closed=tab.is_closed)
    return Found(ids, end, is_cut=True)


async def count(
    session: AsyncSession, base: Conditions, tabs: Mapping[str, Tab], filters: Filters
) -> Mapping[str, Count]:
    """How many of each tab the filters leave, as far as a short walk tells.

    `base` are the conditions that all tabs have in common.
    """
    few = await _find_few(session, filters)
    if few is not None:
        held: Select[Any] = select(*_held(few.rest, tabs)).where(*base, few.condition)
        return await _tally(session, held, tabs, walked=0)
    if filters.is_empty:
        return await _count_all(session, tabs)
    counts: dict[str, Count] = {}
    for name, tab in tabs.items():
        if tab.within is None:
            counted = {one: tabs[one] for one in tabs if name in (one, tabs[one].within)}
            held = _select_along(tab, None, *_held(filters, counted)).limit(COUNT_WALK)
            counts |= await _tally(session, held, counted, walked=COUNT_WALK)
    return {name: counts[name] for name in tabs}


async def _count_all(session: AsyncSession, tabs: Mapping[str, Tab]) -> Mapping[str, Count]:
    """Along the index of the list, or the planner would rather walk over all that was closed."""
    columns = []
    for tab in tabs.values():
        some = select(Request.id).where(*tab.conditions)
        if tab.within is None:
            some = _select_along(tab, None, Request.id)
        counted = some.limit(MOST_COUNTED + 1).subquery()
        columns.append(select(func.count()).select_from(counted).scalar_subquery())
    numbers = (await session.execute(select(*columns))).one()
    return {name: _to_count(number) for name, number in zip(tabs, numbers, strict=True)}


async def _tally(
    session: AsyncSession, held: Select[Any], tabs: Mapping[str, Tab], *, walked: int
) -> dict[str, Count]:
    """Count the rows of a query of `_held`; as many as `walked` are not all there are."""
    rows = held.subquery()
    numbers = [func.count().filter(rows.c.hit, rows.c[name]).label(name) for name in tabs]
    found = (await session.execute(select(func.count().label("passed"), *numbers))).one()
    is_cut = found.passed == walked > 0
    return {name: _to_count(found._mapping[name], is_cut=is_cut) for name in tabs}


def _to_count(number: int, *, is_cut: bool = False) -> Count:
    return Count(min(number, MOST_COUNTED), is_cut or number > MOST_COUNTED)


def _held(filters: Filters, tabs: Mapping[str, Tab]) -> list[Any]:
    """As columns: whether the filters leave a request, and which tabs hold it."""
    return [_hit(filters), *(and_(*tab.conditions).label(name) for name, tab in tabs.items())]


def _hit(filters: Filters) -> Any:
    return and_(true(), *filters.conditions()).label("hit")


@asynccontextmanager
async def _no_sorting(session: AsyncSession) -> AsyncIterator[None]:
    """Where an index has the order of the list, it is followed.

    Of a walk of thousands the planner thinks that to read all and sort them were less.
    """
    await session.execute(select(func.set_config("enable_sort", "off", True)))
    yield
    await session.execute(select(func.set_config("enable_sort", "on", True)))


def _select_along(tab: Tab, after: Position | None, *columns: Any) -> Select[Any]:
    """Of the requests of a tab, in the order of its index, from a position on."""
    begins = None if after is None else is_after(after, is_closed=tab.is_closed)
    conditions = [*tab.conditions, *([] if begins is None else [begins])]
    order = list_order(is_closed=tab.is_closed)
    return select(*columns).select_from(Request).where(*conditions).order_by(*order)


async def _find_among_few(
    session: AsyncSession, tab: Tab, few: _Few, after: Position | None, wanted: int
) -> Found:
    # Held apart, since for the sake of the order the planner would walk along the whole list.
    place = list_place(is_closed=tab.is_closed)
    begins = None if after is None else is_after(after, is_closed=tab.is_closed)
    conditions = [*tab.conditions, few.condition, *few.rest.conditions()]
    held = select(*place).where(*conditions, *([] if begins is None else [begins]))
    apart = held.cte().prefix_with("MATERIALIZED")
    query = select(*apart.c).order_by(*order_by_place(apart, is_closed=tab.is_closed))
    rows = (await session.execute(query.limit(wanted + 1))).all()
    ids = [row.id for row in rows[:wanted]]
    if len(rows) <= wanted:
        return Found(ids)
    return Found(ids, read_position(rows[wanted - 1], is_closed=tab.is_closed))


async def _find_few(session: AsyncSession, filters: Filters) -> _Few | None:
    """None when too many meet each of the filters."""
    if filters.phone is not None:
        return await _find_reached(session, filters)
    if filters.code is not None:
        by_code = select(Request.id).where(*begins_with(filters.code))
        if (ids := await _list_few(session, by_code)) is not None:
            condition = Request.id == any_(literal(ids, ARRAY(BigInteger)))
            return _Few(condition, replace(filters, code=None))
    people = await _find_called(session, filters)
    rest = replace(filters, name=None, place=None)
    if people is None and filters.place is not None:
        people = await _list_few(session, select(Person.id).where(filters.lives_there()))
        rest = replace(filters, place=None)
    if people is None:
        return None
    return _Few(Request.person_id == any_(literal(people, ARRAY(Uuid))), rest)


async def _find_reached(session: AsyncSession, filters: Filters) -> _Few:
    """Read first, so that the indexes of the requests serve: a number is of few."""
    people, addresses = [(await session.scalars(one)).all() for one in filters.select_reached()]
    condition = or_(
        Request.person_id == any_(literal(people, ARRAY(Uuid))),
        Request.address_id == any_(literal(addresses, ARRAY(BigInteger))),
    )
    return _Few(condition, replace(filters, phone=None))


async def _find_called(session: AsyncSession, filters: Filters) -> Sequence[UUID] | None:
    """Who is called so and lives there; they are looked for among those of the rarest word."""
    if filters.name is None:
        return None
    keys = names.list_typed_keys(filters.name)[:_MOST_WORDS]
    some = [names.select_called(key).limit(_FEW_OF_A_WORD + 1).subquery() for key in keys]
    numbers = [select(func.count()).select_from(one).scalar_subquery() for one in some]
    sizes = (await session.execute(select(*numbers))).one()
    if min(sizes) > _FEW_OF_A_WORD:
        return None
    word = aliased(PersonName)
    query = select(word.person_id).where(
        word.key == keys[sizes.index(min(sizes))],
        *names.is_called(filters.name, word.person_id),
        *filters.home_conditions(word.person_id),
    )
    return await _list_few(session, query)


async def _list_few(session: AsyncSession, query: Select[Any]) -> Sequence[Any] | None:
    found = (await session.scalars(query.limit(FEW + 1))).all()
    return found if len(found) <= FEW else None
