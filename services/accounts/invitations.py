"""Links by which staff choose a password: at first, and when they forgot it or lost their phone."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Account, AuditRow, Invitation, Staff
from services.accounts import lockout, passwords, second_factor, sessions
from services.accounts.authority import check_may_manage
from services.accounts.holding import fold_username, hold_account, is_usable
from services.accounts.journal import PASSWORD, SECOND_FACTOR, note
from services.accounts.tokens import hash_token, new_token
from services.accounts.types import Invited
from services.errors import (
    ChangedMeanwhile,
    InvitationOver,
    NotAllowed,
    UnusableUsername,
    UsernameTaken,
)
from services.staff_cards import linking

LASTS = timedelta(days=3)
_USERNAME_TAKEN = "uq_account_username"


async def invite(
    session: AsyncSession, person: Staff, username: str, *, by: UUID | None, now: datetime
) -> str:
    """The token of a new link; earlier links of theirs end, their password stays until it is used.

    Raises UnusableUsername, UsernameTaken, and NotAllowed for who has left or may not invite.
    """
    await check_may_manage(session, by)
    username = fold_username(username)
    if not is_usable(username):
        raise UnusableUsername
    await session.refresh(person, with_for_update=True)
    if person.ended_at is not None:
        raise NotAllowed
    await _name_account(session, person.id, username, now)
    await _end_links(session, person.id, now)
    token = new_token()
    session.add(
        Invitation(
            token_hash=hash_token(token),
            staff_id=person.id,
            invited_by=by,
            created_at=now,
            expires_at=now + LASTS,
        )
    )
    await note(session, "invited", person.id, by=by, now=now)
    return token


async def reset(session: AsyncSession, person: Staff, *, by: UUID | None, now: datetime) -> None:
    """Forget the second factor and the recovery codes, and sign them out everywhere.

    The password goes too: until they follow a new link, it alone would set up a second factor.
    Raises NotAllowed for who may not.
    """
    await check_may_manage(session, by)
    account = await hold_account(session, person.id)
    if account is None:
        return
    await second_factor.forget(session, account)
    account.password_hash = None
    account.updated_at = now
    await sessions.end_all(session, person.id, now=now)
    await linking.unlink(session, person.id, by=by, now=now)
    await note(session, "reset", person.id, by=by, fields=[PASSWORD, SECOND_FACTOR], now=now)


async def invite_again(
    session: AsyncSession,
    person: Staff,
    username: str,
    *,
    seen: UUID | None,
    by: UUID | None,
    now: datetime,
    with_reset: bool = False,
) -> str:
    """As `invite`, after `reset` if wanted; `seen` is the last link that the form knew of.

    The same form sent again would end the link that it gave. Raises ChangedMeanwhile, and as those
    do; NotAllowed also for oneself.
    """
    await check_may_manage(session, by)
    if person.id == by:
        raise NotAllowed
    last = await find_last(session, person.id)
    if (None if last is None else last.id) != seen:
        raise ChangedMeanwhile
    if with_reset:
        await reset(session, person, by=by, now=now)
    return await invite(session, person, username, by=by, now=now)


async def find_last(session: AsyncSession, staff_id: UUID) -> Invitation | None:
    """The link that was made last."""
    query = (
        select(Invitation)
        .where(Invitation.staff_id == staff_id)
        .order_by(Invitation.created_at.desc(), Invitation.id)
        .limit(1)
        .execution_options(populate_existing=True)
    )
    return await session.scalar(query)


async def find_username(session: AsyncSession, person: Staff) -> str | None:
    """Under which name they sign in; None before they were ever invited."""
    return await session.scalar(select(Account.username).where(Account.staff_id == person.id))


async def find_invited(session: AsyncSession, token: str, *, now: datetime) -> Invited | None:
    """Whom this link invites; None for a link that is unknown, used, replaced or too old.

    That one was opened after its time is written down once, so the caller commits.
    """
    found = await _find(session, token, now)
    if found is None:
        await _note_late(session, token, now)
        return None
    person = await session.get_one(Staff, found.staff_id)
    account = await session.get_one(Account, found.staff_id)
    return Invited(name=person.name, username=account.username)


async def accept(session: AsyncSession, token: str, password: str, *, now: datetime) -> None:
    """Choose the password, once. They are signed out everywhere, and no lock remains.

    Raises InvitationOver and WeakPassword.
    """
    found = await _find(session, token, now)
    if found is None:
        raise InvitationOver
    account = await hold_account(session, found.staff_id)
    if account is None or await _find(session, token, now) is None:
        raise InvitationOver
    passwords.check(password, account.username)
    account.password_hash = await passwords.hash_password(password)
    account.updated_at = now
    lockout.forgive(account)
    found.used_at = now
    await sessions.end_all(session, account.staff_id, now=now)
    await note(
        session, "accepted", account.staff_id, by=account.staff_id, fields=[PASSWORD], now=now
    )


async def _find(session: AsyncSession, token: str, now: datetime) -> Invitation | None:
    query = (
        select(Invitation)
        .join(Staff, Staff.id == Invitation.staff_id)
        .where(
            Invitation.token_hash == hash_token(token),
            Invitation.used_at.is_(None),
            Invitation.expires_at > now,
            Staff.ended_at.is_(None),
        )
        .execution_options(populate_existing=True)
    )
    return await session.scalar(query)


async def _note_late(session: AsyncSession, token: str, now: datetime) -> None:
    query = (
        select(Invitation)
        .where(
            Invitation.token_hash == hash_token(token),
            Invitation.used_at.is_(None),
            Invitation.expires_at <= now,
        )
        .with_for_update()
    )
    late = await session.scalar(query)
    if late is None:
        return
    noted = select(AuditRow.id).where(
        AuditRow.subject == "invitation",
        AuditRow.subject_id == str(late.id),
        AuditRow.action == "expired",
    )
    if await session.scalar(noted.limit(1)) is None:
        await note(session, "expired", late.id, by=None, subject="invitation", now=now)


async def _name_account(
    session: AsyncSession, staff_id: UUID, username: str, now: datetime
) -> None:
    """Their account, new or of another name. Raises UsernameTaken."""
    account = await hold_account(session, staff_id)
    try:
        async with session.begin_nested():
            if account is None:
                session.add(
                    Account(staff_id=staff_id, username=username, created_at=now, updated_at=now)
                )
            elif account.username != username:
                account.username = username
                account.updated_at = now
            await session.flush()
    except IntegrityError as error:
        if _USERNAME_TAKEN not in str(error.orig):
            raise
        raise UsernameTaken from None


async def _end_links(session: AsyncSession, staff_id: UUID, now: datetime) -> None:
    await session.execute(
        update(Invitation)
        .where(Invitation.staff_id == staff_id, Invitation.expires_at > now)
        .values(expires_at=now)
    )
