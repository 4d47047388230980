"""What has become of the requests that an open list shows: taken, urgent, closed, gone.

The list itself stays as it was drawn, so it says with each request how that stood then. Compared is
what every line of the list says anyway: nothing of the person.
"""

from collections.abc import Sequence
from dataclasses import dataclass
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
)


@dataclass(frozen=True, slots=True)
class Stand:
    """How a request stood when a list was drawn; `owner` is the beginning of an id, or empty."""

    code: str
    state: str
    urgency: str
    owner: str

    @classmethod
    def of(cls, code: str, state: str, urgency: str, owner_id: UUID | None) -> "Stand":
        return cls(code, state, urgency, "" if owner_id is None else str(owner_id)[:_OWNER_LETTERS])

    @classmethod
    def parse_all(cls, written: str) -> Sequence["Stand"]:
        """What an address says of the rows of its list; what makes no sense is left out."""
        found = [_WRITTEN.fullmatch(part) for part in written.split(",")[:MOST]]
        return [cls(*match.groups()) for match in found if match is not None]

    def __str__(self) -> str:
        return f"{self.code}-{self.state}-{self.urgency}-{self.owner}"


@dataclass(frozen=True, slots=True)
class Changed:
    """What is not as it was drawn; each is None where it is.

    `owner_name` is "" where nobody has it now. With `is_gone` the visitor's list holds it no more.
    """

    code: str
    state: str | None = None
    urgency: str | None = None
    owner_name: str | None = None
    is_mine: bool = False
    is_gone: bool = False


async def list_changed(
    session: AsyncSession, visitor: Visitor, drawn: Sequence[Stand]
) -> Sequence[Changed]:
    """Which of these stand otherwise now, as far as the visitor's list may show them."""
    query = (
        select(Request.code, Request.state, Request.urgency, Request.owner_id, Staff.name)
        .outerjoin(Staff, Staff.id == Request.owner_id)
        .where(Request.code.in_([stand.code for stand in drawn]))
    )
    if visitor.centre_id is not None:
        query = query.where(Request.centre_id == visitor.centre_id)
    found = {row.code: row for row in await session.execute(query)}
    compared = [_compare(stand, found.get(stand.code), visitor) for stand in drawn]
    return [changed for changed in compared if changed is not None]


def _compare(drawn: Stand, row: Any, visitor: Visitor) -> Changed | None:
    if row is None:
        return Changed(drawn.code, is_gone=True)
    code, state, urgency, owner_id, owner_name = row
    now = Stand.of(code, state, urgency, owner_id)
    if now == drawn:
        return None
    return Changed(
        drawn.code,
        state=None if state == drawn.state else state,
        urgency=None if urgency == drawn.urgency else urgency,
        owner_name=None if now.owner == drawn.owner else owner_name or "",
        is_mine=owner_id == visitor.staff_id,
    )
