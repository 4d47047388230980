"""The log of who looked at what and changed what: for auditors, who see nothing else of the desk.

What somebody looks for is all in the address, so it can be gone back to and shown to others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from babel.dates import format_date
from starlette.responses import Response

from desk.access import AUDIT_ROLES, page, redirect
from desk.pages.audit_lines import address_of, say_lines, say_meant
from desk.rendering import render
from desk.request import DeskRequest
from services import centres, codes
from services.acting import Session
from services.audit import ACTIONS, SUBJECTS
from services.audit_log import (
    MOST_CHOICES,
    NOTHING,
    StaffName,
    find_about,
    find_staff,
    find_staff_name,
    list_page,
)
from services.audit_search import ACTORS, SIDES, VIEWS, Search
from services.audit_weeks import ViewCount, Weeks, compare_weeks

_MOST_LETTERS: Final = 100
_LONGEST_ID: Final = 18


@dataclass(frozen=True, slots=True)
class Looking:
    """Where somebody looks. `who` is a name as it was typed, `before` where the page begins."""

    search: Search
    who: str
    before: int | None

    @classmethod
    def at(cls, request: DeskRequest) -> "Looking":
        given = request.query_params
        return cls(
            Search.parse(given),
            given.get("who", "").replace("\0", "").strip()[:_MOST_LETTERS],
            _number(given.get("before", "")),
        )

    @property
    def is_plain(self) -> bool:
        """Whether it is the first page of all that there is."""
        return not (self.search.names or self.search.faults or self.who or self.before)

    def address(self, **changed: object) -> str:
        """Of the same search from its beginning; an empty value leaves something out."""
        return address_of(**{**self.search.to_query(), **changed})


async def show(request: DeskRequest) -> Response:
    """The log, or the choice of the members of staff whom a typed name may mean."""
    looking = Looking.at(request)
    async with request.acting() as session:
        choices: Sequence[StaffName] = ()
        if looking.who:
            choices = await find_staff(session, request.visitor, looking.who)
            if len(choices) == 1:
                return redirect(request, looking.address(staff=choices[0].id))
        meant = await find_about(session, request.visitor, looking.search)
        if len(meant) == 1:
            return redirect(request, looking.address(subject=meant[0][0], about=meant[0][1]))
        return await _show(request, session, looking, choices, meant)


async def _show(
    request: DeskRequest,
    session: Session,
    looking: Looking,
    choices: Sequence[StaffName],
    meant: Sequence[tuple[str, str]],
) -> Response:
    visitor, now, search = request.visitor, request.now(), looking.search
    weeks = await compare_weeks(session, visitor, now=now) if looking.is_plain else None
    found = NOTHING
    if not looking.who and not meant:
        found = await list_page(session, visitor, search, now=now, before=looking.before)
    known_centres = await centres.list_names(session, request.language)
    staff_name = await find_staff_name(session, visitor, search.staff) if search.staff else None
    words = _words_of_filters(request, known_centres)
    return render(
        request,
        "audit.html",
        looking=looking,
        looked_for=_say_search(request, search, words, staff_name),
        search=search,
        lines=say_lines(request, found.lines),
        following=found.following,
        faults=("about",) if found.is_unknown else search.faults,
        meant=say_meant(request, meant),
        choices=choices,
        most_choices=MOST_CHOICES,
        staff_name=staff_name,
        sides=SIDES if search.staff else (),
        weeks=None if weeks is None else _say_weeks(request, weeks),
        views={view: request.text(f"desk-audit-view-{view}") for view in VIEWS},
        words=words,
        centres=known_centres,
        about=_display_about(search.about or request.query_params.get("about", "")),
    )


def _words_of_filters(
    request: DeskRequest, known_centres: Mapping[str, str]
) -> Mapping[str, Mapping[str, str]]:
    """What each list of the form offers, by the name of its field."""
    return {
        "subject": {one: request.text(f"desk-audit-of-{one}") for one in SUBJECTS},
        "action": {one: request.text(f"desk-audit-did-{one}") for one in ACTIONS},
        "actor": {one: request.text(f"desk-audit-by-{one}") for one in ACTORS},
        "centre": known_centres,
    }


def _say_search(
    request: DeskRequest,
    search: Search,
    words: Mapping[str, Mapping[str, str]],
    staff_name: str | None,
) -> Sequence[str]:
    """What is looked for, in few words: the form itself is folded as long as there are rows."""
    said = [staff_name or request.text("desk-audit-nobody")] if search.staff else []
    for name, values in words.items():
        chosen = getattr(search, name)
        if chosen is not None:
            said.append(values.get(chosen, chosen))
    if search.about is not None:
        said.append(_display_about(search.about))
    days = [search.first, search.last]
    if any(days):
        said.append(" – ".join(_say_day(request, day) if day else "" for day in days))
    return said


@dataclass(frozen=True, slots=True)
class SaidWeeks:
    """Their days in words, the days of an address for each, and what was counted."""

    now: str
    before: str
    of_now: dict[str, date]
    of_before: dict[str, date]
    counts: Sequence[ViewCount]


def _say_weeks(request: DeskRequest, weeks: Weeks) -> SaidWeeks:
    now, before = weeks.now, weeks.before
    return SaidWeeks(
        now=_say_days(request, now.first, now.last),
        before=_say_days(request, before.first, before.last),
        of_now={"first": now.first, "last": now.last},
        of_before={"first": before.first, "last": before.last},
        counts=weeks.counts,
    )


def _say_days(request: DeskRequest, first: date, last: date) -> str:
    """From day to day; the month once where both are of one, for a phone's sake."""
    if first.month == last.month:
        return f"{first.day}–{_say_day(request, last)}"
    return f"{_say_day(request, first)} – {_say_day(request, last)}"


def _say_day(request: DeskRequest, day: date) -> str:
    said: str = format_date(day, "d MMM", locale=request.language)
    return said


def _display_about(about: str) -> str:
    return codes.display(about) if codes.is_valid(about) else about[:_MOST_LETTERS]


def _number(typed: str) -> int | None:
    is_ours = typed.isascii() and typed.isdigit() and len(typed) <= _LONGEST_ID
    return int(typed) if is_ours else None


ROUTES: Final = (page("/audit", show, roles=AUDIT_ROLES),)
