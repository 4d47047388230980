"""What somebody looks for in the log: read from an address that anybody may have written.

A filter that cannot be understood must not be dropped in silence: whoever looks for what happened
on a day would be shown what happened on all of them, and take it for the answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import regex
from sqlalchemy import ColumnElement, and_, not_

from db import models
from db.models import AuditRow
from services import codes
from services.audit import ACTIONS, REFUSED, SUBJECTS, find_uuid

REQUEST: Final = "request"
PERSON: Final = "person"
SESSION: Final = "desk_session"
STAFF_CHAT: Final = "staff_chat"
OF_STAFF: Final = ("staff", "account")
"""Subjects whose id is that of a member of staff."""
FAULTS: Final = ("staff", "about", "day", "days")
DID, MET = SIDES = ("did", "met")
"""What somebody did, and what was done to them."""
CAMBODIA: Final = ZoneInfo("Asia/Phnom_Penh")

ACTORS: Final = models.ACTORS

_DOOR = ("account", SESSION)
_FIRST_YEAR, _LAST_YEAR = 2020, 2200
_MOST_LETTERS = 100
_ABOUT = regex.compile(r"#?[A-Za-z0-9._:/{}-]+")
_BEGINNING = regex.compile(r"[0-9a-f]{8}(?:-[0-9a-f-]{0,27})?")
_CENTRE = regex.compile(r"[a-z][a-z0-9-]{0,39}")


@dataclass(frozen=True, slots=True)
class View:
    """What is looked for often; no subjects mean any.

    `at_the_door` says whether attempts to sign in are meant, or all but these (None: both).
    """

    actions: tuple[str, ...]
    subjects: tuple[str, ...] = ()
    at_the_door: bool | None = None

    def has(self, action: str, actor: str, subject: str) -> bool:
        """Whether such a row is shown."""
        is_meant = self.at_the_door in (None, is_at_the_door(actor, subject))
        return action in self.actions and is_meant and subject in (self.subjects or (subject,))

    def conditions(self) -> list[ColumnElement[bool]]:
        """The same in the database's terms."""
        found: list[ColumnElement[bool]] = [AuditRow.action.in_(self.actions)]
        if self.subjects:
            found.append(AuditRow.subject.in_(self.subjects))
        if self.at_the_door is not None:
            door = and_(AuditRow.actor == "system", AuditRow.subject.in_(_DOOR))
            found.append(door if self.at_the_door else not_(door))
        return found


def is_at_the_door(actor: str, subject: str) -> bool:
    """Whether it is about somebody who was trying to sign in, and so was nobody yet."""
    return actor == "system" and subject in _DOOR


VIEWS: Final[Mapping[str, View]] = {
    "refusals": View((REFUSED, "repeated", "expired"), at_the_door=False),
    "reveals": View(("revealed",)),
    "failed": View((REFUSED,), at_the_door=True),
    "locks": View(("locked",), at_the_door=True),
    "sign_ins": View(("signed_in",), (SESSION,)),
    "roles": View(("added", "changed", "ended"), ("staff",)),
    "reads": View(("read", "listed", "searched")),
}


