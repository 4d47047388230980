"""Texts that look the same fold to the same key, and different words do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services import khmer, places

KHMER_LETTERS = st.text(
    st.characters(min_codepoint=0x1780, max_codepoint=0x17F9) | st.sampled_from("\u200b\u200c a'-1")
)

SAME = {
    "coeng RO typed first": ("\u179f\u17d2\u179a\u17d2\u178f\u17b8", "ស្ត្រី"),
    "coeng DA for TA": ("ស្ដាប់", "ស្តាប់"),
    "split vowel OO": ("ក\u17c1\u17b6", "កោ"),
    "split vowel OE": ("ក\u17c1\u17b8", "កើ"),
    "split vowel, halves swapped": ("ក\u17b6\u17c1", "កោ"),
    "vowel before shifter": ("ប\u17b6\u17c9", "ប៉ា"),
    "nikahit before vowel": ("ជ\u17c6\u17bb", "ជុំ"),
    "deprecated QAQ": ("\u17a3", "\u17a2"),
    "deprecated QAA": ("\u17a4", "\u17a2\u17b6"),
    "ZWSP inside a word": ("ខ្មែ\u200bរ", "ខ្មែរ"),
    "vowel before coeng": ("\u1781\u17c2\u17d2\u1798\u179a", "ខ្មែរ"),
    "coeng and ZWNJ": ("ខ្\u200cមែរ", "ខ្មែរ"),
    "inherent vowels": ("ក\u17b4ខ\u17b5", "កខ"),
    "shifter typed as the vowel U": ("សុី", "ស៊ី"),
    "shifter typed as the vowel U before AA": ("ញុាំ", "ញ៉ាំ"),
    "the other shifter below a high vowel": ("ម៊ឺនុយ", "ម៉ឺនុយ"),
    "two letters for give": ("ឲ្យ", "ឱ្យ"),
    "Khmer digits": ("១២៣", "123"),
    "Thai digits": ("๑๒๓", "123"),
    "full-width Latin": ("ＳＴＯＰ", "stop"),
    "capitals and accents": ("Takéo", "takeo"),
    "Latin separators": ("Call-me", "call me"),
    "apostrophe": ("O’Smach", "osmach"),
    "spaces": ("  ក \u00a0 ខ\n", "ក ខ"),
    "byte order mark": ("\ufeffក", "ក"),
}


@pytest.mark.parametrize(("typed", "meant"), SAME.values(), ids=SAME.keys())
def test_what_looks_alike_has_one_key(typed: str, meant: str) -> None:
    assert khmer.fold(typed) == khmer.fold(meant)


@pytest.mark.parametrize("word", ["ប័ណ្ណសមធម៌", "វប្បធម៌", "ខ្មែរ", "ឧត្តរមានជ័យ", "អាពាហ៍ពិពាហ៍"])
def test_a_correct_word_is_its_own_key(word: str) -> None:
    assert khmer.fold(word) == word


@pytest.mark.parametrize(
    ("one", "other"),
    [("លុយ", "ខ្លុយ"), ("ប៉ា", "បា"), ("ដា", "តា"), ("នឹង", "និង"), ("1 3", "13"), ("កោ", "កៅ")],
)
def test_different_words_keep_different_keys(one: str, other: str) -> None:
    assert khmer.fold(one) != khmer.fold(other)


@pytest.mark.parametrize(
    ("one", "other"), [("សម្រាប់", "សំរាប់"), ("ទូរសព្ទ", "ទូរស័ព្ទ"), ("ពោធិ៍សាត់", "ពោធិសាត់")]
)
def test_accepted_spellings_are_loosely_alike(one: str, other: str) -> None:
    assert khmer.loose(one) == khmer.loose(other)


@given(KHMER_LETTERS | st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    folded = khmer.fold(text)
    assert khmer.fold(folded) == folded
    assert khmer.normalise(khmer.normalise(text)) == khmer.normalise(text)


@given(st.text(st.characters(codec=None, categories=None)))
def test_no_text_is_too_strange_to_fold(text: str) -> None:
    khmer.fold(text).encode("utf-8")
    khmer.sort_key(text)


@pytest.mark.parametrize("key", [khmer.fold, khmer.loose])
def test_no_two_khmer_place_names_of_a_level_fall_together(key) -> None:
    named: dict[tuple[int, str], set[str]] = {}
    for place in places.load_gazetteer():
        named.setdefault((place.level, key(place.name_km)), set()).add(place.name_km)
    assert [names for names in named.values() if len(names) > 1] == []


def test_sorts_as_a_khmer_dictionary() -> None:
    in_order = ["កក", "កង", "កា", "កែប", "កោះកុង", "កំពង់ចាម", "ក្រចេះ", "ខេត្ត", "តាកែវ", "ព្រៃវែង"]
    mixed = [*in_order[::2], *in_order[1::2]]
    assert sorted(mixed, key=khmer.sort_key) == in_order


def test_finds_words_from_cluster_to_cluster_only() -> None:
    money = khmer.find_words(khmer.fold("លុយ"))
    assert money.search(khmer.fold("មានលុយទេ"))
    assert not money.search(khmer.fold("ខ្លុយ"))
