"""Staff who do not exist, one of each role, by whom the desk is tried out and trained.

Their password and the code of the moment are shown to everybody: they may be there only while no
message can reach anybody real. Whoever knows that it can (`bot.release`, the desk) ends them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import pyotp
from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import STAFF_ROLES, Account, AuditRow, Staff
from services import accounts, staff
from services.accounts.holding import fold_username

PASSWORD: Final = "training with phones"  # noqa: S105 (shown on the page, opens nothing real)
CENTRE: Final = "pursat"
_LETS_IN: Final = (("invited", "account"), ("changed", "staff"))
_STEP_S: Final = 30


@dataclass(frozen=True, slots=True)
class WayIn:
    """What to type to be this member of staff. `code` is None when the next one is not due yet."""

    username: str
    role: str
    code: str | None = field(repr=False)


def is_made_up(username: str) -> bool:
    """Whether, however it is written, an invented member of staff signs in under it."""
    return fold_username(username) in USERNAMES


def username_of(role: str) -> str:
    """Under which name the invented member of staff of a role signs in: demo-case-worker."""
    return f"demo-{role.replace('_', '-')}"


USERNAMES: Final = frozenset(username_of(role) for role in STAFF_ROLES)


async def load(session: AsyncSession, *, now: datetime) -> bool:
    """Make those who are missing, and let those work again who were ended; False: all are there."""
    known = {account.username: person for account, person in await _list(session)}
    changed = False
    for role in STAFF_ROLES:
        person = known.get(username_of(role))
        if person is None:
            person = await _add(session, role, now)
        elif person.ended_at is not None:
            await staff.take_up(session, person, now=now)
        else:
            continue
        await _let_in(session, person, username_of(role), now)
        changed = True
    return changed


async def end(session: AsyncSession, *, now: datetime) -> bool:
    """From now on they are nobody, as is whom they let in; False where there was none."""
    made_up = [person for _, person in await _list(session)]
    let_in = await _list_let_in(session, [person.id for person in made_up])
    at_work = [person for person in {*made_up, *let_in} if person.ended_at is None]
    for person in at_work:
        await staff.end(session, person, now=now)
    return bool(at_work)


async def list_ways_in(session: AsyncSession, *, now: datetime) -> Sequence[WayIn]:
    """How to sign in as each of them at this moment, in the order of their roles."""
    found = [
        WayIn(account.username, person.role, _find_code(account, now))
        for account, person in await _list(session)
        if person.ended_at is None and account.second_factor is not None
    ]
    return sorted(found, key=lambda way: STAFF_ROLES.index(way.role))


async def _list(session: AsyncSession) -> Sequence[tuple[Account, Staff]]:
    query = (
        select(Account, Staff)
        .join(Staff, Staff.id == Account.staff_id)
        .where(Account.username.in_(USERNAMES))
    )
    return [(account, person) for account, person in await session.execute(query)]


async def _list_let_in(session: AsyncSession, by: Sequence[UUID]) -> Sequence[Staff]:
    """Whom they gave a link or another role, whom those did, and so on.

    Everybody could be that administrator. The log knows it for ever, links are forgotten.
    """
    let_in = (
        (AuditRow.actor == "staff")
        & (AuditRow.actor_id != AuditRow.subject_id)
        & tuple_(AuditRow.action, AuditRow.subject).in_(_LETS_IN)
    )
    found = (
        select(AuditRow.subject_id)
        .where(let_in, AuditRow.actor_id.in_([str(one) for one in by]))
        .cte(recursive=True)
    )
    found = found.union(
        select(AuditRow.subject_id)
        .join(found, AuditRow.actor_id == found.c.subject_id)
        .where(let_in)
    )
    ids = [UUID(one) for one in await session.scalars(select(found.c.subject_id))]
    return (await session.scalars(select(Staff).where(Staff.id.in_(ids)))).all()


async def _add(session: AsyncSession, role: str, now: datetime) -> Staff:
    centre = None if role in staff.OF_ALL_CENTRES else CENTRE
    name = f"Demo ({role.replace('_', ' ')})"
    return await staff.add(session, name, role, centre, now=now)


async def _let_in(session: AsyncSession, person: Staff, username: str, now: datetime) -> None:
    """As somebody real: invited, with a password, with an authenticator."""
    invitation = await accounts.invite(session, person, username, by=None, now=now)
    await accounts.accept(session, invitation, PASSWORD, now=now)
    token = await accounts.sign_in(session, username, PASSWORD, device="", now=now)
    visitor = await accounts.find_visitor(session, token, now=now)
    assert visitor is not None
    factor = await accounts.new_second_factor(session, visitor, now=now)
    code = pyotp.TOTP(factor.secret).at(now)
    confirmed = await accounts.confirm(session, visitor, code, device="", now=now)
    await _keep_codes(session, confirmed.token, now)
    await accounts.end_all(session, person.id, now=now)


async def _keep_codes(session: AsyncSession, token: str, now: datetime) -> None:
    """Nobody in a training writes recovery codes down; without them each sign-in would ask to."""
    visitor = await accounts.find_visitor(session, token, now=now)
    assert visitor is not None
    proposed = await accounts.find_proposed_codes(session, visitor)
    assert proposed is not None
    await accounts.keep_proposed_codes(session, visitor, proposed.after, now=now)


def _find_code(account: Account, now: datetime) -> str | None:
    """The code of this step; of the next one, if somebody signed in by this one already."""
    assert account.second_factor is not None
    for at in (now, now + timedelta(seconds=_STEP_S)):
        if account.used_step is None or int(at.timestamp()) // _STEP_S > account.used_step:
            return pyotp.TOTP(account.second_factor).at(at)
    return None
