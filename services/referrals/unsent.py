"""Questions that still wait to be sent: for the morning, or for a carrier that is back.

Until then the referral may end, or its agency become one that no message may name.
"""

from collections.abc import Collection, Sequence

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import OutboxRow, Referral, RequestEvent
from services.referrals import states

AGENCY_NOT_NAMED = "agency_not_named"
"""Why a question was withheld: the person is to be asked by staff, whose turn it is (unlike what is
overtaken, this is missed)."""


async def withhold(session: AsyncSession, asked: Collection[RequestEvent], code: str) -> None:
    """End those of these questions that nobody has begun to send."""
    ids = [event.outbox_id for event in asked if event.outbox_id is not None]
    await session.execute(
        update(OutboxRow)
        .where(OutboxRow.id.in_(ids), OutboxRow.state == "waiting")
        .values(state="withheld", error_code=code, leased_until=None, updated_at=func.now())
    )


async def withhold_of_agency(session: AsyncSession, agency_id: int) -> None:
    """No message names this agency any more. It is held: whoever asks about it reads it first."""
    asked = select(Referral.id, Referral.request_id).where(
        Referral.agency_id == agency_id, Referral.state == "asked"
    )
    found = (await session.execute(asked)).all()
    events = await _list_questions(session, [request_id for _, request_id in found])
    ids = {referral_id for referral_id, _ in found}
    of_agency = [event for event in events if (event.body or {}).get("referral") in ids]
    await withhold(session, of_agency, AGENCY_NOT_NAMED)


async def _list_questions(
    session: AsyncSession, request_ids: Sequence[int]
) -> Sequence[RequestEvent]:
    query = select(RequestEvent).where(
        RequestEvent.request_id.in_(request_ids), RequestEvent.kind == states.ASKED
    )
    return (await session.scalars(query)).all()
