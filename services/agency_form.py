"""What an administrator types of an agency, and what of it cannot be kept."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

import regex

from db.models import Agency
from db.models.referral import PURPOSES
from services import khmer, phone_numbers
from services.errors import UnusableForm
from services.places import load_gazetteer
from services.plain_text import clean, clean_line

LONGEST_NAME: Final = 200
LONGEST_NOTE: Final = 2000
"""Characters."""
_MOST_PLACES: Final = 50
# What operators give to helplines: no number of the plan that `phone_numbers` knows.
_SHORT_CODE: Final = regex.compile(r"[0-9]{3,5}")


@dataclass(frozen=True, slots=True)
class AgencyForm:
    """What an administrator says of an agency; `phone` as it was typed, "" for none.

    `places` are codes of any level, none of them means the whole kingdom. `is_called` says that
    they called just this number: a new one is never confirmed by the day of the one before.
    """

    name_km: str
    name_en: str
    purposes: Collection[str] = ()
    places: Collection[str] = ()
    phone: str = ""
    confirmed_on: date | None = None
    note: str = ""
    is_sensitive: bool = False
    is_called: bool = False


def read(form: AgencyForm, before: Agency | None, *, today: date) -> dict[str, object]:
    """The columns of an agency that the form means; `before` is what is known of it.

    Raises UnusableForm, as `services.agencies.save` says.
    """
    form = replace(
        form,
        name_km=clean_line(form.name_km),
        name_en=clean_line(form.name_en),
        note=clean(form.note),
    )
    phone, faults = _read_phone(form.phone)
    faults |= _faults_of_words(form) | _faults_of_choices(form)
    confirmed_on = form.confirmed_on if phone else None
    if confirmed_on is not None:
        is_other_number = before is not None and before.phone_e164 not in (None, phone)
        if confirmed_on > today:
            faults["confirmed_on"] = "future"
        elif is_other_number and not form.is_called:
            faults["confirmed_on"] = "other_number"
    if faults:
        raise UnusableForm(faults)
    return {
        "name_km": form.name_km,
        "name_en": form.name_en,
        "purposes": [purpose for purpose in PURPOSES if purpose in form.purposes],
        "places": sorted(set(form.places)),
        "phone_e164": phone,
        "confirmed_on": confirmed_on,
        "note": form.note or None,
        "is_sensitive": form.is_sensitive,
    }


def _read_phone(typed: str) -> tuple[str | None, dict[str, str]]:
    plain = khmer.normalise(typed).strip()
    if not plain:
        return None, {}
    if _SHORT_CODE.fullmatch(plain):
        return plain, {}
    try:
        return phone_numbers.parse(plain).e164, {}
    except phone_numbers.PhoneNumberError:
        return None, {"phone": "number"}


def _faults_of_words(form: AgencyForm) -> dict[str, str]:
    faults = {}
    for field, told in (("name_km", form.name_km), ("name_en", form.name_en)):
        if not told:
            faults[field] = "missing"
        elif len(told) > LONGEST_NAME:
            faults[field] = "long"
    if len(form.note) > LONGEST_NOTE:
        faults["note"] = "long"
    return faults


def _faults_of_choices(form: AgencyForm) -> dict[str, str]:
    faults = {}
    if not form.purposes:
        faults["purposes"] = "missing"
    elif not set(form.purposes) <= set(PURPOSES):
        faults["purposes"] = "unknown"
    known = load_gazetteer()
    are_known = all(known.find_code(code) is not None for code in form.places)
    if not are_known or len(form.places) > _MOST_PLACES:
        faults["places"] = "unknown"
    return faults
