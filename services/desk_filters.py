"""What narrows the desk's list: read from an address that anybody may have written."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

import regex
from sqlalchemy import ColumnElement, CompoundSelect, Select, select

from db.models import CHANNELS, URGENCIES, Address, Person, Request, address_index
from db.models.person import phone_index
from services import khmer, names, phone_numbers
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
    or their beginnings, in any order. `phone` is a whole number in E.164, of the person or of what
    they write from. `centre` is for who works for all of them.
    """

    topic: str | None = None
    urgency: str | None = None
    place: str | None = None
    language: str | None = None
    channel: str | None = None
    code: str | None = None
    name: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
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
            phone=_phone(given.get("phone", "")),
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
        return any(one is not None for one in (self.place, self.name, self.phone))

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
        if self.phone is not None:
            people, addresses = self.select_reached()
            found.append(Request.person_id.in_(people) | Request.address_id.in_(addresses))
        return found

    def select_reached(self) -> tuple[CompoundSelect[Any], Select[Any]]:
        """Whose number it is, and the addresses that write from it. Only with a phone."""
        assert self.phone is not None
        is_it = (Address.channel == "sms") & (
            Address.value_index == address_index("sms", self.phone)
        )
        writing = select(Address.person_id).where(is_it, Address.person_id.is_not(None))
        named = select(Person.id).where(Person.phone_index == phone_index(self.phone))
        return named.union(writing), select(Address.id).where(is_it)

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


def _phone(given: str) -> str | None:
    try:
        return phone_numbers.parse(given).e164
    except phone_numbers.PhoneNumberError:
        return None


def _centre(given: str) -> str | None:
    return given if _CENTRE.fullmatch(given) else None
