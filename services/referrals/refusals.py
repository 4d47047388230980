"""When the person said no for the last time: a yes of an earlier day, told to staff, is void.

Besides the general consent there are their answers about this very agency, and STOP. Whoever said
no to an agency is asked by a message about it only if they want to be.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address, Request, RequestEvent
from services import consent, requests
from services.acting import across_centres
from services.referrals import gate

_KINDS = ("referral_refused", "referral_ended")
_YES = "referral_agreed"


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
        select(RequestEvent.at, RequestEvent.actor, RequestEvent.body)
        .join(Request, Request.id == RequestEvent.request_id)
        .where(requests.own_requests(address), RequestEvent.kind.in_(_KINDS))
        .order_by(RequestEvent.id.desc())
    )
    for at, actor, body in await session.execute(query):
        said = body or {}
        is_theirs = actor == "person" or said.get("reason") == "person"  # told to staff
        if is_theirs and said.get("agency") == agency_id:
            found: datetime = at
            return found
    return None


async def list_to_agencies(session: AsyncSession, address: Address) -> Mapping[int, datetime]:
    """When the person said no to an agency by name, or took a yes back, by its id; no yes since.

    What ended with something else (STOP, the request) was no word about the agency.
    """
    query = (
        select(RequestEvent.at, RequestEvent.kind, RequestEvent.body)
        .join(Request, Request.id == RequestEvent.request_id)
        .where(requests.own_requests(address), RequestEvent.kind.in_((*_KINDS, _YES)))
        .order_by(RequestEvent.id)
    )
    last: dict[int, datetime | None] = {}
    async with across_centres(session):
        for at, kind, body in await session.execute(query):
            if kind == _YES:
                last[body["agency"]] = None
            elif kind == "referral_refused" or body.get("reason") == "person":
                last[body["agency"]] = at
    return {agency_id: at for agency_id, at in last.items() if at is not None}
