"""Which numbers a message may be sent to."""

import re

import phonenumbers

from simulator.twilio.errors import TwilioError, to_invalid, to_landline

_E164 = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)

# Area codes of Cambodia's fixed lines (023 Phnom Penh … 075 Preah Vihear); 031, 038, 066, 076 and
# the like are mobile.
_CAMBODIAN_LANDLINE = re.compile(r"\+855(?:[2-5][2-6]|[67][2-5])")


def recipient_error(number: str) -> TwilioError | None:
    """Why no message can be sent to `number`, if so."""
    if not _E164.fullmatch(number):
        return to_invalid(number)
    if _CAMBODIAN_LANDLINE.match(number):
        return to_landline(number)
    if not _is_possible(number):
        return to_invalid(number)
    return None


def _is_possible(number: str) -> bool:
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return False


def is_landline(number: str) -> bool:
    """Whether an E.164 number is a fixed line abroad, which only delivery finds out."""
    kind = phonenumbers.number_type(phonenumbers.parse(number))
    return kind == phonenumbers.PhoneNumberType.FIXED_LINE
