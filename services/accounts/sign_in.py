"""The way in: a password, then a code. Each step opens a session of its own, so none is fixed."""

from datetime import datetime
from typing import NoReturn
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Account, Staff
from services.accounts import (
    known_browsers,
    lockout,
    passwords,
    recovery_codes,
    second_factor,
    sessions,
)
from services.accounts.holding import fold_username, hold_account, hold_named
from services.accounts.journal import PASSWORD, SECOND_FACTOR, note
from services.accounts.types import Confirmed, Visitor
from services.errors import DomainError, UnknownLanguage, WeakPassword, WrongCode, WrongSignIn

LANGUAGES = ("km", "en")


async def sign_in(
    session: AsyncSession,
    username: str,
    password: str,
    *,
    device: str,
    known: str = "",
    now: datetime,
) -> str:
    """The token of a session that waits for its code; `known` is what the browser has noted.

    Raises WrongSignIn and LockedOut; what is wrong is committed before.
    """
    name = fold_username(username)
    account = await hold_named(session, name)
    if account is None:
        await lockout.check_stranger(session, name, now=now)
        await passwords.verify(password, None)
        await lockout.refuse_stranger(session, name, now=now)
    known_by = known_browsers.find(known, account.staff_id)
    await _check_lock(session, account, known_by, now)
    if not await _is_password(session, account, password):
        await _refuse(session, account, known_by, WrongSignIn(), field=PASSWORD, now=now)
    if known_by is None:
        lockout.forgive_passwords(account)
    row, token = await sessions.open_session(
        session, account.staff_id, device=device, is_confirmed=False, now=now
    )
    act = lockout.RIGHT_PASSWORD
    await note(session, act, row.id, by=account.staff_id, subject="desk_session", now=now)
    return token


async def confirm(
    session: AsyncSession,
    visitor: Visitor,
    code: str,
    *,
    device: str,
    known: str = "",
    now: datetime,
) -> Confirmed:
    """A session that may work, instead of the one that waited; the first code sets the factor up.

    Raises WrongCode (also when this session was confirmed or ended meanwhile, which counts for
    nothing, as does UnusableCode) and LockedOut; what is wrong is committed before.
    """
    second_factor.check_form(code)
    account = await hold_account(session, visitor.staff_id)
    waiting = await sessions.hold_unconfirmed(session, visitor.session_id, now=now)
    if account is None or waiting is None:
        raise WrongCode
    known_by = known_browsers.find(known, account.staff_id)
    await _check_lock(session, account, known_by, now)
    if account.second_factor is None:
        is_right = await second_factor.set_up(session, account, waiting.id, code, now=now)
    else:
        is_right = await second_factor.use_code(session, account, code, now=now)
    if not is_right:
        await _refuse(session, account, known_by, WrongCode(), field=SECOND_FACTOR, now=now)
    if known_by is None:
        lockout.forgive(account)
    account.updated_at = waiting.ended_at = now
    row, token = await sessions.open_session(
        session, account.staff_id, device=device, is_confirmed=True, now=now
    )
    await note(session, "signed_in", row.id, by=account.staff_id, subject="desk_session", now=now)
    left = await recovery_codes.count_left(session, account.staff_id)
    noted = known_browsers.add(known, row.id, account.staff_id)
    return Confirmed(
        token=token,
        known=noted,
        recovery_codes_left=left,
        by_recovery_code=second_factor.is_on_paper(code),
    )


async def change_password(
    session: AsyncSession, visitor: Visitor, old: str, new: str, *, now: datetime
) -> None:
    """A new password; they are signed out everywhere, here too.

    Raises WrongSignIn for the old one and LockedOut (committed before), WeakPassword, and
    NotAllowed as `sessions.hold_own`.
    """
    account = await sessions.hold_own(session, visitor, now=now)
    here = visitor.session_id
    await lockout.check_browser(session, account, here, now=now)
    if not await passwords.verify(old, account.password_hash):
        error = WrongSignIn()
        await lockout.refuse_browser(session, account, here, error, field=PASSWORD, now=now)
    passwords.check(new, account.username)
    if await passwords.verify(new, account.password_hash):
        raise WeakPassword("same")
    account.password_hash = await passwords.hash_password(new)
    account.updated_at = now
    await sessions.end_all(session, account.staff_id, now=now)
    await note(
        session, "changed", account.staff_id, by=account.staff_id, fields=[PASSWORD], now=now
    )


async def set_language(
    session: AsyncSession, visitor: Visitor, language: str, *, now: datetime
) -> None:
    """In which language the desk speaks to them. Raises UnknownLanguage."""
    if language not in LANGUAGES:
        raise UnknownLanguage
    account = await session.get_one(Account, visitor.staff_id)
    if account.language == language:
        return
    account.language = language
    account.updated_at = now
    await session.flush()
    by = visitor.staff_id
    await note(session, "changed", by, by=by, fields=["language"], now=now)


async def _check_lock(
    session: AsyncSession, account: Account, known_by: UUID | None, now: datetime
) -> None:
    if known_by is None:
        lockout.check_account(account, now)
    else:
        await lockout.check_browser(session, account, known_by, now=now)


async def _refuse(
    session: AsyncSession,
    account: Account,
    known_by: UUID | None,
    error: DomainError,
    *,
    field: str,
    now: datetime,
) -> NoReturn:
    if known_by is None:
        await lockout.refuse_account(session, account, error, field=field, now=now)
    await lockout.refuse_browser(session, account, known_by, error, field=field, now=now)


async def _is_password(session: AsyncSession, account: Account, password: str) -> bool:
    """Whoever has left has no password; finding that out takes as long."""
    person = await session.get_one(Staff, account.staff_id)
    kept = account.password_hash if person.ended_at is None else None
    return await passwords.verify(password, kept)
