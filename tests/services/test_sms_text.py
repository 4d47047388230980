"""Parts as a carrier counts them; texts that any phone shows; cuts that break no letter."""

import unicodedata

import pytest
import regex
from hypothesis import example, given
from hypothesis import strategies as st

from services import sms_text

TEXTS = st.text(
    st.characters(min_codepoint=0x1780, max_codepoint=0x17DD)
    | st.sampled_from("abc []{}€'.!?។ \n\u200b\u200d…“”«»😀👍🏽é\u0301")
)
LONG_KHMER = "យើងជួយបងប្អូនដែលត្រឡប់មកពីថៃរកការងារ"


@pytest.mark.parametrize(
    ("text", "encoding", "units", "parts"),
    [
        ("", "GSM-7", 0, 0),
        ("a" * 160, "GSM-7", 160, 1),
        ("a" * 161, "GSM-7", 161, 2),
        ("a" * 306, "GSM-7", 306, 2),
        ("a" * 307, "GSM-7", 307, 3),
        ("€" * 80, "GSM-7", 160, 1),
        ("a" * 152 + "€" + "a" * 152, "GSM-7", 306, 3),  # the pair is not split, so one is lost
        ("ក" * 70, "UCS-2", 70, 1),
        ("ក" * 71, "UCS-2", 71, 2),
        ("ក" * 134, "UCS-2", 134, 2),
        ("ក" * 135, "UCS-2", 135, 3),
        ("ក" * 66 + "😀" + "ក" * 66, "UCS-2", 134, 3),
        ("\ud800", "UCS-2", 1, 1),
        ("សុំទោសបង យើងមិនទាន់យល់ទេ។ សូមផ្ញើលេខពី 1 ដល់ 6។ ផ្ញើ 0 ដើម្បីទៅម៉ឺនុយ។", "UCS-2", 70, 1),
    ],
)
def test_counts_as_carriers_do(text: str, encoding: str, units: int, parts: int) -> None:
    assert sms_text.count(text) == sms_text.Parts(encoding, units, parts)
    assert sms_text.units(text) == units


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("“Hi” – it’s…", '"Hi" - it\'s...'),
        ("«Skip» now", '"Skip" now'),
        ("ចុច «រំលង»", "ចុច «រំលង»"),
        ("ខ្មែ\u200bរ\u00a0ល្អ", "ខ្មែរ ល្អ"),
        ("OK 👍🏽 ❤️ 🇰🇭 1️⃣", "OK 1"),
        ("a\r\nb\tc  d \n\n\n\n e", "a\nb c d\n\ne"),
        ("• one", "- one"),
        ("\ud800\x00\ufeff", ""),
        ("Takéo", "Takéo"),
    ],
)
def test_what_phones_cannot_show_never_goes_out(text: str, sent: str) -> None:
    assert sms_text.clean(text) == sent


def test_english_with_curly_quotes_costs_no_khmer_price() -> None:
    assert sms_text.count(sms_text.clean("It’s “free” – call…")).encoding == "GSM-7"


def test_a_long_text_is_cut_after_a_sentence() -> None:
    first, second = sms_text.split("យើងមិនយកលុយទេ។ " * 2 + LONG_KHMER, 40)[:2]
    assert first == "យើងមិនយកលុយទេ។ យើងមិនយកលុយទេ។"
    assert LONG_KHMER.startswith(second)


def test_a_hint_for_breaking_is_used_and_not_sent() -> None:
    assert sms_text.split("យើងជួយ\u200bបងប្អូន", 9) == ["យើងជួយ", "បងប្អូន"]


def test_what_the_carrier_joins_is_not_cut() -> None:
    text = "ក" * sms_text.CARRIER_LIMIT
    assert sms_text.split(text) == [text]


@example("\u0301\u200b\u17d2", 12)
@given(TEXTS, st.integers(min_value=12, max_value=80))
def test_pieces_fit_are_clean_and_lose_nothing(text: str, limit: int) -> None:
    pieces = sms_text.split(text, limit)
    assert all(piece and sms_text.clean(piece) == piece for piece in pieces)
    assert all(sms_text.units(piece) <= limit for piece in pieces)
    assert _letters("".join(pieces)) == _letters(sms_text.clean(text))


@given(st.lists(st.sampled_from(["ស្ត្រី", "ខ្មែ", "រ", "ញ៉ាំ", "ធ៌"]), max_size=60))
def test_no_letter_is_ever_cut(syllables: list[str]) -> None:
    for piece in sms_text.split("".join(syllables), 10):
        assert regex.match("[\u1780-\u17b3]", piece)
        assert not piece.endswith("\u17d2")


@given(TEXTS, st.integers(min_value=0, max_value=40))
def test_a_shortened_text_fits(text: str, limit: int) -> None:
    assert sms_text.units(sms_text.shorten(text, limit)) <= limit


@given(st.text(st.characters(codec=None, categories=None)))
def test_cleaning_never_fails_and_is_done_once(text: str) -> None:
    once = sms_text.clean(text)
    assert sms_text.clean(once) == once
    assert sms_text.count(once).parts >= (1 if once else 0)


def test_a_limit_that_holds_no_text_is_refused() -> None:
    with pytest.raises(ValueError, match="two units"):
        sms_text.split("a", 1)


def _letters(text: str) -> str:
    """Marks on one letter are in no order that a cut between them would keep."""
    return unicodedata.normalize("NFC", regex.sub(r"\s", "", text))
