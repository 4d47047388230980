"""When the person said no for the last time: a yes of an earlier day, told to staff, is void.

Besides the general consent there are their answers about this very agency, and STOP.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address, Request, RequestEvent
from services import consent, requests
from services.acting import across_centres
from services.referrals import gate

_KINDS = ("referral_refused", "referral_ended")


async def find_last(session: AsyncSession, address: Address, agency_id: int) -> datetime | None:
    """None when no such no stands. `address` is the one of the request that it is about."""
    async with across_centres(session):
        agreements = await consent.get_state(session, address)
        about_it = await _find_about(session, address, agency_id)
    refusals = (gate.refused_at(agreements), address.stopped_at, about_it)
    return max((at for at in refusals if at is not None), default=None)


async def _find_about(session: AsyncSession, address: Address, agency_id: int) -> datetime | None:
    """Of what the person said to any referral to this agency: the no, or the yes taken back."""
    query = (
        select(RequestEvent.at, RequestEvent.body)
        .join(Request, Request.id == RequestEvent.request_id)
        .where(
            requests.own_requests(address),
            RequestEvent.kind.in_(_KINDS),
            RequestEvent.actor == "person",
        )
        .order_by(RequestEvent.id.desc())
    )
    said = (
        at for at, body in await session.execute(query) if (body or {}).get("agency") == agency_id
    )
    return next(said, None)
