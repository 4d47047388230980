"""Times as people say them, rounded to what can be kept, and short enough for one SMS."""

from datetime import UTC, datetime, timedelta

import pytest

from dialogs.moments import say_moment
from locales.catalogue import LANGUAGES, load_catalogue
from services import sms_text

CATALOGUE = load_catalogue()
NOW = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)  # a Friday, 8 in the morning


def _say(language: str, channel: str, hours: float) -> str:
    return say_moment(CATALOGUE, language, channel, NOW + timedelta(hours=hours), NOW)


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        (0.2, "ម៉ោង 8:30 ព្រឹក ថ្ងៃនេះ"),
        (2, "ម៉ោង 10 ព្រឹក ថ្ងៃនេះ"),
        (3.9, "ម៉ោង 12 ថ្ងៃត្រង់ ថ្ងៃនេះ"),
        (6, "ម៉ោង 2 រសៀល ថ្ងៃនេះ"),
        (9, "ម៉ោង 5 ល្ងាច ថ្ងៃនេះ"),
        (12, "ម៉ោង 8 យប់ ថ្ងៃនេះ"),
        (16, "ថ្ងៃសៅរ៍ 21 វិច្ឆិកា ម៉ោង 12 យប់"),
        (19.4, "ថ្ងៃសៅរ៍ 21 វិច្ឆិកា ម៉ោង 3:30 យប់"),
        (20, "ថ្ងៃសៅរ៍ 21 វិច្ឆិកា ម៉ោង 4 ព្រឹក"),
        (72, "ថ្ងៃចន្ទ 23 វិច្ឆិកា ម៉ោង 8 ព្រឹក"),
    ],
)
def test_a_moment_is_said_by_the_part_of_the_day(hours: float, said: str) -> None:
    assert _say("km", "telegram", hours) == said


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        (0, "ម៉ោង 8 ព្រឹក ថ្ងៃនេះ"),
        (-0.01, "ម៉ោង 7:59 ព្រឹក ថ្ងៃនេះ"),
        (-7.9, "ម៉ោង 12:06 យប់ ថ្ងៃនេះ"),
        (-8.1, "ថ្ងៃព្រហស្បតិ៍ 19 វិច្ឆិកា ម៉ោង 11:54 យប់"),
    ],
)
def test_what_was_is_said_to_the_minute(hours: float, said: str) -> None:
    assert _say("km", "telegram", hours) == said


def test_the_hours_after_midnight_are_no_afternoon() -> None:
    assert _say("en", "telegram", 16) == "Saturday 21 November, 12 am"
    assert _say("en", "telegram", 18) == "Saturday 21 November, 2 am"
    assert _say("en", "telegram", 12) == "8 pm today"


def test_an_sms_says_the_day_and_its_month_only_when_it_is_far() -> None:
    assert _say("km", "sms", 72) == "ថ្ងៃចន្ទ 23"
    assert _say("km", "sms", 24 * 17) == "ថ្ងៃចន្ទ 7 ធ្នូ"
    assert _say("km", "sms", -24 * 17) == "ថ្ងៃអង្គារ 3 វិច្ឆិកា"
    assert _say("en", "sms", 72) == "Monday 23"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", ["talk-sent", "requests-added"])
@pytest.mark.parametrize("promise", ["promise-open", "promise-late", "promise-stopped"])
def test_a_receipt_without_a_time_is_one_part(language: str, key: str, promise: str) -> None:
    def text(key: str, **values: object) -> str:
        return CATALOGUE.text(key, language, "sms", **values)

    receipt = text(key, code="12345678", promise=text(promise))
    keys = f"0 {text('button-back')} * {text('button-menu')}"
    assert sms_text.count(f"{receipt}\n{keys}").parts == 1, receipt


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", ["talk-sent", "requests-added"])
def test_a_receipt_is_one_part_whenever_the_answer_is_due(language: str, key: str) -> None:
    def text(key: str, **values: object) -> str:
        return CATALOGUE.text(key, language, "sms", **values)

    keys = f"0 {text('button-back')} * {text('button-menu')}"
    for half_hours in range(1, 7 * 48):
        promise = text("promise-by", when=_say(language, "sms", half_hours / 2))
        receipt = text(key, code="12345678", promise=promise) + "\n" + keys
        assert sms_text.count(receipt).parts == 1, receipt
