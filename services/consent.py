"""What people agreed to, purpose by purpose. Every answer is kept; the latest one counts."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address, Consent, Person

SERVICE = "service"
NEWS = "news"
PHONE = "phone"
SHARING = "sharing"
STATISTICS = "statistics"
PURPOSES = (SERVICE, NEWS, PHONE, SHARING, STATISTICS)


async def record(
    session: AsyncSession,
    address: Address,
    purpose: str,
    given: bool,
    wording_version: str,
    *,
    now: datetime,
) -> Consent:
    """Keep an answer to the question of consent, with the wording that was shown."""
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


async def find_latest(session: AsyncSession, address_id: int, purpose: str) -> Consent | None:
    """The answer that counts now; None when it was never asked."""
    query = (
        select(Consent)
        .where(Consent.address_id == address_id, Consent.purpose == purpose)
        .order_by(Consent.id.desc())
        .limit(1)
    )
    return (await session.scalars(query)).one_or_none()


async def has_given(session: AsyncSession, address_id: int, purpose: str) -> bool:
    latest = await find_latest(session, address_id, purpose)
    return latest is not None and latest.given


async def link_to_person(
    session: AsyncSession, address_id: int, person_id: UUID, centre_id: str
) -> None:
    """What an address agreed to before anybody knew the person is from now on the person's."""
    await session.execute(
        update(Consent)
        .where(Consent.address_id == address_id, Consent.person_id.is_(None))
        .values(person_id=person_id, centre_id=centre_id)
    )
