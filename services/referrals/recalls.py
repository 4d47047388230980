"""Agencies that must be asked to delete what they have got: "we ask them to" is a promise.

It arises when a person takes back what was given, also what was over by then, and when they delete
everything: then it holds nothing of them but the code under which the agency knows them, since
nobody could ask without it.
It is kept until somebody has told the agency (`asking_back`), whatever becomes of the request.
"""

from datetime import datetime

from sqlalchemy import ColumnElement, exists, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Recall, Referral, Request
from services.office_hours import day_of


def is_owed() -> ColumnElement[bool]:
    """Of referrals: what an agency has got, and nobody has taken back yet."""
    is_noted = exists().where(Recall.referral_id == Referral.id)
    return Referral.given_at.is_not(None) & ~is_noted


async def note(
    session: AsyncSession, request: Request, referral: Referral, *, now: datetime
) -> None:
    """The person took back what was given. Their request is held."""
    session.add(
        Recall(
            centre_id=request.centre_id,
            agency_id=referral.agency_id,
            referral_id=referral.id,
            code=request.code,
            reason="taken_back",
            arose_on=day_of(now),
        )
    )
    await session.flush()


async def note_deleted(session: AsyncSession, which: ColumnElement[bool], *, now: datetime) -> None:
    """Their requests (of `Request`) are about to be deleted, and what was given is out there.

    What was over, or ended by staff, is out there too; what was taken back is noted already.
    """
    given = (
        select(
            Referral.centre_id,
            Referral.agency_id,
            Referral.id,
            Request.code,
            literal("deleted"),
            literal(day_of(now)),
        )
        .join(Request, Request.id == Referral.request_id)
        .where(which, is_owed())
    )
    columns = ("centre_id", "agency_id", "referral_id", "code", "reason", "arose_on")
    await session.execute(insert(Recall).from_select(columns, given))
