"""The second factor: the codes of an authenticator (TOTP); `recovery_codes` for when it is lost.

The secret of the first authenticator is made of the session that sets it up, and is kept with its
first code only. So a page that is loaded again shows the same one, and nobody else who is in the
middle of setting up this account has seen it.
"""

import base64
from datetime import datetime
from uuid import UUID

import pyotp
import regex
from pyotp.exceptions import OTPVerificationError
from sqlalchemy.ext.asyncio import AsyncSession

from db.crypto import current_keyring
from db.models import Account
from services import khmer
from services.accounts import recovery_codes
from services.accounts.holding import hold_account
from services.accounts.journal import SECOND_FACTOR, note
from services.accounts.sessions import hold_unconfirmed
from services.accounts.types import SecondFactor, Visitor
from services.errors import NotAllowed, UnusableCode

ISSUER = "Tralob"
DIGITS = 6
_DRIFT_STEPS = 1
_SECRET_BYTES = 20


async def new_second_factor(
    session: AsyncSession, visitor: Visitor, *, now: datetime
) -> SecondFactor:
    """What an authenticator needs to know, the same for as long as this session waits.

    Raises NotAllowed where there is one already: whoever has only the password must not replace it.
    """
    account = await hold_account(session, visitor.staff_id)
    waiting = await hold_unconfirmed(session, visitor.session_id, now=now)
    if account is None or waiting is None or account.second_factor is not None:
        raise NotAllowed
    return describe(account, _derive_secret(visitor.session_id))


def describe(account: Account, secret: str) -> SecondFactor:
    """A secret as an authenticator takes it."""
    uri = pyotp.TOTP(secret).provisioning_uri(name=account.username, issuer_name=ISSUER)
    return SecondFactor(secret=secret, uri=uri)


async def set_up(
    session: AsyncSession, account: Account, session_id: UUID, code: str, *, now: datetime
) -> bool:
    """Keep the session's secret if this is its code."""
    if not put(account, _derive_secret(session_id), code, now=now):
        return False
    await note(
        session, "set", account.staff_id, by=account.staff_id, fields=[SECOND_FACTOR], now=now
    )
    return True


def put(account: Account, secret: str, code: str, *, now: datetime) -> bool:
    """Make it the account's secret if this is its code, which then signs nobody in."""
    step = _find_step(secret, read_code(code), now)
    if step is None:
        return False
    account.second_factor = secret
    account.used_step = step
    return True


async def use_code(session: AsyncSession, account: Account, code: str, *, now: datetime) -> bool:
    """Whether this code signs somebody in; it never does so again."""
    assert account.second_factor is not None
    digits = read_code(code)
    if is_on_paper(code):
        return await recovery_codes.use(session, account.staff_id, digits, now=now)
    step = _find_step(account.second_factor, digits, now)
    if step is None or (account.used_step is not None and step <= account.used_step):
        return False
    account.used_step = step
    return True


async def was_used_last(
    session: AsyncSession, account: Account, code: str, *, since: datetime, now: datetime
) -> bool:
    """Whether this is the code that was used last, and of one on paper, that it was so since."""
    assert account.second_factor is not None
    digits = read_code(code)
    if is_on_paper(code):
        return await recovery_codes.was_used(session, account.staff_id, digits, since=since)
    step = _find_step(account.second_factor, digits, now)
    return step is not None and step == account.used_step


async def forget(session: AsyncSession, account: Account) -> None:
    """Neither the authenticator nor the codes on paper let anybody in any more."""
    account.second_factor = None
    account.used_step = None
    await recovery_codes.forget(session, account.staff_id)


def read_code(typed: str) -> str:
    """The digits of a code, in groups or not, Khmer or not; empty for anything else."""
    digits = regex.sub("[ -]", "", khmer.normalise(typed))
    return digits if regex.fullmatch("[0-9]+", digits) else ""


def check_form(code: str) -> None:
    """Raises UnusableCode for what cannot be a code, of the authenticator or on paper."""
    if len(read_code(code)) not in (DIGITS, recovery_codes.DIGITS):
        raise UnusableCode


def is_on_paper(code: str) -> bool:
    """Whether it has the form of a recovery code."""
    return len(read_code(code)) == recovery_codes.DIGITS


def new_secret() -> str:
    """A secret that nobody has seen."""
    return pyotp.random_base32()


def _derive_secret(session_id: UUID) -> str:
    derived = current_keyring().blind_index(f"second factor {session_id}")
    return base64.b32encode(derived[:_SECRET_BYTES]).decode()


def _find_step(secret: str, digits: str, now: datetime) -> int | None:
    """Which step of time this is the code of: the present one, or one beside it."""
    try:
        return pyotp.TOTP(secret).verify_and_get_timecode(
            digits, for_time=now, valid_window=_DRIFT_STEPS
        )
    except OTPVerificationError:
        return None
