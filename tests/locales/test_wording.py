"""The rules of the language, each on a text that breaks it and beside one that keeps it."""

import pytest

from locales.wording import Wording, faults


def judge(text: str, *, key: str = "any", language: str = "km", sms: bool = False) -> list[str]:
    return faults(Wording(key, language, text, sms=sms, own_sms=sms))


@pytest.mark.parametrize(
    "text",
    [
        "សូមផ្ញើលេខ ដូចជា 32។ បើមិនចង់ប្រាប់ សូមចុច «រំលង»។",
        "ស្ត្រី ប៉ុស្តិ៍ ប័ណ្ណសមធម៌ អាពាហ៍ពិពាហ៍ សង្គ្រោះ កុម្ភៈ ឱ្យ ឬ ឯកសារ ទាំងនេះៗ",
        "{label}៖ {value}",
        "MRC៖ ផ្ញើ CALL។",
    ],
)
def test_good_khmer_passes(text: str) -> None:
    assert judge(text) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("សតរ្ត្ី", "out of order"),
        ("ស្រ្តី", "RO, which comes last"),
        ("ោកណា", "out of order"),
        ("កេាះ", "two strokes"),
        ("លេខ ១២", "out of order"),
        ("មាន\u200bសារ", "invisible"),
        (" សារ", "begins or ends"),
        ("សូមផ្ញើ SMS", "Latin word 'SMS'"),
        ("យើងមិនទាន់យល់ទេ ។", "space before a stop"),
        ("យើងយល់។បងផ្ញើ", "no space after a stop"),
        ("ក" * 40, "without a space"),
        ("សូមបងសូមផ្ញើ", "asks twice"),
        ("ចុច “រំលង”", "quotes"),
        ("ទូរស័ព្ទ", "ទូរសព្ទ"),
        ("សូមវាយលេខ", "វាយ"),
        ("បងចង់បានជំនួយ", "reads as aid"),
        ("យល់ព្រម", "kept for consent"),
        ("អរគុណ! បង!", "twice"),
        ("ជួញដូរ", "go out nowhere"),
    ],
)
def test_a_fault_in_khmer_is_named(text: str, fault: str) -> None:
    assert any(fault in found for found in judge(text)), judge(text)


def test_words_that_only_contain_a_forbidden_one_pass() -> None:
    assert judge("ខេត្តស្វាយរៀង វាយតម្លៃ") == []
    assert judge("លេខទូរសព្ទជំនួយ") == []
    assert judge("យល់ព្រម", key="consent-agree") == []


@pytest.mark.parametrize(
    ("text", "language", "fault"),
    [
        ("សូមចុច «រំលង»។", "km", "pressing"),
        ("Press Skip.", "en", "pressing"),
        ("Call the police", "en", "'police'"),
        ("នគរបាល", "km", "នគរបាល"),
        ("Thank you \N{SLIGHTLY SMILING FACE}", "en", "never goes out"),
        ("Say ‘skip’", "en", "never goes out"),
        ("Code {code}, façade", "en", "doubles the price"),
    ],
)
def test_a_fault_in_an_sms_is_named(text: str, language: str, fault: str) -> None:
    found = judge(text, language=language, sms=True)
    assert any(fault in sentence for sentence in found), found


def test_what_is_wrong_by_sms_only_may_stand_on_telegram() -> None:
    assert judge("សូមចុច «រំលង»។") == []
    assert judge("Press “Skip”.", language="en") == []
