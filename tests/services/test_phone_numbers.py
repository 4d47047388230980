"""Every usual way to write a number gives one form; what is no number says so without it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services import phone_numbers
from services.phone_numbers import (
    NotAPhoneNumberError,
    Phone,
    PhoneNumberError,
    SeveralPhoneNumbersError,
)


@pytest.mark.parametrize(
    "text",
    [
        "012 345 678",
        "012-345-678",
        "012.345.678",
        "(012) 345 678",
        "012345678",
        "12345678",
        "+855 12 345 678",
        "+855 (0)12 345 678",
        "85512345678",
        "00855 12 345 678",
        "០១២ ៣៤៥ ៦៧៨",
        "លេខ 012 345 678",
        "លេខទូរសព្ទ៖ ០១២៣៤៥៦៧៨។",
        "tel: 012 345 678!",
        "012\u200b345\u00a0678",
        "012345678 / 012 345 678",
    ],
)
def test_any_usual_form_is_one_number(text: str) -> None:
    phone = phone_numbers.parse(text)
    assert phone == Phone("+85512345678", "KH", "mobile")
    assert phone.is_cambodian
    assert phone_numbers.display(phone.e164) == "012 345 678"


@pytest.mark.parametrize(
    "text", ["+66 81 234 5678", "0066812345678", "66 81 234 5678", "001 66 81 234 5678"]
)
def test_a_thai_number_is_known_as_foreign(text: str) -> None:
    phone = phone_numbers.parse(text)
    assert (phone.e164, phone.country, phone.is_cambodian) == ("+66812345678", "TH", False)
    assert phone_numbers.display(phone.e164) == "+66 81 234 5678"


def test_a_landline_is_known_as_one() -> None:
    assert phone_numbers.parse("023 880 880").kind == "landline"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ទេ",
        "1297",
        "117",
        "999 999 9999",
        "0812345678",
        "012 345 678 098 765 432",
        "012ABCDEFG",
        "call 1-800-FLOWERS",
        "ខ្ញុំអាយុ 32 ឆ្នាំ",
        "+",
        "9" * 50,
        "012 345 678 " * 50,
    ],
)
def test_junk_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(NotAPhoneNumberError) as refusal:
        phone_numbers.parse(text)
    assert not text or text not in str(refusal.value)


@pytest.mark.parametrize("text", ["012 345 678 / 098 765 432", "012345678 ឬ 098765432"])
def test_nobody_guesses_between_two_numbers(text: str) -> None:
    with pytest.raises(SeveralPhoneNumbersError):
        phone_numbers.parse(text)


@given(st.text(st.characters(codec=None, categories=None)) | st.text("0123456789+-() /ext.#*"))
def test_a_text_is_a_number_or_refused(text: str) -> None:
    try:
        phone = phone_numbers.parse(text)
    except PhoneNumberError:
        return
    assert phone_numbers.parse(phone.e164) == phone
    assert phone_numbers.parse(phone_numbers.display(phone.e164)) == phone
