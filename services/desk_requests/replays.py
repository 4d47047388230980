"""A form that comes again, from an impatient finger or a browser gone back, does nothing twice.

Each form brings back the id of the latest event that its sender had made on the request when the
page was drawn. If they have done the very same thing since, it was this form. Nothing has to be
kept for it, and whoever means it a second time does it from the page that shows the first.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Request, RequestEvent
from db.models.request import OWNER
from services import audit
from services.accounts.types import Visitor

REPEATED = "repeated"


async def note_repeated(
    session: AsyncSession, visitor: Visitor, request: Request, *, now: datetime
) -> None:
    """Write down that a form came again, and was not done again."""
    await audit.record_refused(
        session, visitor.staff_id, "request", request.id, action=REPEATED, now=now
    )


async def was_done(
    session: AsyncSession,
    visitor: Visitor,
    request: Request,
    kind: str,
    body: Mapping[str, object],
    *,
    seen: int = 0,
    since: datetime | None = None,
) -> bool:
    """Whether the visitor has made such an event after `seen`; `body` are the parts that matter.

    Pages of many requests say when they were drawn instead (`since`).
    """
    query = (
        select(RequestEvent.body)
        .where(
            *_after(request, seen, since),
            RequestEvent.staff_id == visitor.staff_id,
            RequestEvent.kind == kind,
        )
        .order_by(RequestEvent.id.desc())
    )
    return any(body.items() <= (found or {}).items() for found in await session.scalars(query))


async def list_who_gave_it(
    session: AsyncSession, request: Request, *, seen: int = 0, since: datetime | None = None
) -> Sequence[UUID | None]:
    """Who has made it somebody's since then, or their own, by whatever act; None where no staff."""
    query = select(RequestEvent.staff_id, RequestEvent.body).where(*_after(request, seen, since))
    return [row.staff_id for row in await session.execute(query) if OWNER in (row.body or {})]


def _after(request: Request, seen: int, since: datetime | None) -> list[ColumnElement[bool]]:
    conditions = [RequestEvent.request_id == request.id, RequestEvent.id > seen]
    return conditions if since is None else [*conditions, RequestEvent.at >= since]
