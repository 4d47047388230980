"""What a person takes back, and all that ends with it.

STOP, or a "no" to what passing on rests on, also ends what agencies were asked, or told, about
them: whoever only wrote the "no" down would let it be passed on all the same.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address
from services import addresses, consent, requests
from services.errors import RequestNotFound
from services.referrals import ending

_PASSING_RESTS_ON = (consent.SERVICE, consent.SHARING)


async def stop(session: AsyncSession, address_id: int, *, now: datetime) -> None:
    """The person said STOP: nothing unasked goes to them, and nobody else is told of them."""
    await _hold(session, address_id)
    await addresses.stop(session, address_id, now=now)
    if (address := await session.get(Address, address_id)) is not None:
        await ending.end_all(session, address, "stopped", now=now)


async def block(session: AsyncSession, address_id: int, *, now: datetime) -> None:
    """The person blocked the bot, which means STOP for as long as they do; what ended stays so."""
    await _hold(session, address_id)
    await addresses.mark_blocked(session, address_id, now=now)
    if (address := await session.get(Address, address_id)) is not None:
        await ending.end_all(session, address, "blocked", now=now)


async def answer_purpose(
    session: AsyncSession,
    address: Address,
    purpose: str,
    given: bool,
    wording_version: str,
    *,
    now: datetime,
) -> None:
    """A yes or a no to one purpose; what is so already is not written again: its day stays.

    A no that is said again ends what was agreed to since it was said first. Raises ValueError as
    `consent.record`.
    """
    await _hold(session, address.id)
    latest = (await consent.get_state(session, address))[purpose]
    if latest is None or latest.given != given:
        await consent.record(session, address, purpose, given, wording_version, now=now)
    if not given and purpose in _PASSING_RESTS_ON:
        await ending.end_all(session, address, "consent", now=now)


async def answer_purposes(
    session: AsyncSession,
    address: Address,
    given: Collection[str],
    *,
    wording_version: str,
    now: datetime,
) -> None:
    """All purposes at once, as `consent.set_purposes`. What was left unticked is a "no" as well."""
    await _hold(session, address.id)
    before = (await consent.get_state(session, address))[consent.SHARING]
    await consent.set_purposes(session, address, given, wording_version=wording_version, now=now)
    was_refused = before is not None and not before.given
    if consent.SHARING not in given and not was_refused:
        await ending.end_all(session, address, "consent", now=now)


async def _hold(session: AsyncSession, address_id: int) -> None:
    """Before anything is changed: all phones of the person. An address that is gone has nothing."""
    try:
        await requests.lock_phones(session, address_id)
    except RequestNotFound:
        return
