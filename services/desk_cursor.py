"""Where one page of the desk's list ends and the next begins.

By what the last request stands at, not by counting: while somebody reads, requests come and go, and
a page that skipped some of them would lose whom they are of.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import regex
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    FromClause,
    Integer,
    literal,
    literal_column,
    tuple_,
)

from db.models import Request
from db.models.request_order import RANK, TURN

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_ID: Final = 2**63 - 1
_WRITTEN = regex.compile(r"(?:([0-2])\.)?([0-9]{1,18})\.([0-9]{1,19})")

_RANK: ColumnElement[int] = literal_column(RANK, Integer)
_TURN: ColumnElement[datetime] = literal_column(TURN, DateTime(timezone=True))

OPEN_ORDER: Final[tuple[Any, ...]] = (_RANK, _TURN, Request.id)
"""Urgent first, then what is due first, what is not the centre's turn last."""
CLOSED_ORDER: Final[tuple[Any, ...]] = (Request.updated_at.desc(), Request.id.desc())
"""What was closed last comes first."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a request stands; `rank` is None among those that are closed."""

    rank: int | None
    at: datetime
    id: int

    @classmethod
    def parse(cls, written: str) -> "Position | None":
        """None for what no address of ours says: then the list begins at its beginning."""
        found = _WRITTEN.fullmatch(written)
        if found is None or int(found[3]) > _MOST_ID:
            return None
        try:
            at = _EPOCH + timedelta(microseconds=int(found[2]))
        except OverflowError:
            return None
        return cls(None if found[1] is None else int(found[1]), at, int(found[3]))

    def __str__(self) -> str:
        parts = [(self.at - _EPOCH) // timedelta(microseconds=1), self.id]
        return ".".join(map(str, parts if self.rank is None else [self.rank, *parts]))


def list_order(*, is_closed: bool) -> Sequence[Any]:
    """The order of a list, in the words of its index."""
    return CLOSED_ORDER if is_closed else OPEN_ORDER


def list_place(*, is_closed: bool) -> Sequence[Any]:
    """What says where a request stands, as columns that a query of queries can order by."""
    if is_closed:
        return (Request.updated_at, Request.id)
    return (_RANK.label("rank"), _TURN.label("turn"), Request.id)


def order_by_place(source: FromClause, *, is_closed: bool) -> Sequence[ColumnElement[Any]]:
    """The order of a list, of a query that has the columns of `list_place`."""
    if is_closed:
        return (source.c.updated_at.desc(), source.c.id.desc())
    return (source.c.rank, source.c.turn, source.c.id)


def read_position(row: Any, *, is_closed: bool) -> Position:
    """Where the request of such a row stands."""
    if is_closed:
        return Position(None, row.updated_at, row.id)
    return Position(row.rank, row.turn, row.id)


def is_after(position: Position, *, is_closed: bool) -> ColumnElement[bool] | None:
    """The condition of coming after it; None when it is a position of another list."""
    if (position.rank is None) is not is_closed:
        return None
    at, row_id = literal(position.at, DateTime(timezone=True)), literal(position.id, BigInteger)
    if is_closed:
        return tuple_(Request.updated_at, Request.id) < tuple_(at, row_id)
    return tuple_(*OPEN_ORDER) > tuple_(literal(position.rank, Integer), at, row_id)
