"""What wrong attempts cost: after five of them a delay, which doubles with each further one.

Passwords and codes count together. The right password takes the wrong ones off; only whoever gives
both starts anew. A username that nobody
has is locked in the same way, or the lock would tell which ones there are. Its attempts are counted
in the audit, under a short keyed hash: a username that does not exist is often a password, typed
into the wrong line. A browser that is known (`known_browsers`) has a lock of its own, counted in
the audit of its last session: no stranger's guesses close it.

A refusal is committed before it is raised: no caller can roll an attempt back.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NoReturn
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.crypto import current_keyring
from db.models import Account, AuditRow, Staff
from services.accounts.authority import check_may_manage
from services.accounts.holding import hold_account
from services.accounts.journal import PASSWORD, SECOND_FACTOR, note
from services.errors import DomainError, LockedOut, WrongSignIn

FREE_ATTEMPTS = 5
FIRST_DELAY = timedelta(minutes=1)
LONGEST_DELAY = timedelta(hours=1)
RIGHT_PASSWORD = "recognised"  # noqa: S105 - an act of the audit
_MOST_COUNTED = 20  # by far enough for the longest delay
_BUCKET_BYTES = 3


def get_delay(wrong_attempts: int) -> timedelta:
    """How long nothing is tried after so many."""
    beyond = wrong_attempts - FREE_ATTEMPTS
    if beyond < 0:
        return timedelta(0)
    return min(FIRST_DELAY * (1 << min(beyond, _MOST_COUNTED)), LONGEST_DELAY)


def check_account(account: Account, now: datetime) -> None:
    """Raises LockedOut."""
    if account.locked_until is not None and account.locked_until > now:
        raise LockedOut(account.locked_until)


async def unlock(session: AsyncSession, person: Staff, *, by: UUID | None, now: datetime) -> None:
    """Let them try again at once. Raises NotAllowed for who may not."""
    await check_may_manage(session, by)
    account = await hold_account(session, person.id)
    if account is None or account.locked_until is None:
        return
    forgive(account)
    account.updated_at = now
    await note(session, "unlocked", person.id, by=by, fields=["locked_until"], now=now)


def forgive(account: Account) -> None:
    """Whoever gave password and code, or has a new link, starts anew."""
    account.wrong_attempts = account.wrong_codes = 0
    account.locked_until = None


def forgive_passwords(account: Account) -> None:
    """Whoever gives the right one mistyped the others; of their codes that says nothing."""
    account.wrong_attempts = account.wrong_codes


async def refuse_account(
    session: AsyncSession, account: Account, error: DomainError, *, field: str, now: datetime
) -> NoReturn:
    """Count a wrong attempt at `field` and commit. Raises `error`, or LockedOut from the fifth."""
    account.wrong_attempts = min(account.wrong_attempts + 1, _MOST_COUNTED)
    if field == SECOND_FACTOR:
        account.wrong_codes = min(account.wrong_codes + 1, _MOST_COUNTED)
    account.updated_at = now
    delay = get_delay(account.wrong_attempts)
    account.locked_until = now + delay if delay else None
    subject = ("account", str(account.staff_id))
    await _refuse(session, subject, error, delay, field=field, now=now)


async def check_browser(
    session: AsyncSession, account: Account, known_by: UUID, *, now: datetime
) -> None:
    """The same for a known browser, or one that is signed in; the account is held.

    Raises LockedOut.
    """
    _check_attempts(await _list_attempts_here(session, account, known_by), now)


async def refuse_browser(
    session: AsyncSession,
    account: Account,
    known_by: UUID,
    error: DomainError,
    *,
    field: str,
    now: datetime,
) -> NoReturn:
    """The same for a known browser. Raises `error`, or LockedOut from the fifth."""
    attempts = await _list_attempts_here(session, account, known_by)
    delay = get_delay(len(attempts) + 1)
    subject = ("desk_session", str(known_by))
    await _refuse(session, subject, error, delay, field=field, now=now)


async def check_stranger(session: AsyncSession, username: str, *, now: datetime) -> None:
    """The same for a username that nobody has, holding it. Raises LockedOut."""
    await session.execute(select(func.pg_advisory_xact_lock(_lock_number(username))))
    _check_attempts(await _list_attempts(session, "account", _bucket(username)), now)


async def refuse_stranger(session: AsyncSession, username: str, *, now: datetime) -> NoReturn:
    """The same for a username that nobody has. Raises WrongSignIn, or LockedOut from the fifth."""
    subject = ("account", _bucket(username))
    delay = get_delay(len(await _list_attempts(session, *subject)) + 1)
    await _refuse(session, subject, WrongSignIn(), delay, field=PASSWORD, now=now)


def _check_attempts(attempts: Sequence[datetime], now: datetime) -> None:
    if attempts and (until := attempts[0] + get_delay(len(attempts))) > now:
        raise LockedOut(until)


async def _refuse(
    session: AsyncSession,
    subject: tuple[str, str],
    error: DomainError,
    delay: timedelta,
    *,
    field: str,
    now: datetime,
) -> NoReturn:
    table, row_id = subject
    await note(session, "refused", row_id, by=None, subject=table, fields=[field], now=now)
    if delay:
        await note(session, "locked", row_id, by=None, subject=table, now=now)
    await session.commit()
    raise LockedOut(now + delay) if delay else error


async def _list_attempts_here(
    session: AsyncSession, account: Account, known_by: UUID
) -> Sequence[datetime]:
    """Those of a browser; without passwords that were mistyped before the right one was given."""
    given = (
        select(func.max(AuditRow.id))
        .where(
            AuditRow.actor_id == str(account.staff_id),
            AuditRow.actor == "staff",
            AuditRow.action == RIGHT_PASSWORD,
        )
        .scalar_subquery()
    )
    counts = or_(AuditRow.id > func.coalesce(given, 0), AuditRow.fields.contains([SECOND_FACTOR]))
    return await _list_attempts(session, "desk_session", str(known_by), counts)


async def _list_attempts(
    session: AsyncSession, subject: str, row_id: str, *which: ColumnElement[bool]
) -> Sequence[datetime]:
    """When they were, the last one first, and no more than matter."""
    query = (
        select(AuditRow.at)
        .where(
            AuditRow.subject == subject,
            AuditRow.subject_id == row_id,
            AuditRow.action == "refused",
            AuditRow.actor == "system",
            *which,
        )
        .order_by(AuditRow.at.desc())
        .limit(_MOST_COUNTED)
    )
    return (await session.scalars(query)).all()


def _bucket(username: str) -> str:
    return f"unknown-{_index(username)[:_BUCKET_BYTES].hex()}"


def _lock_number(username: str) -> int:
    return int.from_bytes(_index(username)[:8], signed=True)


def _index(username: str) -> bytes:
    plain = username.encode(errors="replace").decode()
    return current_keyring().blind_index(f"unknown username {plain}")
