"""Registration: the answers of a form become a person, a profile and one request.

The minimum is what the ministry's own line asks. Whoever confirms twice, or presses a hundred times
at once, gets the same request each time.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import zip_longest
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import CURRENCIES, SEXES, Address, Draft, Person, Place, Profile, Request
from db.models.request_moves import STATES, WAITING
from services import centres, consent, drafts, names, phone_numbers, requests
from services.errors import IncompleteForm
from services.places import Gazetteer, load_gazetteer
from services.staff_cards import telling

FORM = "registration"
TOPIC = "registration"
CORRECTION = "correction"
"""Stands for the wording agreed to in a form that only corrects: nothing new is agreed to."""
AGAIN = "again"
"""The same where a registered person, who had withdrawn the request, registers again."""
YOUNGEST, OLDEST = 10, 100
LONGEST_NAME = 80

_HIGHEST_SALARY = 1_000_000_000
_MOST_SECTORS = 30
_WITHDRAWN = "withdrawn"
_LIVING = tuple(state for state in STATES if state != _WITHDRAWN)
_CAMBODIA = ZoneInfo("Asia/Phnom_Penh")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_PLACE = re.compile(r"[0-9]{2,6}")
_SECTOR = re.compile(r"[a-z][a-z_]{0,39}")

Answers = Mapping[str, Any]


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value.strip()) <= LONGEST_NAME


def _is_whole(value: Any, lowest: int, highest: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest


def _matches(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _are(pattern: re.Pattern[str], values: Any, most: int) -> bool:
    return (
        isinstance(values, list | tuple)
        and len(values) <= most
        and all(_matches(pattern, value) for value in values)
    )


def _is_salary(value: Any) -> bool:
    return value is None or (
        isinstance(value, Mapping)
        and _is_whole(value.get("amount"), 1, _HIGHEST_SALARY)
        and value.get("currency") in CURRENCIES
    )


# In the order in which the form asks.
_CHECKS: dict[str, Callable[[Any], bool]] = {
    # The wording that was agreed to: without it nothing may be kept about anybody.
    "consent": lambda value: isinstance(value, str) and bool(value),
    "name": _is_name,
    "age": lambda value: value is None or _is_whole(value, YOUNGEST, OLDEST),
    "sex": lambda value: value in SEXES,
    "province": lambda value: _matches(_PLACE, value),
    "district": lambda value: value is None or _matches(_PLACE, value),
    "commune": lambda value: value is None or _matches(_PLACE, value),
    "phone_e164": lambda value: value is None or _matches(_E164, value),
    "wanted_provinces": lambda value: _are(_PLACE, value, 25),
    "sectors": lambda value: _are(_SECTOR, value, _MOST_SECTORS),
    "salary": _is_salary,
}
FIELDS = tuple(_CHECKS)
_HOME = ("province", "district", "commune")


def usable(answers: Answers, gazetteer: Gazetteer) -> dict[str, Any]:
    """The answers without those that a later release can no longer read: a place that is gone.

    They may have waited for weeks. Whoever confirms is asked for them again.
    """
    kept = {
        field: value
        for field, value in answers.items()
        if field not in _CHECKS or _CHECKS[field](value)
    }
    for field in _HOME:
        if gazetteer.find_code(kept.get(field) or "") is None:
            kept.pop(field, None)
    if "wanted_provinces" in kept:
        codes = kept["wanted_provinces"]
        kept["wanted_provinces"] = [code for code in codes if gazetteer.find_code(code)]
    return kept


@dataclass(frozen=True, slots=True)
class RegistrationAnswers:
    """A whole form. An empty list means any; None means not told, or not found in the list."""

    name: str
    age: int | None
    sex: str
    province: str
    district: str | None
    commune: str | None
    phone_e164: str | None
    wanted_provinces: tuple[str, ...]
    sectors: tuple[str, ...]
    salary_amount: int | None
    salary_currency: str | None

    @classmethod
    def parse(cls, answers: Answers) -> "RegistrationAnswers":
        """Read the answers of a draft. Raises IncompleteForm, naming what is missing or wrong.

        `salary` is {"amount": 250, "currency": "USD"}. All but the name, the sex and the province
        may be None, which is an answer too: they must not be missing.
        """
        wrong = [
            field
            for field, is_right in _CHECKS.items()
            if field not in answers or not is_right(answers[field])
        ]
        if wrong:
            raise IncompleteForm(wrong)
        salary = answers["salary"] or {}
        return cls(
            name=answers["name"].strip(),
            age=answers["age"],
            sex=answers["sex"],
            province=answers["province"],
            district=answers["district"],
            commune=answers["commune"],
            phone_e164=answers["phone_e164"],
            wanted_provinces=tuple(dict.fromkeys(answers["wanted_provinces"])),
            sectors=tuple(dict.fromkeys(answers["sectors"])),
            salary_amount=salary.get("amount"),
            salary_currency=salary.get("currency"),
        )

    @property
    def home(self) -> str:
        """The code of the smallest place known."""
        return self.commune or self.district or self.province


async def register(session: AsyncSession, address: Address, *, now: datetime) -> Request:
    """Turn the address's draft into a person and a request; again, and it is the same request.

    An address that has a person already updates this person; a registration that nobody has taken
    yet stays one request, and a correction never makes a second one. What was asked from this
    address before is the person's from now on. Raises IncompleteForm, also when there is nothing to
    register at all.
    """
    address = await requests.lock_address(session, address.id)
    draft = await drafts.find_draft(session, address.id, FORM)
    if draft is None:
        return await _get_earlier(session, address)
    told = await _read_answers(session, address, draft)
    centre = await centres.centre_for(session, told.home)
    person = await _write_person(session, address, told, centre.id, now)
    await consent.link_to_person(session, address.id, person.id, centre.id)
    await _link_requests(session, address, person)
    request = await _submit(session, address, draft, centre.id, now=now)
    await session.delete(draft)
    await session.flush()
    return request


async def begin_correction(session: AsyncSession, address: Address) -> Draft:
    """A form with all that the person told, to correct any of it; `register` then takes it over.

    What a correction begun earlier already changed stays changed. Raises IncompleteForm when
    nobody has registered from this address.
    """
    if address.person_id is None:
        raise IncompleteForm(FIELDS)
    person = await session.get_one(Person, address.person_id)
    profile = await session.get_one(Profile, person.id)
    answers = to_answers(person, profile)
    draft = await drafts.find_draft(session, address.id, FORM)
    if draft is None:
        draft = Draft(address_id=address.id, form=FORM, answers=answers)
        session.add(draft)
    else:
        draft.answers = {**answers, **draft.answers, "consent": CORRECTION}
    await session.flush()
    return draft


async def begin_again(session: AsyncSession, address: Address) -> Draft:
    """As `begin_correction`, for who withdrew the request: `register` then opens a new one.

    Whoever agrees no more that anything is kept is asked for that again. Where nothing was
    withdrawn it is a correction.
    """
    draft = await begin_correction(session, address)
    if await find_registration(session, address.id) is not None:
        return draft
    agreed = (await consent.get_state(session, address)).get(consent.SERVICE)
    answers = {field: value for field, value in draft.answers.items() if field != "consent"}
    still_agrees = agreed is None or agreed.given
    draft.answers = answers | ({"consent": AGAIN} if still_agrees else {})
    await session.flush()
    return draft


def corrects(answers: Answers) -> bool:
    """Whether this form only corrects what is registered."""
    return answers.get("consent") == CORRECTION


def to_answers(person: Person, profile: Profile) -> dict[str, Any]:
    """What the form would hold had this person just filled it in."""
    phone = person.phone
    is_abroad = phone is not None and not phone_numbers.is_cambodian(phone)
    salary = {"amount": profile.expected_salary, "currency": profile.salary_currency}
    return {
        "consent": CORRECTION,
        "name": person.name,
        "age": _find_age(person, datetime.now(_CAMBODIA).date()),
        "sex": person.sex,
        **_home_of(person),
        "phone_e164": None if is_abroad else phone,
        **({"phone_abroad": phone} if is_abroad else {}),
        "wanted_provinces": list(profile.wanted_provinces),
        "wanted_anywhere": not profile.wanted_provinces,
        "sectors": list(profile.sectors),
        "salary": None if profile.expected_salary is None else salary,
    }


def _home_of(person: Person) -> dict[str, str | None]:
    """The answers about the home; of a place that is gone the first one asks again."""
    gazetteer = load_gazetteer()
    home = gazetteer.find_code(person.home_code)
    around = [] if home is None else [home, *gazetteer.ancestors(home)]
    codes = [place.code for place in reversed(around)]
    return dict(zip_longest(_HOME, codes))


def _find_age(person: Person, today: date) -> int | None:
    """The age by the calendar year, as `tell_age` counts it; None for one that the form refuses."""
    if person.birth_year is None:
        return None
    age = today.year - person.birth_year
    return age if YOUNGEST <= age <= OLDEST else None


async def find_registration(session: AsyncSession, address_id: int) -> Request | None:
    """The latest registration that came from this address; one that was withdrawn is none."""
    return await _find_request(session, address_id, states=_LIVING)


async def _submit(
    session: AsyncSession, address: Address, draft: Draft, centre_id: str, *, now: datetime
) -> Request:
    """The request of this form: a new one, or the one that it joins."""
    states = STATES if corrects(draft.answers) else (WAITING,)
    request = await _find_request(session, address.id, person_id=address.person_id, states=states)
    if request is None:
        return await requests.open_request(
            session, address, TOPIC, centre_id=centre_id, draft_key=draft.id, now=now
        )
    if request.state == WAITING:
        goes_elsewhere = request.centre_id != centre_id
        request.resubmit(centre_id=centre_id, now=now)
        if goes_elsewhere:
            await telling.tell_urgent(session, request, now=now)
    else:
        request.record("resubmitted", now=now, actor="person")
    return request


async def _get_earlier(session: AsyncSession, address: Address) -> Request:
    earlier = await _find_request(session, address.id, states=_LIVING)
    if earlier is None:
        raise IncompleteForm(FIELDS)
    return earlier


async def _find_request(
    session: AsyncSession,
    address_id: int,
    *,
    person_id: UUID | None = None,
    states: Sequence[str],
) -> Request | None:
    """The latest registration of the address, or of the person from wherever they wrote."""
    own = Request.address_id == address_id
    if person_id is not None:
        own = or_(own, Request.person_id == person_id)
    query = select(Request).where(own, Request.topic == TOPIC, Request.state.in_(states))
    return (await session.scalars(query.order_by(Request.id.desc()).limit(1))).one_or_none()


async def _read_answers(
    session: AsyncSession, address: Address, draft: Draft
) -> RegistrationAnswers:
    """The form's answers, their places proved to exist.

    Where no number in Cambodia was given, the number that is known otherwise counts: the one
    abroad that was shared, or the one that the SMS came from.
    """
    answers = dict(draft.answers)
    known = address.value if address.channel == "sms" else answers.get("phone_abroad")
    if known is not None and answers.get("phone_e164") is None:
        answers["phone_e164"] = known
    told = RegistrationAnswers.parse(answers)
    home = {"province": told.province, "district": told.district, "commune": told.commune}
    query = select(Place.code, Place.level, Place.parent).where(
        Place.code.in_([*filter(None, home.values()), *told.wanted_provinces])
    )
    known = {code: (level, parent) for code, level, parent in await session.execute(query)}
    parents = {"province": None, "district": told.province, "commune": told.district}
    wrong = [
        level
        for level, code in home.items()
        if code is not None and known.get(code) != (level, parents[level])
    ]
    if any(known.get(code) != ("province", None) for code in told.wanted_provinces):
        wrong.append("wanted_provinces")
    if wrong:
        raise IncompleteForm(wrong)
    return told


async def _write_person(
    session: AsyncSession,
    address: Address,
    told: RegistrationAnswers,
    centre_id: str,
    now: datetime,
) -> Person:
    if address.person_id is None:
        person = Person(created_at=now)
        session.add(person)
    else:
        person = await session.get_one(Person, address.person_id)
    person.centre_id = centre_id
    person.name = told.name
    person.sex = told.sex
    person.home_code = told.home
    today = now.astimezone(_CAMBODIA).date()
    if told.age is not None and told.age != _find_age(person, today):
        person.tell_age(told.age, today)
    person.set_phone(told.phone_e164)
    person.updated_at = now
    await names.index(session, person)
    address.person_id = person.id
    await _write_profile(session, person, told, now)
    return person


async def _link_requests(session: AsyncSession, address: Address, person: Person) -> None:
    """What was asked before anybody was known; it stays with the centre that it came to."""
    await session.execute(
        update(Request)
        .where(Request.address_id == address.id, Request.person_id.is_(None))
        .values(person_id=person.id)
    )


async def _write_profile(
    session: AsyncSession, person: Person, told: RegistrationAnswers, now: datetime
) -> None:
    values = {
        "centre_id": person.centre_id,
        "wanted_provinces": list(told.wanted_provinces),
        "sectors": list(told.sectors),
        "expected_salary": told.salary_amount,
        "salary_currency": told.salary_currency,
        "updated_at": now,
    }
    new = insert(Profile).values(person_id=person.id, **values)
    await session.execute(new.on_conflict_do_update(index_elements=["person_id"], set_=values))
