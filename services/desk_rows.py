"""What has become of the requests that an open list shows: taken, urgent, closed, gone.

The list itself stays as it was drawn, so it says with each request how that stood then. Compared is
what every line of the list says anyway: nothing of the person.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import regex
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import STATES, URGENCIES, Request, Staff
from services import codes
from services.accounts.types import Visitor
from services.desk_search import MOST_COUNTED

MOST: Final = MOST_COUNTED
_OWNER_LETTERS: Final = 8
_WRITTEN = regex.compile(
    rf"([0-9]{{{codes.LENGTH}}})-({'|'.join(STATES)})-({'|'.join(URGENCIES)})-([0-9a-f]{{0,8}})"
    r"-([0-9]{0,11})"
)


@dataclass(frozen=True, slots=True)
class Stand:
    """How a request stood when a list was drawn.

    `owner` is the beginning of an id, `due` by when it should be answered, in seconds; or empty.
    """

    code: str
    state: str
    urgency: str
    owner: str
    due: str = ""

    @classmethod
    def of(
        cls, code: str, state: str, urgency: str, owner_id: UUID | None, due_at: datetime | None
    ) -> "Stand":
        owner = "" if owner_id is None else str(owner_id)[:_OWNER_LETTERS]
        due = "" if due_at is None else str(int(due_at.timestamp()))
        return cls(code, state, urgency, owner, due)

    @classmethod
    def parse_all(cls, written: str) -> Sequence["Stand"]:
        """What an address says of the rows of its list; what makes no sense is left out."""
        found = [_WRITTEN.fullmatch(part) for part in written.split(",")[:MOST]]
        return [cls(*match.groups()) for match in found if match is not None]

    def __str__(self) -> str:
        return f"{self.code}-{self.state}-{self.urgency}-{self.owner}-{self.due}"


@dataclass(frozen=True, slots=True)
class Deadline:
    """By when a request should be answered, None when nobody waits for it."""

    at: datetime | None
    is_over: bool


@dataclass(frozen=True, slots=True)
class Changed:
    """What is not as it was drawn; each is None where it is.

    `owner_name` is "" where nobody has it now. With `is_gone` the visitor's list holds it no more.
    A deadline is another one too once it has gone by.
    """

    code: str
    state: str | None = None
    urgency: str | None = None
    owner_name: str | None = None
    is_mine: bool = False
    is_gone: bool = False
    deadline: Deadline | None = None

    @property
    def is_only_due(self) -> bool:
        """Nothing but its deadline is another one."""
        other = (self.state, self.urgency, self.owner_name)
        return not self.is_gone and all(one is None for one in other)


async def list_changed(
    session: AsyncSession,
    visitor: Visitor,
    drawn: Sequence[Stand],
    *,
    since: datetime,
    now: datetime,
) -> Sequence[Changed]:
    """Which of these stand otherwise than `since`, as far as the visitor's list may show them."""
    columns = (Request.code, Request.state, Request.urgency, Request.owner_id, Request.due_at)
    query = (
        select(*columns, Staff.name)
        .outerjoin(Staff, Staff.id == Request.owner_id)
        .where(Request.code.in_([stand.code for stand in drawn]))
    )
    if visitor.centre_id is not None:
        query = query.where(Request.centre_id == visitor.centre_id)
    found = {row.code: row for row in await session.execute(query)}
    compared = [_compare(stand, found.get(stand.code), visitor, since, now) for stand in drawn]
    return [changed for changed in compared if changed is not None]


def _compare(
    drawn: Stand, row: Any, visitor: Visitor, since: datetime, now: datetime
) -> Changed | None:
    if row is None:
        return Changed(drawn.code, is_gone=True, deadline=Deadline(None, is_over=False))
    code, state, urgency, owner_id, due_at, owner_name = row
    stands = Stand.of(code, state, urgency, owner_id, due_at)
    is_over = due_at is not None and due_at <= now
    is_just_over = is_over and due_at > since
    if stands == drawn and not is_just_over:
        return None
    is_other = stands.due != drawn.due or is_just_over
    return Changed(
        drawn.code,
        state=None if state == drawn.state else state,
        urgency=None if urgency == drawn.urgency else urgency,
        owner_name=None if stands.owner == drawn.owner else owner_name or "",
        is_mine=owner_id == visitor.staff_id,
        deadline=Deadline(due_at, is_over) if is_other else None,
    )
