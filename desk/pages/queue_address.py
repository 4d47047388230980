"""What an address of the list says: which part of it somebody looks at, and what a form did there.

Anybody may have written it: whatever makes no sense is as if it were not there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode

import regex

from desk.request import ADDRESS
from services import codes
from services.desk_bulk import MOST, Bulk
from services.desk_cursor import Position
from services.desk_filters import Filters
from services.desk_queue import TABS
from services.errors import MoveNotAllowed, RequestNotFound, WorksElsewhere

QUEUE: Final = f"{ADDRESS}/queue"
UNDONE: Final = ("gone", "changed", "elsewhere", "not_allowed")
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

    `done` is how many it was done with, None when no form led here; `undone` are (code, one of
    UNDONE). With `is_handed_over` a request was, which is no longer to be seen.
    """

    done: int | None = None
    undone: Sequence[tuple[str, str]] = ()
    is_handed_over: bool = False

    @classmethod
    def parse(cls, given: Mapping[str, str]) -> "Told":
        done = given.get("done", "")
        parts = [part.partition(".") for part in given.get("undone", "").split(",")[:MOST]]
        return cls(
            int(done) if _NUMBER.fullmatch(done) else None,
            [(code, why) for code, _, why in parts if codes.is_valid(code) and why in UNDONE],
            "handed_over" in given,
        )

    @classmethod
    def of(cls, bulk: Bulk) -> "Told":
        """What cannot be a code may be anything that somebody sent: it is told as nothing."""
        kinds = {RequestNotFound: "gone", MoveNotAllowed: "changed", WorksElsewhere: "elsewhere"}
        return cls(
            len(bulk.done),
            [(one.code, kinds.get(type(one.error), "not_allowed")) for one in bulk.undone],
        )

    def to_query(self) -> dict[str, str]:
        undone = ",".join(f"{code}.{why}" for code, why in self.undone if codes.is_valid(code))
        return {"done": "" if self.done is None else str(self.done), "undone": undone}
