"""What the person has been shown of what could not be sent to them: that has arrived after all.

An event notes it: what the centre wrote before it, they have read.
"""

from datetime import datetime

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from db.models import Address, RequestEvent
from services import requests

SHOWN = "shown"
_STAFF_MESSAGE = "staff_message"


async def note_shown(
    session: AsyncSession, address: Address, code: str, last_id: int, *, now: datetime
) -> None:
    """Everything that the centre wrote to this request, up to that event, was shown just now.

    Nothing is noted when more was written meanwhile. Raises RequestNotFound.
    """
    request = await requests.hold_own(session, address, code)
    latest = (
        select(RequestEvent, was_shown())
        .where(RequestEvent.request_id == request.id, RequestEvent.kind == _STAFF_MESSAGE)
        .order_by(RequestEvent.id.desc())
        .limit(1)
    )
    found = (await session.execute(latest)).one_or_none()
    if found is None:
        return
    last, is_noted = found
    if last.id == last_id and not is_noted:
        request.shown(now=now, written_at=last.at)
        await session.flush()


def was_shown() -> ColumnElement[bool]:
    """Whether the person has been shown what this event says."""
    later = aliased(RequestEvent)
    return exists().where(
        later.request_id == RequestEvent.request_id,
        later.kind == SHOWN,
        later.id > RequestEvent.id,
    )
