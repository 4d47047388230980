"""A code that is misheard never opens somebody else's request."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services import codes

CODES = st.integers(min_value=0).map(lambda seed: codes.new_code(Random(seed)))


@given(CODES)
def test_a_new_code_is_eight_digits_easily_said(code: str) -> None:
    assert codes.is_valid(code)
    assert len(code) == 8
    assert code[0] != "0"
    assert not any(digit * 3 in code for digit in "0123456789")


@given(CODES, st.integers(0, 7), st.sampled_from("0123456789"))
def test_one_wrong_digit_is_noticed(code: str, at: int, digit: str) -> None:
    heard = code[:at] + digit + code[at + 1 :]
    assert codes.is_valid(heard) == (heard == code)


@given(CODES, st.integers(0, 6))
def test_two_swapped_digits_are_noticed(code: str, at: int) -> None:
    heard = code[:at] + code[at + 1] + code[at] + code[at + 2 :]
    assert codes.is_valid(heard) == (heard == code)


@given(CODES)
def test_a_code_is_found_however_it_is_typed(code: str) -> None:
    khmer = code.translate({ord("0") + n: 0x17E0 + n for n in range(10)})
    for text in (code, codes.display(code), f"លេខកូដ {khmer}។", "-".join(code), f"K{code}"):
        assert codes.parse(text) == code


@pytest.mark.parametrize("text", ["", "1234", "012345678", "855 12 345 678", "x" * 8, "1" * 80])
def test_what_is_no_code_is_none(text: str) -> None:
    assert codes.parse(text) is None


def test_two_codes_are_not_chosen_between() -> None:
    one, other = (codes.new_code(Random(seed)) for seed in (1, 2))
    assert codes.parse(f"{one}, {other}") is None


def test_codes_are_not_predictable_without_a_seed() -> None:
    assert len({codes.new_code() for _ in range(50)}) == 50


@given(st.text(st.characters(codec=None, categories=None)))
def test_nothing_typed_makes_it_fail(text: str) -> None:
    found = codes.parse(text)
    assert found is None or codes.is_valid(found)
    assert codes.is_valid(text) in (True, False)
