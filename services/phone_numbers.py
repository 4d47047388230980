"""Phone numbers as people type them, kept in one form (E.164)."""

from dataclasses import dataclass
from typing import Literal

import phonenumbers
import regex

from services import khmer
from services.errors import DomainError

HOME = "KH"
Kind = Literal["mobile", "landline", "other"]

_HOME_COUNTRY_CODE = 855
_CODES_TYPED_WITHOUT_PLUS = ("855", "66")  # Cambodia, and Thailand where people come back from
_LONGEST_INPUT = 100  # a contact, a label and a number; not an essay
# Words, and what people write between two numbers. Letters are never digits here (1-800-FLOWERS).
_BETWEEN_NUMBERS = regex.compile(r"[\p{L}\p{M}/;,:]+")
_KINDS: dict[int, Kind] = {
    phonenumbers.PhoneNumberType.MOBILE: "mobile",
    phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE: "mobile",
    phonenumbers.PhoneNumberType.FIXED_LINE: "landline",
}


class PhoneNumberError(DomainError):
    """A text that is not one phone number; its words never hold the text itself."""


class NotAPhoneNumberError(PhoneNumberError):
    """No number that could be called stands in the text."""


class SeveralPhoneNumbersError(PhoneNumberError):
    """More than one number stands in the text, and nobody may guess which is meant."""


@dataclass(frozen=True, slots=True)
class Phone:
    """A number that can be called: `country` is its ISO code ("KH", "TH")."""

    e164: str
    country: str
    kind: Kind

    @property
    def is_cambodian(self) -> bool:
        """Whether the centre can expect to reach it inside the country."""
        return self.country == HOME


def parse(text: str, region: str = HOME) -> Phone:
    """The one number in the text: 012 345 678, +855 12…, 00855…, 85512…, "លេខ ០១២…", +66….

    NotAPhoneNumberError and SeveralPhoneNumbersError say what is wrong.
    """
    plain = khmer.normalise(text)
    if len(plain) > _LONGEST_INPUT:
        raise NotAPhoneNumberError("The text is too long for a phone number.")
    numbers = {number.e164: number for number in map(_kept, _list_valid(plain, region))}
    if len(numbers) > 1:
        raise SeveralPhoneNumbersError("More than one phone number was given.")
    if not numbers:
        raise NotAPhoneNumberError("This is not a phone number.")
    return next(iter(numbers.values()))


def is_cambodian(e164: str) -> bool:
    """Whether a number in E.164 is one of Cambodia, also one of a range not yet known to us."""
    return e164.startswith(f"+{_HOME_COUNTRY_CODE}")


def display(e164: str) -> str:
    """As people read it: "012 345 678", a foreign number with its country code, spaced."""
    number = phonenumbers.parse(e164, None)
    is_home = number.country_code == _HOME_COUNTRY_CODE
    style = phonenumbers.PhoneNumberFormat.NATIONAL
    if not is_home:
        style = phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(number, style).replace("-", " ")


def _list_valid(plain: str, region: str) -> list[phonenumbers.PhoneNumber]:
    found = (_find(piece, region) for piece in _BETWEEN_NUMBERS.split(plain))
    return [number for number in found if number]


def _find(text: str, region: str) -> phonenumbers.PhoneNumber | None:
    """The first reading of the text that is a number in use, with the usual prefixes tried."""
    digits = regex.sub("[^0-9]", "", text)
    readings = [text]
    if digits.startswith("00"):
        readings.append("+" + digits[2:])
    if digits.startswith(_CODES_TYPED_WITHOUT_PLUS):
        readings.append("+" + digits)
    for reading in readings:
        try:
            number = phonenumbers.parse(reading, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return number
    return None


def _kept(number: phonenumbers.PhoneNumber) -> Phone:
    return Phone(
        e164=phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164),
        country=phonenumbers.region_code_for_number(number) or "",
        kind=_KINDS.get(phonenumbers.number_type(number), "other"),
    )
