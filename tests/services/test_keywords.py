"""Words work in every spelling, never inside other words, and danger is seen before all."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services import keywords, khmer, places
from services.keywords import Finding, Keyword

DATA = json.loads(Path(keywords.__file__).with_name("data").joinpath("keywords.json").read_text())
CONTROL = frozenset({"menu", "help", "call", "stop", "start", "language", "back", "skip", "more"})
ALIASES = [
    (row["intent"], alias)
    for row in DATA["intents"]
    for group in row["aliases"]
    for alias in group["typed"]
]


@pytest.mark.parametrize(("intent", "alias"), ALIASES)
def test_every_alias_gives_its_intent(intent: str, alias: str) -> None:
    for typed in (alias, f" {alias.upper()}! ", f"\u200b{alias}។"):
        assert keywords.match(typed) == Keyword(intent)


@pytest.mark.parametrize("intent", sorted(CONTROL))
def test_the_words_of_every_moment_exist_in_khmer_latin_and_english(intent: str) -> None:
    typed = [alias for of, alias in ALIASES if of == intent]
    assert any(khmer.is_khmer(alias) for alias in typed)
    assert any(alias.isascii() for alias in typed)


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("ខ្ញុំចង់រកការងារនៅបាត់ដំបង", "job"),
        ("សួស្ដីបង ខ្ញុំចង់រៀន", "training"),
        ("ជួយធ្វើឯកសារ", "papers"),
        ("ជម្រាបសួរ", "menu"),
        ("ជំរាបសួរបង", "menu"),
        ("សូមទូរស័ព្ទមកខ្ញុំផង", "call"),
        ("CALL ME please", "call"),
        ("khnhom jong rien", None),
        ("I want a job in town", None),
        ("ខ្ញុំឈប់ធ្វើការ", None),
        ("បញ្ឈប់", None),
        ("ខ្លុយ", None),
        ("រញ្ជួយ", None),
        ("ប្រៀន", None),
        ("អគ្គិភ័យ", None),
        ("0", None),
        ("*", None),
        ("", None),
    ],
)
def test_words_are_found_in_sentences_but_not_in_other_words(text: str, intent: str | None) -> None:
    assert keywords.match(text) == (Keyword(intent) if intent else None)


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("ម៊ឺនុយ", "menu"),
        ("Stop.", "stop"),
        ("សូមទូរសព្ទមកខ្ញុំ", "call"),
        ("រំលង", "skip"),
        ("ការងារ", None),
        ("Sour", None),
        ("Chob", None),
        ("ឃុំទូរសព្ទមកខ្ញុំទេ", None),
    ],
)
def test_within_a_dialog_only_whole_control_words_count(text: str, intent: str | None) -> None:
    assert keywords.match(text, only=CONTROL) == (Keyword(intent) if intent else None)


def test_no_place_is_taken_for_a_word_while_its_name_is_asked() -> None:
    taken = [
        name
        for place in places.load_gazetteer()
        for name in (place.name_km, place.name_en)
        if keywords.match(name, only=CONTROL)
    ]
    assert taken == []


@pytest.mark.parametrize(
    ("text", "danger"),
    [(word, "self") for words in DATA["danger"]["self"].values() for word in words]
    + [(word, "others") for words in DATA["danger"]["others"].values() for word in words]
    + [
        ("ខ្ញុំមិនចង់រស់ទៀតទេ ចង់រកការងារ", "self"),
        ("សំលាប់ខ្លួន", "self"),
        ("I will kill-myself", "self"),
        ("ប្តីវាយខ្ញុំ", "others"),
        ("ខ្ញុំត្រូវគេបង្ខំឱ្យធ្វើការ", "others"),
        ("ថៅកែគេដកលិខិតឆ្លងដែនខ្ញុំ", "others"),
        ("គេយកលិខិតឆ្លងដែនរបស់ខ្ញុំទៅបាត់", "others"),
    ],
)
def test_danger_is_seen_anywhere_before_all(text: str, danger: str) -> None:
    for only in (None, CONTROL, frozenset[str]()):
        found = keywords.match(text, only=only)
        assert found is not None
        assert found.danger == danger


@pytest.mark.parametrize(
    "text",
    [
        "ស្វាយរៀង",
        "suicidesquad",
        "វាយ",
        "ប្ដី",
        "ភូមិគេបង្ខំ",
        "បង្ខំ",
        "ត្រូវគេបង្ហាញ",
        "តើត្រូវយកលិខិតឆ្លងដែនទៅទេ",
        "ខ្ញុំទៅយកលិខិតឆ្លងដែន",
        "លិខិតឆ្លងដែន",
        "តើគេយកឯកសារអ្វីខ្លះ",
        "ដកលុយ",
    ],
)
def test_danger_is_not_seen_where_there_is_none(text: str) -> None:
    found = keywords.match(text)
    assert found is None or found.danger is None


def test_no_alias_belongs_to_two_intents() -> None:
    meant: dict[str, set[str]] = {}
    for intent, alias in ALIASES:
        meant.setdefault(khmer.loose(alias), set()).add(intent)
    assert {alias: of for alias, of in meant.items() if len(of) > 1} == {}


@pytest.mark.parametrize(
    ("tier", "word"),
    [(tier, w) for tier in "AB" for words in DATA["scan"][tier].values() for w in words],
)
def test_every_listed_word_is_found_in_its_tier(tier: str, word: str) -> None:
    for text in (word, f"ab {word.upper()}, 5", f"«{word}»"):
        assert tier in {finding.tier for finding in keywords.scan(text)}


@pytest.mark.parametrize(
    "word", [*DATA["scan"]["exceptions"], "Kampong Svay", "drugstore", "012 117"]
)
def test_exceptions_and_parts_of_words_are_not_tier_a(word: str) -> None:
    assert [f for f in keywords.scan(word) if f.tier == "A"] == []


@pytest.mark.parametrize("word", DATA["scan"]["exceptions"])
def test_exceptions_are_blanked_out(word: str) -> None:
    assert keywords.scan(word) == []


def test_no_place_name_is_found() -> None:
    found = [
        name
        for place in places.load_gazetteer()
        for name in (place.name_km, place.name_en)
        if keywords.scan(name)
    ]
    assert found == []


def test_the_scan_sees_through_disguises_and_beside_exceptions() -> None:
    text = "ra\u200bpe, Self harm; វាយតម្លៃ វាយ ១១៧"
    assert keywords.scan(text) == [
        Finding("A", "rape"),
        Finding("A", "self-harm"),
        Finding("B", "វាយ"),
        Finding("B", "117"),
    ]


@given(st.text(st.characters(codec=None, categories=None)))
def test_no_text_makes_it_fail(text: str) -> None:
    keywords.match(text)
    keywords.match(text, only=CONTROL)
    keywords.scan(text)
