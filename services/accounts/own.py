"""What somebody at the desk changes of their own account, beside the password.

Whoever sits down at a browser that was left open must not make it theirs: password and code are
asked for once more. Wrong ones count in this browser, as for who signs in where they are known: no
stranger's guesses keep anybody from their own account.
"""

import base64
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NoReturn
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.crypto import DecryptionError, current_keyring
from db.models import Account, AuditRow, DeskSession
from services.accounts import lockout, passwords, recovery_codes, second_factor, sessions
from services.accounts.endings import tell_end
from services.accounts.journal import PASSWORD, RECOVERY_CODES, SECOND_FACTOR, note
from services.accounts.types import NewFactor, Visitor
from services.errors import DomainError, NotAllowed, WrongCode, WrongSignIn

CHANGE_WITHIN = timedelta(minutes=15)
_PRESSED_WITHIN = timedelta(minutes=1)
_PURPOSE = "change of the second factor"
# What the audit says was proved for: a code that was given for one of them is none for the other.
_RENEWAL = (SECOND_FACTOR, RECOVERY_CODES)
_CHANGE = (SECOND_FACTOR,)


async def renew_recovery_codes(
    session: AsyncSession, visitor: Visitor, password: str, code: str, *, now: datetime
) -> None:
    """The codes that are left end; new ones wait to be written down (`recovery_codes`).

    Sent again within a moment, it changes nothing. Raises WrongSignIn, WrongCode and LockedOut
    (what is wrong is committed before), NotAllowed.
    """
    account, is_again = await _prove(session, visitor, _RENEWAL, password, code, now=now)
    if is_again:
        return
    await recovery_codes.end_all(session, account.staff_id, now=now)
    await _note(session, visitor, RECOVERY_CODES, now)


async def begin_change(
    session: AsyncSession, visitor: Visitor, password: str, code: str, *, now: datetime
) -> NewFactor:
    """The secret for another authenticator; the old one signs in until `finish_change`.

    The code may be one on paper. Sent again within a moment, the last secret given is the one that
    counts. Raises as `renew_recovery_codes`.
    """
    account, _ = await _prove(session, visitor, _CHANGE, password, code, now=now)
    secret = second_factor.new_secret()
    factor = second_factor.describe(account, secret)
    sealed = _seal(visitor.session_id, secret, now + CHANGE_WITHIN)
    return NewFactor(secret=factor.secret, uri=factor.uri, proof=sealed)


async def go_on_with_change(
    session: AsyncSession, visitor: Visitor, proof: str, *, now: datetime
) -> NewFactor:
    """The same once more. Raises NotAllowed for what is not, is done already, or is over."""
    account = await sessions.hold_own(session, visitor, now=now)
    secret = _unseal(proof, visitor.session_id, now)
    if secret is None or secret == account.second_factor:
        raise NotAllowed
    factor = second_factor.describe(account, secret)
    return NewFactor(secret=factor.secret, uri=factor.uri, proof=proof)


async def finish_change(
    session: AsyncSession, visitor: Visitor, proof: str, code: str, *, now: datetime
) -> None:
    """From now on the new authenticator counts; other browsers are signed out.

    Sent again, it changes nothing. Raises NotAllowed for a proof that is not one, or is over, and
    WrongCode, which counts for nothing.
    """
    second_factor.check_form(code)
    account = await sessions.hold_own(session, visitor, now=now)
    secret = _unseal(proof, visitor.session_id, now)
    if secret is None:
        raise NotAllowed
    if account.second_factor == secret:
        return
    if not second_factor.put(account, secret, code, now=now):
        raise WrongCode
    account.updated_at = now
    await end_other_sessions(session, visitor, now=now)
    await _note(session, visitor, SECOND_FACTOR, now)


