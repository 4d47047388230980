"""What narrows the desk's list: read from an address that anybody may have written."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

import regex
from sqlalchemy import ColumnElement, select

from db.models import CHANNELS, URGENCIES, Address, Person, Request
from services import khmer, names
from services.places import Gazetteer, Place, load_gazetteer

TOPICS: Final = ("registration", "call", "talk")
LANGUAGES: Final = ("km", "en")
_MOST_LETTERS = 100
_MOST_DIGITS = 8
_CENTRE = regex.compile(r"[a-z][a-z0-9-]{0,39}")


@dataclass(frozen=True, slots=True)
class Filters:
    """Each is None when it narrows nothing.

    `place` is the code of a province, a district or a commune, and stands for all that lies in it.
    `code` is the beginning of a request's code or the whole. `name` is as it was typed: whole words
    or their beginnings, in any order. `centre` is for who works for all of them.
    """

    topic: str | None = None
    urgency: str | None = None
    place: str | None = None
    language: str | None = None
    channel: str | None = None
    code: str | None = None
    name: str | None = field(default=None, repr=False)
    centre: str | None = None

    @classmethod
    def parse(cls, given: Mapping[str, str]) -> "Filters":
        """What of an address's query can be used; whatever else it says narrows nothing."""
        return cls(
            topic=_one_of(given, "topic", TOPICS),
            urgency=_one_of(given, "urgency", URGENCIES),
            place=_place(given.get("place", "")),
            language=_one_of(given, "language", LANGUAGES),
            channel=_one_of(given, "channel", CHANNELS),
            code=_digits(given.get("code", "")),
            name=_name(given.get("name", "")),
            centre=_centre(given.get("centre", "")),
        )

    def to_query(self) -> dict[str, str]:
        """The same for an address."""
        given = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in given.items() if value is not None}

    @property
    def is_empty(self) -> bool:
        return self == Filters(centre=self.centre)

    @property
    def asks_for_person(self) -> bool:
        """Whether they look at the person's own rows, which may be another centre's."""
        return self.place is not None or self.name is not None

    def conditions(self) -> list[ColumnElement[bool]]:
        """For a query of requests; the centre is not among them.

        Each looks at one row by its key: the planner has nothing to choose.
        """
        found: list[ColumnElement[bool]] = []
        if self.topic is not None:
            found.append(Request.topic == self.topic)
        if self.urgency is not None:
            found.append(Request.urgency == self.urgency)
        if self.code is not None:
            found += begins_with(self.code)
        for column, value in ((Address.language, self.language), (Address.channel, self.channel)):
            if value is not None:
                found.append(_one(column, Address.id == Request.address_id) == value)
        found += self.home_conditions(Request.person_id)
        if self.name is not None:
            found += names.is_called(self.name, Request.person_id)
        return found

    def home_conditions(self, person_id: Any) -> list[ColumnElement[bool]]:
        """That this person lives in the place, if one is given."""
        if self.place is None:
            return []
        return [_one(self.lives_there(), Person.id == person_id)]

    def lives_there(self) -> ColumnElement[bool]:
        """The same for a query of people. Only with a place."""
        assert self.place is not None
        return Person.home_code.in_(list_codes(load_gazetteer(), self.place))


def _one(column: Any, condition: ColumnElement[bool]) -> ColumnElement[Any]:
    return select(column).where(condition).scalar_subquery()


def list_codes(gazetteer: Gazetteer, code: str) -> list[str]:
    """The code of a place and of all that lies in it."""
    inside = [list_codes(gazetteer, place.code) for place in gazetteer.children(code)]
    return [code, *(found for codes in inside for found in codes)]


def find_place(filters: Filters) -> Place | None:
    """The place that they name."""
    return None if filters.place is None else load_gazetteer().find_code(filters.place)


def begins_with(digits: str) -> list[ColumnElement[bool]]:
    """As a range, which row-level security lets an index serve; codes are digits alone."""
    following = str(int(digits) + 1)
    found: list[ColumnElement[bool]] = [Request.code >= digits]
    if len(following) == len(digits):
        found.append(Request.code < following)
    return found


def _one_of(given: Mapping[str, str], name: str, known: tuple[str, ...]) -> str | None:
    value = given.get(name)
    return value if value in known else None


def _place(given: str) -> str | None:
    return given if load_gazetteer().find_code(given) is not None else None


def _digits(given: str) -> str | None:
    """A code as it is said, in groups and Khmer digits too; none begins with 0."""
    digits = regex.sub("[^0-9]", "", khmer.normalise(given[:_MOST_LETTERS]))
    return digits if regex.fullmatch(f"[1-9][0-9]{{0,{_MOST_DIGITS - 1}}}", digits) else None


def _name(given: str) -> str | None:
    typed = " ".join(given[:_MOST_LETTERS].split())
    return typed if names.list_typed_keys(typed) else None


def _centre(given: str) -> str | None:
    return given if _CENTRE.fullmatch(given) else None
