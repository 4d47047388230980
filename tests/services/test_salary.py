"""A salary is what the person meant, or it is asked again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services import salary
from services.salary import Salary


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("250", 250),
        ("250$", 250),
        ("$250", 250),
        ("250 usd per month", 250),
        ("250.50", 250),
        ("250 ដុល្លារ", 250),
        ("បាទ ២៥០", 250),
        ("ចង់បាន២៥០ដុល្លារក្នុង១ខែ", 250),
        ("1 ខែ 250$", 250),
        ("2រយ ដុល្លារ", 200),
        ("1,200", 1200),
        ("5000$", 5000),
        ("200-250", 200),
        ("200$ - 250$", 200),
        ("ពី 200 ដល់ 250", 200),
        ("200 ទៅ 250 ដុល្លារ", 200),
    ],
)
def test_dollars(text: str, amount: int) -> None:
    assert salary.parse(text) == Salary(amount, "USD")


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1,000,000", 1_000_000),
        ("1.000.000", 1_000_000),
        ("1 000 000 រៀល", 1_000_000),
        ("800000៛", 800_000),
        ("100ម៉ឺន", 1_000_000),
        ("១២០ មុឺន", 1_200_000),
        ("28 ម៉ឺនរៀល", 280_000),
        ("25 muen", 250_000),
        ("1លាន", 1_000_000),
        ("1.2 million riel", 1_200_000),
        ("1លាន2សែន", 1_200_000),
        ("1 លាន 5 ម៉ឺន រៀល", 1_050_000),
        ("300k", 300_000),
        ("80-100ម៉ឺន", 800_000),
        ("80ម៉ឺន ដល់ 1លាន", 800_000),
    ],
)
def test_riel(text: str, amount: int) -> None:
    assert salary.parse(text) == Salary(amount, "KHR")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ច្រើន",
        "20",
        "5001$",
        "5000",
        "99,000 រៀល",
        "21លាន",
        "-250",
        "250$ ឬ 1លានរៀល",
        "9" * 5000,
        "10000 baht",
        "9000 บาท",
        "៩០០០បាត",
        "9000 បាតថៃ",
        "฿9000",
        "300 thb",
    ],
)
def test_unclear_unlikely_and_baht_are_asked_again(text: str) -> None:
    assert salary.parse(text) is None


@given(st.text(st.characters(codec=None, categories=None)) | st.text("0123456789,.-$៛kmលានម៉ឺន "))
def test_whatever_is_typed_the_result_is_likely(text: str) -> None:
    found = salary.parse(text)
    if found is not None and found.currency == "USD":
        assert 30 <= found.amount <= 5000
    elif found is not None:
        assert 100_000 <= found.amount <= 20_000_000
