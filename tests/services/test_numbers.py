"""Numbers, choices and dates as people type them on a keypad or in a sentence."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services import numbers


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5", 5),
        ("៥។", 5),
        (" ៣២ ", 32),
        ("32 ឆ្នាំ", 32),
        ("អាយុ៣២ឆ្នាំ", 32),
        ("age 32", 32),
        ("៣\u200b២", 32),
        ("280,000", 280_000),
        ("280.000", 280_000),
        ("280 000 រៀល", 280_000),
        ("0", 0),
        ("", None),
        ("ច្រើន", None),
        ("-5", None),
        ("1.5", None),
        ("5 or 6", None),
        ("5-6", None),
        ("1,234,56", None),
        ("9" * 16, None),
    ],
)
def test_one_whole_number_is_read(text: str, number: int | None) -> None:
    assert numbers.parse_int(text) == number


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("1 3 4", [1, 3, 4]),
        ("1,3,4", [1, 3, 4]),
        ("១ ៣", [1, 3]),
        ("1.3.4", [1, 3, 4]),
        ("1និង3", [1, 3]),
        ("1 and 3", [1, 3]),
        ("លេខ 2", [2]),
        ("(2)", [2]),
        ("2។", [2]),
        ("3 1 3", [3, 1]),
        ("10", [10]),
        ("134", None),
        ("0 1", None),
        ("11", None),
        ("1-3", None),
        ("1 x", None),
        ("", None),
        ("9" * 5000, None),
    ],
)
def test_choices_are_exactly_what_was_said(text: str, chosen: list[int] | None) -> None:
    assert numbers.parse_choices(text, 10) == chosen


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("15 3 1990", date(1990, 3, 15)),
        ("១៥/៣/១៩៩០", date(1990, 3, 15)),
        ("15.3.1990", date(1990, 3, 15)),
        ("1990-03-15", date(1990, 3, 15)),
        ("15 មីនា 2533", date(1990, 3, 15)),
        ("ថ្ងៃទី 6 ខែមីនា ឆ្នាំ 2027", date(2027, 3, 6)),
        ("31 2 1990", None),
        ("1 1 0000", None),
        ("15 3", None),
        ("soon", None),
    ],
)
def test_a_day_is_read(text: str, day: date | None) -> None:
    assert numbers.parse_date(text) == day


@given(st.text(st.characters(codec=None, categories=None)) | st.text("0123456789 ,.-/ខែ១២"))
def test_nothing_typed_makes_it_fail(text: str) -> None:
    numbers.parse_int(text)
    numbers.parse_date(text)
    chosen = numbers.parse_choices(text, 9)
    assert chosen is None or all(1 <= number <= 9 for number in chosen)


@given(st.integers(min_value=0, max_value=10**9))
def test_any_number_survives_being_written_for_people(number: int) -> None:
    assert numbers.parse_int(f"{number:,} រៀល") == number