@dataclass(frozen=True, slots=True)
class Search:
    """Each is None when it narrows nothing.

    `staff` did it, or it was done to them; `side` is one of SIDES and asks for one of both. `about`
    is the code of a request, an id of ours as it stands in the log (of a long one its beginning),
    or (with # before it) a number of ours. Days are those of Cambodia, both
    included. `faults` are those of FAULTS that make the search impossible.
    """

    view: str | None = None
    staff: UUID | None = None
    side: str | None = None
    centre: str | None = None
    actor: str | None = None
    action: str | None = None
    subject: str | None = None
    about: str | None = None
    first: date | None = None
    last: date | None = None
    faults: tuple[str, ...] = field(default=(), compare=False)

    @classmethod
    def parse(cls, given: Mapping[str, str]) -> "Search":
        """What an address's query asks for."""
        faults: list[str] = []
        first, last = (_day(given.get(name, ""), faults) for name in ("first", "last"))
        if first is not None and last is not None and first > last:
            faults.append("days")
        subject = _one_of(given, "subject", SUBJECTS)
        return cls(
            view=_one_of(given, "view", tuple(VIEWS)),
            staff=_staff(given.get("staff", ""), faults),
            side=_one_of(given, "side", SIDES) if given.get("staff") else None,
            centre=given["centre"] if _CENTRE.fullmatch(given.get("centre", "")) else None,
            actor=_one_of(given, "actor", ACTORS),
            action=_one_of(given, "action", ACTIONS),
            subject=subject,
            about=_about(given.get("about", ""), subject, faults),
            first=first,
            last=last,
            faults=tuple(dict.fromkeys(faults)),
        )

    def to_query(self) -> dict[str, str]:
        """The same for an address."""
        return {name: str(getattr(self, name)) for name in self.names}

    @property
    def names(self) -> tuple[str, ...]:
        """Of the filters that narrow it; what they say is nobody's business."""
        own = [one.name for one in fields(self) if one.name != "faults"]
        return tuple(name for name in own if getattr(self, name) is not None)

    @property
    def asks_for_kind(self) -> bool:
        """Whether it asks by whom something was done, what, or to what kind of thing."""
        return any((self.view, self.actor, self.action, self.subject))

    def means(self, actor: str, action: str, subject: str) -> bool:
        """Whether rows of this kind are among what it asks for."""
        is_meant = self.view is None or VIEWS[self.view].has(action, actor, subject)
        asked = ((self.actor, actor), (self.action, action), (self.subject, subject))
        return is_meant and all(wanted in (None, found) for wanted, found in asked)

    @property
    def beginning(self) -> str | None:
        """Of a long id, as the log shows it; digits alone may be the code of a request as well."""
        about = (self.about or "").lower()
        is_code = self.subject in (None, REQUEST) and codes.is_valid(about)
        is_whole = find_uuid(about) is not None
        return about if _BEGINNING.fullmatch(about) and not is_code and not is_whole else None

    @property
    def is_of_requests(self) -> bool:
        """Whether only rows of requests and of what belongs to them are found."""
        is_code = self.about is not None and codes.is_valid(self.about)
        return self.subject == REQUEST or (is_code and self.subject is None)

    @property
    def since(self) -> datetime | None:
        return None if self.first is None else begin_of(self.first)

    @property
    def until(self) -> datetime | None:
        """The moment at which the last day is over."""
        return None if self.last is None else begin_of(self.last + timedelta(days=1))


def begin_of(day: date) -> datetime:
    """The moment at which a day begins in Cambodia."""
    return datetime.combine(day, time(), CAMBODIA).astimezone(UTC)


def _one_of(given: Mapping[str, str], name: str, known: tuple[str, ...]) -> str | None:
    """From a list that the page offers: nobody types it."""
    value = given.get(name)
    return value if value in known else None


def _day(typed: str, faults: list[str]) -> date | None:
    if not typed.strip():
        return None
    try:
        day = date.fromisoformat(typed.strip())
    except ValueError:
        day = None
    if day is None or not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        faults.append("day")
        return None
    return day


def _staff(typed: str, faults: list[str]) -> UUID | None:
    if not typed:
        return None
    try:
        return UUID(typed)
    except ValueError:
        faults.append("staff")
        return None


def _about(typed: str, subject: str | None, faults: list[str]) -> str | None:
    """A code however it is typed becomes its digits; what can be no id of ours finds nothing."""
    typed = typed.strip()
    if not typed:
        return None
    if subject in (None, REQUEST):
        code = codes.parse(typed[:_MOST_LETTERS])
        if code is not None:
            return code
    is_possible = len(typed) <= _MOST_LETTERS and _ABOUT.fullmatch(typed) is not None
    if not is_possible or (subject == REQUEST and not typed.startswith(("#", "code:"))):
        faults.append("about")
        return None
    whole = find_uuid(typed)
    return typed if whole is None else str(whole)
