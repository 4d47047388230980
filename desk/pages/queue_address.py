"""What an address of the list says: which part of it somebody looks at, and what a form did there.

Anybody may have written it: whatever makes no sense is as if it were not there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

import regex

from desk.request import ADDRESS
from desk.streams import read_moment
from services import codes
from services.desk_bulk import MOST, Bulk, Undone
from services.desk_closing import AskedAlready, UndoOver
from services.desk_cursor import Position
from services.desk_filters import Filters
from services.desk_queue import TABS
from services.errors import (
    AlreadyTaken,
    ChangedMeanwhile,
    DomainError,
    MoveNotAllowed,
    RequestNotFound,
    StaffNotFound,
    WorksElsewhere,
)

QUEUE: Final = f"{ADDRESS}/queue"
CLOSING: Final = f"{QUEUE}/closing"
_WHY: Final[Mapping[type[DomainError], str]] = {
    RequestNotFound: "gone",
    MoveNotAllowed: "changed",
    AlreadyTaken: "taken",
    WorksElsewhere: "elsewhere",
    StaffNotFound: "nobody",
    AskedAlready: "asked",
    ChangedMeanwhile: "since",
    UndoOver: "late",
}
_CLOSED_STATES: Final = ("done", "withdrawn")
UNDONE: Final = (*_WHY.values(), "closed", "not_allowed")
_NUMBER: Final = regex.compile("[0-9]{1,3}")


@dataclass(frozen=True, slots=True)
class View:
    """Which part of the list somebody looks at; `where` is a place as it was typed."""

    tab: str
    filters: Filters
    where: str = ""
    after: Position | None = None

    @classmethod
    def parse(cls, given: Mapping[str, str]) -> "View":
        tab = given.get("tab", "")
        return cls(
            tab if tab in TABS else TABS[0],
            Filters.parse(given),
            given.get("where", "").strip()[:100],
            Position.parse(given.get("after", "")),
        )

    def address(self, **changed: str) -> str:
        """Of the same list from its beginning; an empty value leaves something out."""
        return f"{QUEUE}?{self.query(**changed)}"

    @property
    def cleared(self) -> str:
        """Without what narrows it; who chose a centre stays there."""
        return replace(self, filters=Filters(centre=self.filters.centre)).address()

    def page(self) -> dict[str, str]:
        """Which page of the list it is, for an address."""
        return {} if self.after is None else {"after": str(self.after)}

    def query(self, **changed: str) -> str:
        parts = {"tab": self.tab, **self.filters.to_query(), **changed}
        return urlencode({name: value for name, value in parts.items() if value})


@dataclass(frozen=True, slots=True)
class Told:
    """What came of a form, as the address says to which it led.

    `done` is how many it was done with, None when no form led here; `reopened` the same of one that
    took a closing back. `undone` are (code, one of UNDONE). `closed` are the codes that were closed
    by a form that was drawn then. `handed_over` is the code of a request, which is no longer to be
    seen, and the centre that has it now; with `is_person_told` the person hears of it, at
    `person_told_at` (None: at once).
    """

    done: int | None = None
    undone: Sequence[tuple[str, str]] = ()
    handed_over: tuple[str, str] | None = None
    is_person_told: bool = False
    person_told_at: datetime | None = None
    reopened: int | None = None
    closed: Sequence[str] = ()
    drawn: datetime | None = None

    @classmethod
    def parse(cls, given: Mapping[str, str]) -> "Told":
        parts = [part.partition(".") for part in given.get("undone", "").split(",")[:MOST]]
        return cls(
            _read_count(given.get("done", "")),
            [(code, why) for code, _, why in parts if codes.is_valid(code) and why in UNDONE],
            _read_handed_over(given.get("handed_over", "")),
            "person_told" in given,
            read_moment(given.get("person_told", "")),
            _read_count(given.get("reopened", "")),
            read_codes(given.get("closed", "")),
            read_moment(given.get("drawn", "")),
        )

    @classmethod
    def of(cls, bulk: Bulk) -> "Told":
        """What cannot be a code may be anything that somebody sent: it is told as nothing."""
        return cls(len(bulk.done), [(one.code, find_why(one)) for one in bulk.undone])

    def to_query(self) -> dict[str, str]:
        undone = ",".join(f"{code}.{why}" for code, why in self.undone if codes.is_valid(code))
        return {
            "done": "" if self.done is None else str(self.done),
            "reopened": "" if self.reopened is None else str(self.reopened),
            "undone": undone,
            "closed": ",".join(self.closed),
            "drawn": "" if self.drawn is None else self.drawn.isoformat(),
            "handed_over": "" if self.handed_over is None else ".".join(self.handed_over),
            "person_told": self._say_person_told(),
        }

    def _say_person_told(self) -> str:
        if not self.is_person_told:
            return ""
        return "1" if self.person_told_at is None else self.person_told_at.isoformat()


def find_why(undone: Undone) -> str:
    """Why it could not be done, as one of UNDONE."""
    error = undone.error
    if isinstance(error, MoveNotAllowed) and error.state in _CLOSED_STATES:
        return "closed"
    return _WHY.get(type(error), "not_allowed")


def read_codes(written: str) -> Sequence[str]:
    """Codes as an address names them; what is none is left out."""
    return [code for code in written.split(",")[:MOST] if codes.is_valid(code)]


def _read_handed_over(written: str) -> tuple[str, str] | None:
    code, _, centre = written.partition(".")
    return (code, centre) if codes.is_valid(code) and centre else None


def _read_count(written: str) -> int | None:
    return int(written) if _NUMBER.fullmatch(written) else None
