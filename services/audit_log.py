"""The log as auditors read it: who looked at what and changed what, the newest first.

It says names of staff and codes of requests, which are nobody's secret, and ids for all else: no
person, no word that was written. How rows are found is said in `services.audit_walks`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final
from uuid import UUID

import regex
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Account, AuditRow, Staff
from services import audit, khmer, staff
from services.accounts.types import Visitor
from services.audit_names import Names, find_names
from services.audit_search import REQUEST, Search
from services.audit_walks import find_ids, is_known, list_rows, with_persons
from services.errors import NotAllowed

PAGE_SIZE: Final = 50
MOST_CHOICES: Final = 12
"""Members of staff that are offered for a typed name."""
_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+")
_SAME_SEARCH = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Subject:
    """To what it was done. `code` is that of a request.

    `name` is that of a member of staff, a centre, an agency or a ready reply; or of whose a
    session, an invitation or a chat is, if not the actor's own.
    """

    kind: str
    id: str | None
    name: str | None = None
    code: str | None = None

    @property
    def about(self) -> str | None:
        """What finds it again in the log."""
        if self.id is None or self.kind != REQUEST:
            return self.id
        return self.code or (self.id if ":" in self.id else f"#{self.id}")


@dataclass(frozen=True, slots=True)
class LogLine:
    """One act, and all to which it was done at once: a page shows a request with its person.

    `fields` are names of columns. `actor_name` is that of a member of staff.
    """

    at: datetime
    actor: str
    actor_id: str | None
    actor_name: str | None
    action: str
    subjects: Sequence[Subject]
    fields: Sequence[str]


@dataclass(frozen=True, slots=True)
class LogPage:
    """One page; `following` is the id that the next one comes after, None after the last.

    `is_unknown`: nothing that was ever done was done to such an id.
    """

    lines: Sequence[LogLine]
    following: int | None
    is_unknown: bool = False


NOTHING: Final = LogPage((), None)


@dataclass(frozen=True, slots=True)
class StaffName:
    """A member of staff who may be meant; `has_left` works here no more."""

    id: UUID
    name: str
    username: str | None
    has_left: bool


async def list_page(
    session: AsyncSession,
    visitor: Visitor,
    search: Search,
    *,
    now: datetime,
    before: int | None = None,
    size: int = PAGE_SIZE,
) -> LogPage:
    """What was done, the newest first; the search is written down, once for all of its pages.

    Nothing for an impossible search. Raises NotAllowed for who is no auditor.
    """
    check_may_read(visitor)
    if search.faults:
        return NOTHING
    rows = await list_rows(session, search, before=before, most=size + 1)
    if search.names:
        await _note_search(session, visitor, search, is_first=before is None, now=now)
    if not rows and search.about is not None and not await is_known(session, search):
        return LogPage((), None, is_unknown=True)
    shown = rows[:size]
    if search.is_of_requests:
        shown = await with_persons(session, shown)
    lines = await _to_lines(session, shown, visitor.language)
    return LogPage(lines, rows[size - 1].id if len(rows) > size else None)


async def find_staff(session: AsyncSession, visitor: Visitor, typed: str) -> Sequence[StaffName]:
    """Who may be meant by a name or a username or words of these, also those who left.

    One when it is certain. Names are sealed, so they are compared here. Raises NotAllowed.
    """
    check_may_read(visitor)
    usernames = {
        row.staff_id: row.username
        for row in await session.execute(select(Account.staff_id, Account.username))
    }
    everybody = [
        StaffName(one.id, one.name, usernames.get(one.id), one.ended_at is not None)
        for one in await staff.list_staff(session, with_ended=True)
    ]
    wanted = _WORD.findall(khmer.loose_words(typed))
    if not wanted:
        return ()
    exact = [one for one in everybody if wanted in map(_WORD.findall, _called(one))]
    alike = [one for one in everybody if all(word in " ".join(_called(one)) for word in wanted)]
    alike.sort(key=lambda one: khmer.sort_key(one.name))
    return exact if len(exact) == 1 else alike[:MOST_CHOICES]


async def find_about(
    session: AsyncSession, visitor: Visitor, search: Search
) -> Sequence[tuple[str, str]]:
    """(subject, its id) of what may be meant by the beginning of an id, as the log shows it.

    Nothing where the search names no such beginning, or nothing begins so. Raises NotAllowed.
    """
    check_may_read(visitor)
    if search.beginning is None:
        return ()
    return await find_ids(session, search.beginning, search.subject, most=MOST_CHOICES)


async def find_staff_name(session: AsyncSession, visitor: Visitor, staff_id: UUID) -> str | None:
    """Whose id this is; None for nobody's. Raises NotAllowed."""
    check_may_read(visitor)
    person = await session.get(Staff, staff_id)
    return None if person is None else person.name


def check_may_read(visitor: Visitor) -> None:
    """The log is the auditors' alone. Raises NotAllowed."""
    if visitor.role != "auditor":
        raise NotAllowed


def _called(one: StaffName) -> Sequence[str]:
    names = [one.name, *([one.username] if one.username else [])]
    return [khmer.loose_words(name) for name in names]


async def _note_search(
    session: AsyncSession, visitor: Visitor, search: Search, *, is_first: bool, now: datetime
) -> None:
    """Only the first page is a search; whoever begins with another one has not asked yet."""
    if not is_first and await _was_noted(session, visitor, search, now):
        return
    await audit.record_by(
        session,
        by=visitor.staff_id,
        action="searched",
        subject="audit",
        subject_id=None,
        fields=search.names,
        now=now,
    )


async def _was_noted(
    session: AsyncSession, visitor: Visitor, search: Search, now: datetime
) -> bool:
    query = select(AuditRow.id).where(
        AuditRow.actor_id == str(visitor.staff_id),
        AuditRow.action == "searched",
        AuditRow.at > now - _SAME_SEARCH,
        AuditRow.fields == list(search.names),
    )
    return await session.scalar(query.limit(1)) is not None


# Showing


async def _to_lines(
    session: AsyncSession, rows: Sequence[AuditRow], language: str
) -> list[LogLine]:
    names = await find_names(session, rows, language)
    return [
        LogLine(
            at=acts[0].at,
            actor=acts[0].actor,
            actor_id=acts[0].actor_id,
            actor_name=names.staff.get(acts[0].actor_id or ""),
            action=acts[0].action,
            subjects=[_to_subject(act, names) for act in reversed(acts)],
            fields=acts[0].fields,
        )
        for acts in (list(same) for _, same in groupby(rows, key=_act))
    ]


def _act(row: AuditRow) -> tuple[object, ...]:
    """What is the same of rows that were written by one act."""
    return row.at, row.actor, row.actor_id, row.action, tuple(row.fields)


def _to_subject(row: AuditRow, names: Names) -> Subject:
    code = names.codes.get(row.subject_id or "") if row.subject == REQUEST else None
    return Subject(row.subject, row.subject_id, names.find(row), code)