async def end_other_sessions(session: AsyncSession, visitor: Visitor, *, now: datetime) -> int:
    """Sign them out everywhere but here; returns how many browsers that were."""
    ended = await session.scalars(
        update(DeskSession)
        .where(
            DeskSession.staff_id == visitor.staff_id,
            DeskSession.id != visitor.session_id,
            DeskSession.ended_at.is_(None),
            DeskSession.expires_at > now,
        )
        .values(ended_at=now)
        .returning(DeskSession.id)
    )
    session_ids = ended.all()
    if session_ids:
        await tell_end(session, visitor.staff_id)
    for session_id in session_ids:
        await note(
            session, "ended", session_id, by=visitor.staff_id, subject="desk_session", now=now
        )
    return len(session_ids)


async def _prove(
    session: AsyncSession,
    visitor: Visitor,
    act: Sequence[str],
    password: str,
    code: str,
    *,
    now: datetime,
) -> tuple[Account, bool]:
    """The account, held, and whether the same form was sent for the same act a moment ago.

    Whoever presses the button twice sends the same code twice, and has guessed nothing. Raises
    UnusableCode before anything is tried, so that it tells nothing of the password.
    """
    second_factor.check_form(code)
    account = await sessions.hold_own(session, visitor, now=now)
    if account.second_factor is None:
        raise NotAllowed
    here = visitor.session_id
    await lockout.check_browser(session, account, here, now=now)

    async def refuse(error: DomainError, field: str) -> NoReturn:
        await lockout.refuse_browser(session, account, here, error, field=field, now=now)

    if not await passwords.verify(password, account.password_hash):
        await refuse(WrongSignIn(), PASSWORD)
    if await second_factor.use_code(session, account, code, now=now):
        account.updated_at = now
        await _note_proved(session, visitor, act, now)
        return account, False
    if not await _is_sent_again(session, account, visitor, act, code, now=now):
        await refuse(WrongCode(), SECOND_FACTOR)
    return account, True


async def _note_proved(
    session: AsyncSession, visitor: Visitor, act: Sequence[str], now: datetime
) -> None:
    """Written down of this browser, and what it was for: what is sent again is known by it."""
    await note(
        session,
        lockout.RIGHT_PASSWORD,
        visitor.session_id,
        by=visitor.staff_id,
        subject="desk_session",
        fields=act,
        now=now,
    )


async def _is_sent_again(
    session: AsyncSession,
    account: Account,
    visitor: Visitor,
    act: Sequence[str],
    code: str,
    *,
    now: datetime,
) -> bool:
    """Whether this browser proved itself last for this very act, by this code."""
    since = now - _PRESSED_WITHIN
    last = (
        select(AuditRow.fields)
        .where(
            AuditRow.subject == "desk_session",
            AuditRow.subject_id == str(visitor.session_id),
            AuditRow.action == lockout.RIGHT_PASSWORD,
            AuditRow.fields.contains([SECOND_FACTOR]),
            AuditRow.at >= since,
        )
        .order_by(AuditRow.id.desc())
        .limit(1)
    )
    if await session.scalar(last) != list(act):
        return False
    return await second_factor.was_used_last(session, account, code, since=since, now=now)


def _seal(session_id: UUID, secret: str, until: datetime) -> str:
    plain = json.dumps([_PURPOSE, str(session_id), secret, until.timestamp()])
    sealed = base64.urlsafe_b64encode(current_keyring().encrypt(plain.encode()))
    return sealed.decode().rstrip("=")  # a browser keeps it in a cookie, which has no such sign


def _unseal(proof: str, session_id: UUID, now: datetime) -> str | None:
    """The secret, if this very session was shown it not long ago."""
    try:
        plain = current_keyring().decrypt(base64.urlsafe_b64decode(proof.encode() + b"=="))
    except (ValueError, DecryptionError):
        return None
    match json.loads(plain):
        case [str(purpose), str(shown_to), str(secret), float(until)]:
            is_ours = purpose == _PURPOSE and shown_to == str(session_id)
            return secret if is_ours and now.timestamp() < until else None
    return None


async def _note(session: AsyncSession, visitor: Visitor, field: str, now: datetime) -> None:
    await note(session, "changed", visitor.staff_id, by=visitor.staff_id, fields=[field], now=now)
