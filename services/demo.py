"""A few people who do not exist, so that whoever tries the program sees a queue at work.

All of them say so in their names, and every row is marked.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Draft, Person
from services import addresses, registration


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


async def load(session: AsyncSession, *, now: datetime) -> bool:
    """Make the demo people and their requests once; False when they are there already."""
    if await session.scalar(select(exists().where(Person.is_demo))):
        return False
    for person in _PEOPLE:
        await _load_person(session, person, now - timedelta(hours=person.hours_ago))
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
