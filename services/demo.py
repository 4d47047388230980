"""A few people who do not exist, so that whoever tries the program sees a queue at work.

All of them say so in their names, and every row is marked. Each centre has an invented member of
staff too, who answers for whoever tries the program without being one, and there are agencies to
which nobody real is referred.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Agency, Centre, Draft, Person, Staff
from services import addresses, registration, staff


@dataclass(frozen=True, slots=True)
class _DemoPerson:
    chat_id: str
    name: str
    age: int
    sex: str
    commune: str
    sectors: tuple[str, ...]
    salary: int
    hours_ago: int


_PEOPLE = (
    _DemoPerson("-1", "សាកល្បង សុខា (Demo)", 34, "female", "220101", ("garment",), 230, 30),
    _DemoPerson("-2", "សាកល្បង វិចិត្រ (Demo)", 27, "male", "150301", ("construction",), 280, 20),
    _DemoPerson("-3", "សាកល្បង ចាន់ថា (Demo)", 41, "female", "130101", ("manufacturing",), 250, 5),
)


_AGENCIES = (
    ("អង្គការសាកល្បង ការងារ និងជំនាញ (Demo)", "Trial agency: work and skills (Demo)", False),
    ("អង្គការសាកល្បង សុខទុក្ខ (Demo)", "Trial agency: wellbeing (Demo)", True),
)


def staff_name(centre_id: str) -> str:
    """What the invented member of staff of a centre is called: Demo (pursat)."""
    return f"Demo ({centre_id})"


async def get_staff(session: AsyncSession, centre_id: str) -> Staff:
    """The invented member of staff of a centre. Raises StaffNotFound."""
    return await staff.get_by_name(session, staff_name(centre_id))


async def load(session: AsyncSession, *, now: datetime) -> bool:
    """Make the demo people, their requests and who answers them; False when all are there."""
    is_new = await _load_staff(session, now) | await _load_agencies(session, now)
    if await session.scalar(select(exists().where(Person.is_demo))):
        return is_new
    for person in _PEOPLE:
        await _load_person(session, person, now - timedelta(hours=person.hours_ago))
    return True


async def _load_staff(session: AsyncSession, now: datetime) -> bool:
    is_new = False
    for centre_id in (await session.scalars(select(Centre.id))).all():
        if await staff.find_by_name(session, staff_name(centre_id)) is None:
            await staff.add(session, staff_name(centre_id), "case_worker", centre_id, now=now)
            is_new = True
    return is_new


async def _load_agencies(session: AsyncSession, now: datetime) -> bool:
    if await session.scalar(select(exists().where(Agency.is_demo))):
        return False
    session.add_all(
        Agency(
            name_km=name_km,
            name_en=name_en,
            purposes=["health", "shelter"] if is_sensitive else ["work", "training"],
            is_sensitive=is_sensitive,
            is_demo=True,
            created_at=now,
            updated_at=now,
        )
        for name_km, name_en, is_sensitive in _AGENCIES
    )
    await session.flush()
    return True


async def _load_person(session: AsyncSession, demo: _DemoPerson, now: datetime) -> None:
    # No chat has a negative id in private: nothing can ever be sent to these addresses.
    address = await addresses.get_or_create(session, "telegram", demo.chat_id, now=now)
    await addresses.mark_blocked(session, address.id, now=now)
    province = demo.commune[:2]
    answers = {
        "consent": "demo",
        "name": demo.name,
        "age": demo.age,
        "sex": demo.sex,
        "province": province,
        "district": demo.commune[:4],
        "commune": demo.commune,
        "phone_e164": None,
        "wanted_provinces": [province],
        "sectors": list(demo.sectors),
        "salary": {"amount": demo.salary, "currency": "USD"},
    }
    session.add(Draft(address_id=address.id, form=registration.FORM, answers=answers))
    await session.flush()
    request = await registration.register(session, address, now=now)
    owner = await session.get_one(Person, request.person_id)
    address.is_demo = request.is_demo = owner.is_demo = True
