"""Staff who ask whether somebody may be referred, for tests that walk like that person."""

from typing import Any

from sqlalchemy import select

from db.models import Agency, Referral
from services import threads
from services.referrals import asking, steps
from services.referrals.asking import Begun
from services.referrals.steps import Step
from tests.dialogs.centre_staff import WORDS, hire
from tests.people import NOW, Line
from tests.services.desk_visitors import at_desk
from tests.services.referred import TODAY, make_agency, wanted

AGENCY = "Job Centre"


async def may_refer(line: Line, code: str, **changed: Any) -> Begun:
    """Ask the person of this request, or note their yes."""
    by = await hire(line)
    async with line.app.new_session.begin() as session:
        await threads.take(session, code, staff=by, now=NOW)
        query = select(Agency).where(Agency.name_en == AGENCY)
        agency = (await session.scalars(query)).one_or_none() or await make_agency(session, AGENCY)
        asked = wanted(agency, **changed)
        return await asking.begin(session, at_desk(by), code, asked, seen=0, words=WORDS, now=NOW)


async def hand_over(line: Line, code: str) -> None:
    """The agency gets it."""
    visitor = at_desk(await hire(line))
    step = Step("give", on=TODAY, how="phone")
    async with line.app.new_session.begin() as session:
        referral_id = (await session.scalars(select(Referral.id))).one()
        await steps.do(session, visitor, code, referral_id, step, words=WORDS, now=NOW)


async def state_of_referral(line: Line) -> str:
    """Of the one that was begun last."""
    async with line.app.new_session.begin() as session:
        query = select(Referral.state).order_by(Referral.id.desc()).limit(1)
        return (await session.scalars(query)).one()
