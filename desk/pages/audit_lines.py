"""The lines of the log as auditors read them: in words, and each name or id leads to its trail."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from babel.dates import format_datetime

from desk.rendering import CAMBODIA
from desk.request import ADDRESS, DeskRequest
from services import codes
from services.audit import FIELDS, REFUSED, TRIED
from services.audit_log import LogLine, Subject
from services.audit_search import OF_STAFF, PERSON, REQUEST, STAFF_CHAT, is_at_the_door

AUDIT: Final = f"{ADDRESS}/audit"
_SHORT: Final = 8
_STRANGER: Final = "unknown-"
_NAMED: Final = ("agency", "canned_reply", "centre", STAFF_CHAT)
_OF_CHATS: Final = ("chat_link", "staff_card")
_TRIES: Final = (REFUSED, "locked")
_LATE: Final = "expired"


@dataclass(frozen=True, slots=True)
class Named:
    """Words, an id that is shown beside them, and where the trail of it is (None: nowhere)."""

    words: str
    id: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One act in words. `is_refused` says that it was not done."""

    at: str
    day: str
    time: str
    who: Named
    did: str
    subjects: Sequence[Named]
    fields: Sequence[str]
    is_refused: bool


def say_meant(request: DeskRequest, found: Sequence[tuple[str, str]]) -> list[Named]:
    """The things that a beginning of an id may mean, each with its whole id."""
    return [
        Named(
            request.text(f"desk-audit-of-{subject}"),
            own_id,
            address_of(subject=subject, about=own_id),
        )
        for subject, own_id in found
    ]


def address_of(**wanted: object) -> str:
    """Of a search from its beginning; what is empty narrows nothing."""
    query = urlencode({name: str(value) for name, value in wanted.items() if value})
    return f"{AUDIT}?{query}" if query else AUDIT


def say_lines(request: DeskRequest, found: Sequence[LogLine]) -> list[Line]:
    return [_say(request, line) for line in found]


def _say(request: DeskRequest, line: LogLine) -> Line:
    at = line.at.astimezone(CAMBODIA)
    is_try = _is_try(line)
    return Line(
        at=at.isoformat(),
        day=format_datetime(at, "d MMM y", locale=request.language),
        time=format_datetime(at, "HH:mm:ss", locale=request.language),
        who=Named(request.text("desk-audit-by-stranger")) if is_try else _say_actor(request, line),
        did=_say_deed(request, line, is_try=is_try),
        # Several looks at a list, told in one line, are looks at the same.
        subjects=list(dict.fromkeys(_say_subject(request, one) for one in line.subjects)),
        fields=[_say_field(request, name) for name in line.fields],
        is_refused=line.action == REFUSED,
    )


def _is_try(line: LogLine) -> bool:
    """Whether whoever did it was trying to get in, and so was nobody yet."""
    kind = line.subjects[0].kind
    is_attempt = line.action in _TRIES and is_at_the_door(line.actor, kind)
    return is_attempt or (line.action == _LATE and kind == "invitation")


def _say_deed(request: DeskRequest, line: LogLine, *, is_try: bool) -> str:
    if is_try and line.action == REFUSED:
        return request.text("desk-audit-not-signed-in")
    if is_try and line.action == _LATE:
        return request.text("desk-audit-late-invitation")
    return request.text(f"desk-audit-did-{line.action}")


def _say_actor(request: DeskRequest, line: LogLine) -> Named:
    if line.actor == "staff" and line.actor_id is not None:
        return _say_staff(line.actor_name, line.actor_id, request.text("desk-audit-by-staff"))
    if line.actor == PERSON and line.subjects[0].kind in _OF_CHATS and line.actor_id is None:
        return Named(request.text("desk-audit-by-chat"))
    words = request.text(f"desk-audit-by-{line.actor}")
    if line.actor != PERSON or line.actor_id is None:
        return Named(words)
    trail = address_of(subject=PERSON, about=line.actor_id)
    return Named(words, _shorten(line.actor_id), trail)


def _say_subject(request: DeskRequest, subject: Subject) -> Named:
    words = request.text(f"desk-audit-of-{subject.kind}")
    if subject.id is None:
        return Named(words)
    if subject.kind in OF_STAFF:
        if subject.name is None and not _is_uuid(subject.id):
            trail = address_of(subject=subject.kind, about=subject.id)
            shown = subject.id.removeprefix(_STRANGER)
            return Named(request.text("desk-audit-nobody"), shown, trail)
        return _say_staff(subject.name, subject.id, words)
    trail = address_of(subject=subject.kind, about=subject.about)
    if subject.kind in _NAMED and subject.name is not None:
        return Named(f"{words} ({subject.name})", None, trail)
    if subject.name is not None:
        words = f"{words} ({subject.name})"
    shown = _shorten(subject.id)
    if subject.kind == REQUEST and subject.code is not None:
        shown = codes.display(subject.code)
    return Named(words, shown, trail)


def _say_staff(name: str | None, staff_id: str, words: str) -> Named:
    trail = address_of(staff=staff_id)
    return Named(words, _shorten(staff_id), trail) if name is None else Named(name, None, trail)


def _say_field(request: DeskRequest, name: str) -> str:
    if name.startswith(TRIED):
        tried = request.text(f"desk-audit-did-{name.removeprefix(TRIED)}")
        return request.text("desk-audit-tried", did=tried)
    return request.text(f"desk-audit-field-{name}") if name in FIELDS else name


def _shorten(row_id: str) -> str:
    """Enough of a long id to tell two of them apart on a page."""
    if _is_uuid(row_id):
        return row_id[:_SHORT]
    return f"#{row_id}" if row_id.isdigit() else row_id


def _is_uuid(written: str) -> bool:
    try:
        UUID(written)
    except ValueError:
        return False
    return True
