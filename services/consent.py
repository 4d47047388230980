"""What people agreed to, purpose by purpose.

Every answer is kept with its time and the wording that was shown; the latest one counts, on
whichever of a person's phones it was given. Each can be withdrawn alone. Withdrawing SERVICE ends
all that is sent unasked; what is kept stays until its person deletes it (`services.my_data`).
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address, Consent, Person

SERVICE = "service"
NEWS = "news"
PHONE = "phone"
SHARING = "sharing"
STATISTICS = "statistics"
PURPOSES = (SERVICE, NEWS, PHONE, SHARING, STATISTICS)
"""Keeping what is asked and answering it; jobs and announcements; being phoned or texted; passing
on to employers and partners; being counted."""


async def record(
    session: AsyncSession,
    address: Address,
    purpose: str,
    given: bool,
    wording_version: str,
    *,
    now: datetime,
) -> Consent:
    """Keep an answer to the question of consent, with the wording that was shown.

    The answer that counts already, to the same words, keeps its day: the message that gave it may
    be handled twice. Raises ValueError for a purpose that is none of PURPOSES.
    """
    if purpose not in PURPOSES:
        raise ValueError(f"no purpose of consent: {purpose}")
    latest = (await get_state(session, address))[purpose]
    if latest is not None and (latest.given, latest.wording_version) == (given, wording_version):
        return latest
    return await _add(session, address, purpose, given, wording_version, now=now)


async def _add(
    session: AsyncSession,
    address: Address,
    purpose: str,
    given: bool,
    wording_version: str,
    *,
    now: datetime,
) -> Consent:
    consent = Consent(
        address_id=address.id,
        purpose=purpose,
        given=given,
        wording_version=wording_version,
        at=now,
    )
    if address.person_id is not None:
        person = await session.get_one(Person, address.person_id)
        consent.person_id, consent.centre_id = person.id, person.centre_id
    session.add(consent)
    await session.flush()
    return consent


async def set_purposes(
    session: AsyncSession,
    address: Address,
    given: Collection[str],
    *,
    wording_version: str,
    now: datetime,
) -> None:
    """The person answered for all purposes but SERVICE at once: these are given, the others not.

    Only what differs from the present state is written; a purpose that was never asked differs.
    Raises ValueError for a purpose that is none of them.
    """
    asked = [purpose for purpose in PURPOSES if purpose != SERVICE]
    unknown = set(given) - set(asked)
    if unknown:
        raise ValueError(f"not to be asked among others: {', '.join(sorted(unknown))}")
    state = await get_state(session, address)
    for purpose in asked:
        latest = state[purpose]
        if latest is None or latest.given != (purpose in given):
            await _add(session, address, purpose, purpose in given, wording_version, now=now)


async def get_state(session: AsyncSession, address: Address) -> Mapping[str, Consent | None]:
    """The answer that counts now for each of PURPOSES; None where it was never asked."""
    query = (
        select(Consent)
        .where(_of(address))
        .ext(distinct_on(Consent.purpose))
        .order_by(Consent.purpose, Consent.id.desc())
    )
    latest = {consent.purpose: consent for consent in await session.scalars(query)}
    return {purpose: latest.get(purpose) for purpose in PURPOSES}


async def link_to_person(
    session: AsyncSession, address_id: int, person_id: UUID, centre_id: str
) -> None:
    """What an address agreed to before anybody knew the person is from now on the person's."""
    await session.execute(
        update(Consent)
        .where(Consent.address_id == address_id, Consent.person_id.is_(None))
        .values(person_id=person_id, centre_id=centre_id)
    )


def _of(address: Address) -> ColumnElement[bool]:
    """All answers of its person, and its own from when nobody was known behind it.

    `services.contact_policy` reads them by the same rule.
    """
    own = and_(Consent.address_id == address.id, Consent.person_id.is_(None))
    return own if address.person_id is None else or_(own, Consent.person_id == address.person_id)
