"""What the request's thread tells of one referral. Its words are sealed, so they are read here."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Referral, Request, RequestEvent
from services.referrals import states


async def list_events(
    session: AsyncSession, request: Request, referral: Referral, *kinds: str
) -> Sequence[RequestEvent]:
    """Its events of these kinds (none: of all that there are), oldest first."""
    query = (
        select(RequestEvent)
        .where(RequestEvent.request_id == request.id, RequestEvent.kind.in_(kinds or states.KINDS))
        .order_by(RequestEvent.id)
    )
    return [
        event
        for event in await session.scalars(query)
        if (event.body or {}).get("referral") == referral.id
    ]
