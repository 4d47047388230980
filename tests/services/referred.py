"""An agency, a registered person and somebody at the desk, for the tests of referrals."""

from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address, Agency, Referral, Request
from services.accounts.types import Visitor
from services.message_words import MessageWords
from services.referrals import asking, steps
from services.referrals.asking import Begun, Told, Wanted
from services.referrals.steps import Step, Stepped
from tests.services.centre_at_work import FRIDAY, PlainWords
from tests.services.desk_visitors import ask, see_as, visit

TODAY = date(2026, 11, 20)
TOLD = Told(TODAY, "phone", "she called us")
NEED = "ចង់បានការងារនៅជិតផ្ទះ"


async def make_agency(
    session: AsyncSession, name: str = "Job Centre", *, is_sensitive: bool = False, **more: Any
) -> Agency:
    agency = Agency(
        name_km=f"{name} (km)",
        name_en=name,
        purposes=["work"],
        places=[],
        is_sensitive=is_sensitive,
        is_demo=False,
        created_at=FRIDAY,
        updated_at=FRIDAY,
        **more,
    )
    session.add(agency)
    await session.flush()
    return agency


def wanted(agency: Agency, **changed: Any) -> Wanted:
    """Work, with name, phone and what is needed; by a message."""
    told: dict[str, Any] = {
        "agency_id": agency.id,
        "purpose": "work",
        "shared": ("name", "phone", "need"),
        "need": NEED,
    }
    return Wanted(**(told | changed))


async def begin(
    session: AsyncSession,
    visitor: Visitor,
    request: Request,
    asked: Wanted,
    *,
    seen: int = 0,
    words: MessageWords | None = None,
) -> Begun:
    return await asking.begin(
        session, visitor, request.code, asked, seen=seen, words=words or PlainWords(), now=FRIDAY
    )


async def do(
    session: AsyncSession,
    visitor: Visitor,
    request: Request,
    referral: Referral,
    name: str,
    **step: Any,
) -> Stepped:
    defaults: dict[str, dict[str, Any]] = {
        "told": {"on": TODAY, "how": "phone"},
        "give": {"on": TODAY, "how": "phone"},
        "accept": {"text": "Ms Sok calls on Monday"},
        "decline": {"text": "no room"},
        "finish": {"result": "reached"},
    }
    made = Step(name, **(defaults.get(name, {}) | step))
    return await steps.do(
        session, visitor, request.code, referral.id, made, words=PlainWords(), now=FRIDAY
    )


async def only_referral(session: AsyncSession) -> Referral:
    """The one that was begun last."""
    query = select(Referral).order_by(Referral.id.desc()).limit(1)
    return (await session.scalars(query.execution_options(populate_existing=True))).one()


async def address_of(session: AsyncSession, request: Request) -> Address:
    return await session.get_one(Address, request.address_id, populate_existing=True)


async def asked(session: AsyncSession) -> tuple[Visitor, Request, Referral]:
    visitor, request = await visit(session), await ask(session)
    agency = await make_agency(session)
    await see_as(session, visitor)
    await begin(session, visitor, request, wanted(agency))
    return visitor, request, await only_referral(session)


async def agreed(session: AsyncSession) -> tuple[Visitor, Request, Referral]:
    visitor, request = await visit(session), await ask(session)
    agency = await make_agency(session)
    await see_as(session, visitor)
    await begin(session, visitor, request, wanted(agency, told=TOLD))
    return visitor, request, await only_referral(session)


async def agency_of(session: AsyncSession, referral: Referral) -> Agency:
    return await session.get_one(Agency, referral.agency_id)
