"""What ends with something else: nothing more leaves, and staff learn what must be taken back.

STOP, a consent that is taken back, a request that is withdrawn: each ends what is open of the
person. What was given already the agency must be asked to delete (`recalls`), so the centre's clock
runs.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import exists, select
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
    """End what is open of this person, wherever it was asked from; returns how many that were.

    Said again it ends nothing more.
    """
    is_open = exists().where(
        Referral.request_id == Request.id, Referral.state.in_(OPEN_REFERRAL_STATES)
    )
    query = (
        select(Request.code)
        .where(requests.own_requests(address), is_open)
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
    """End what is open of this request, which is held; returns how many that were."""
    open_ones = await list_open(session, request)
    for referral in open_ones:
        await end(session, request, referral, reason, now=now)
    return len(open_ones)


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
    was_given = referral.given_at is not None
    kind = states.advance(referral, "end", now=now)
    agency = await session.get_one(Agency, referral.agency_id)
    event: dict[str, Any] = {
        "actor": "person",
        "by": by,
        "body": states.event_body(referral, agency, reason=reason, was_given=was_given),
        "inbox_id": inbox_id,
    }
    await withhold_question(session, request, referral)
    is_taken_back = was_given and reason in states.BY_PERSON
    if is_taken_back:
        await recalls.note(session, request, referral, now=now)
    if reason in _GO_ON:
        request.record(kind, now=now, **event)
    else:
        reopen_for = "taken_back" if is_taken_back else None
        await come_back(session, request, kind, now=now, reopen_for=reopen_for, **event)
    await journal.note(session, referral, kind, by=by, person_id=request.person_id, now=now)


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


async def list_open(session: AsyncSession, request: Request) -> Sequence[Referral]:
    """Those of a request that are not over, oldest first."""
    query = (
        select(Referral)
        .where(Referral.request_id == request.id, Referral.state.in_(OPEN_REFERRAL_STATES))
        .order_by(Referral.id)
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(query)).all()


async def withhold_question(session: AsyncSession, request: Request, referral: Referral) -> None:
    """Nobody is asked any more what still waits to be asked; what has begun goes its way."""
    events = await thread.list_events(session, request, referral, states.ASKED)
    await unsent.withhold(session, events, OVERTAKEN)
