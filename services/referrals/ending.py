"""What ends with something else: nothing more leaves, and staff learn what must be taken back.

STOP, a consent that is taken back, a request that is withdrawn: each ends what is open of the
person. What was given already the agency must be asked to delete (`recalls`), so the centre's clock
runs; also what an agency was done with, or staff had ended, since it has it all the same.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import (
    OPEN_REFERRAL_STATES,
    Address,
    Agency,
    Referral,
    Request,
)
from db.models.request_moves import MOVES
from services import follow_up, requests
from services.due_times import get_due
from services.outbox import OVERTAKEN
from services.referrals import journal, recalls, states, thread, unsent

# Its request goes on, or is over, by what is done with it in the same breath.
_GO_ON = ("replaced", "request")


async def end_all(session: AsyncSession, address: Address, reason: str, *, now: datetime) -> int:
    """The person takes all of theirs back, wherever it was asked from; returns how many that were.

    Said again it ends nothing more.
    """
    ends = exists().where(Referral.request_id == Request.id, _ends_with_all())
    query = (
        select(Request.code)
        .where(requests.own_requests(address), ends)
        .order_by(Request.address_id, Request.id)
    )
    ended = 0
    for code in (await session.scalars(query)).all():
        request = await requests.hold_own(session, address, code)
        ended += await end_of_request(session, request, reason, now=now)
    return ended


async def end_of_request(
    session: AsyncSession, request: Request, reason: str, *, now: datetime
) -> int:
    """The person takes back all of this request, which is held; returns how many that were."""
    query = (
        select(Referral)
        .where(Referral.request_id == request.id, _ends_with_all())
        .order_by(Referral.id)
        .execution_options(populate_existing=True)
    )
    ended = (await session.scalars(query)).all()
    for referral in ended:
        await take_back(session, request, referral, reason, now=now)
    return len(ended)


def _ends_with_all() -> ColumnElement[bool]:
    return Referral.state.in_(OPEN_REFERRAL_STATES) | recalls.is_owed()


async def take_back(
    session: AsyncSession,
    request: Request,
    referral: Referral,
    reason: str,
    *,
    now: datetime,
    inbox_id: int | None = None,
) -> None:
    """The person ends it, of a request that is held; what staff had ended is asked back."""
    if (referral.state, "end") in states.MOVES:
        await end(session, request, referral, reason, now=now, inbox_id=inbox_id)
    else:
        await _tell(session, request, referral, reason, now=now, inbox_id=inbox_id)


async def end(
    session: AsyncSession,
    request: Request,
    referral: Referral,
    reason: str,
    *,
    now: datetime,
    by: UUID | None = None,
    inbox_id: int | None = None,
) -> None:
    """End this one, of a request that is held: by a member of staff, else the person did it.

    Raises MoveNotAllowed.
    """
    states.advance(referral, "end", now=now)
    await withhold_question(session, request, referral)
    await _tell(session, request, referral, reason, now=now, by=by, inbox_id=inbox_id)


async def _tell(
    session: AsyncSession,
    request: Request,
    referral: Referral,
    reason: str,
    *,
    now: datetime,
    by: UUID | None = None,
    inbox_id: int | None = None,
) -> None:
    """The thread and the audit of one that has ended; and who takes it back is promised."""
    was_given = referral.given_at is not None
    agency = await session.get_one(Agency, referral.agency_id)
    event: dict[str, Any] = {
        "actor": "person",
        "by": by,
        "body": states.event_body(referral, agency, reason=reason, was_given=was_given),
        "inbox_id": inbox_id,
    }
    is_taken_back = was_given and reason in states.BY_PERSON
    if is_taken_back:
        await recalls.note(session, request, referral, now=now)
    if reason in _GO_ON:
        request.record(states.ENDED, now=now, **event)
    else:
        reopen_for = "taken_back" if is_taken_back else None
        await come_back(session, request, states.ENDED, now=now, reopen_for=reopen_for, **event)
    await journal.note(session, referral, states.ENDED, by=by, person_id=request.person_id, now=now)


async def come_back(
    session: AsyncSession,
    request: Request,
    kind: str,
    *,
    now: datetime,
    reopen_for: str | None = None,
    **event: Any,
) -> None:
    """The event, and the centre's turn; what was done is opened again where there is a cause."""
    due = await get_due(session, request.centre_id)
    if (request.state, "come_back") in MOVES:
        request.come_back(kind, now=now, due=due, **event)
        return
    request.record(kind, now=now, **event)
    if reopen_for is not None and (request.state, "reopen") in MOVES:
        await follow_up.end_question(session, request)
        request.reopen(reopen_for, now=now, due=due)


async def withhold_question(session: AsyncSession, request: Request, referral: Referral) -> None:
    """Nobody is asked any more what still waits to be asked; what has begun goes its way."""
    events = await thread.list_events(session, request, referral, states.ASKED)
    await unsent.withhold(session, events, OVERTAKEN)
