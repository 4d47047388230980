"""What there is to be given about somebody: nothing but these few things, and only what is known.

`need` is written for the agency; of the thread nothing goes out.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from db.models import SHARED, Person, Request
from services import phone_numbers
from services.masking import mask_name, mask_phone
from services.places import label, load_gazetteer
from services.threads.reaching import find_ways

__all__ = [
    "LONGEST_ANSWER",
    "LONGEST_NEED",
    "LONGEST_NEED_BY_SMS",
    "SHARED",
    "Known",
    "find_known",
    "in_order",
    "masked",
    "whole",
]

LONGEST_NEED = 500
LONGEST_NEED_BY_SMS = 100
"""Of what an SMS asks about: it holds these words whole, and each part of it costs."""
LONGEST_ANSWER = 500
"""Characters."""

_CAMBODIA = ZoneInfo("Asia/Phnom_Penh")


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the person of a request; None where it was never told.

    `sex` is one of SEXES, `home_code` the code of the smallest place that is known.
    """

    name: str | None = field(repr=False)
    phone: str | None = field(repr=False)
    age: int | None
    sex: str | None
    home_code: str | None = field(repr=False)

    def has(self, shared: str) -> bool:
        """Whether there is anything to give under this name; what is needed is written anew."""
        if shared == "home":
            return self.home_code is not None
        return shared == "need" or getattr(self, shared) is not None


async def find_known(session: AsyncSession, request: Request, now: datetime) -> Known:
    """All of it, whole; whoever calls this sees the person's centre."""
    ways = await find_ways(session, request)
    person = None if request.person_id is None else await session.get(Person, request.person_id)
    is_sex_told = person is not None and person.sex != "not_said"
    return Known(
        name=ways.name,
        phone=ways.numbers[0].e164 if ways.numbers else None,
        age=None if person is None else _age(person, now),
        sex=person.sex if person is not None and is_sex_told else None,
        home_code=None if person is None else person.home_code,
    )


def masked(known: Known, language: str) -> Mapping[str, str]:
    """What each field would tell, as far as a screen shows it; the sex as its code."""
    told = whole(known, language)
    if known.name is not None:
        told["name"] = mask_name(known.name)
    if known.phone is not None:
        told["phone"] = mask_phone(known.phone)
    return told


def whole(known: Known, language: str) -> dict[str, str]:
    """The same without any dots."""
    told = {
        "name": known.name,
        "phone": None if known.phone is None else phone_numbers.display(known.phone),
        "age": None if known.age is None else str(known.age),
        "sex": known.sex,
        "home": None if known.home_code is None else _home(known.home_code, language),
    }
    return {name: value for name, value in told.items() if value is not None}


def in_order(shared: Collection[str]) -> tuple[str, ...]:
    """Each once, as SHARED has them."""
    return tuple(name for name in SHARED if name in shared)


def _age(person: Person, now: datetime) -> int | None:
    return person.birth_year and now.astimezone(_CAMBODIA).year - person.birth_year


def _home(code: str, language: str) -> str:
    gazetteer = load_gazetteer()
    place = gazetteer.find_code(code)
    if place is None:
        return code
    around = [place, *gazetteer.ancestors(place)]
    return (" " if language == "km" else ", ").join(label(each, language) for each in around)
