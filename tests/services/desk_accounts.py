"""Somebody with an account, at any step of the way in, for the tests of accounts."""

from datetime import datetime, timedelta

import pyotp
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import AuditRow, Staff
from services import accounts
from tests.services.centre_at_work import FRIDAY, hire

USERNAME = "sok.dara"
PASSWORD = "rice fields in June"
WRONG = "rice fields in July"
DEVICE = "Firefox on a phone"
STEP = timedelta(seconds=30)


async def hire_with_account(
    session: AsyncSession,
    name: str = "Sok",
    username: str = USERNAME,
    role: str = "case_worker",
    centre: str | None = "pursat",
) -> Staff:
    """Somebody who followed the invitation and has not signed in yet."""
    person = await hire(session, name, role, centre)
    token = await accounts.invite(session, person, username, by=None, now=FRIDAY)
    await accounts.accept(session, token, PASSWORD, now=FRIDAY)
    return person


async def half_signed_in(
    session: AsyncSession, username: str = USERNAME, now: datetime = FRIDAY
) -> accounts.Visitor:
    """The password was given, the code not yet."""
    token = await accounts.sign_in(session, username, PASSWORD, device=DEVICE, now=now)
    return await visitor_of(session, token, now)


async def visitor_of(session: AsyncSession, token: str, now: datetime) -> accounts.Visitor:
    visitor = await accounts.find_visitor(session, token, now=now)
    assert visitor is not None
    return visitor


async def set_up(
    session: AsyncSession, username: str = USERNAME, now: datetime = FRIDAY
) -> tuple[str, accounts.Confirmed]:
    """The first code was given: the secret of the authenticator, and the session."""
    visitor = await half_signed_in(session, username, now)
    factor = await accounts.new_second_factor(session, visitor, now=now)
    code = code_at(factor.secret, now)
    confirmed = await accounts.confirm(session, visitor, code, device=DEVICE, now=now)
    return factor.secret, confirmed


async def signed_in(
    session: AsyncSession, username: str = USERNAME, now: datetime = FRIDAY
) -> accounts.Visitor:
    """At the desk, for the first time."""
    _, confirmed = await set_up(session, username, now)
    return await visitor_of(session, confirmed.token, now)


async def write_codes_down(
    session: AsyncSession, visitor: accounts.Visitor, now: datetime = FRIDAY
) -> tuple[str, ...]:
    """The recovery codes that their session shows, which are valid from now on."""
    proposed = await accounts.find_proposed_codes(session, visitor)
    assert proposed is not None
    assert await accounts.keep_proposed_codes(session, visitor, proposed.after, now=now)
    return proposed.codes


def code_at(secret: str, moment: datetime) -> str:
    """What the authenticator shows."""
    return pyotp.TOTP(secret).at(moment)


async def audited(session: AsyncSession, *actions: str) -> list[AuditRow]:
    """What the audit has of these acts, in their order."""
    query = select(AuditRow).where(AuditRow.action.in_(actions)).order_by(AuditRow.id)
    return list(await session.scalars(query))
