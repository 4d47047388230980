"""The words that mean something wherever they are typed, and the words that must never go out.

Khmer has no spaces, so a short word hides in others: a greeting (ជម្រាបសួរ) holds "ask" (សួរ).
Danger words come before everything; nothing here logs or keeps what was typed.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import regex

from services import khmer, places

Danger = Literal["self", "others"]
Tier = Literal["A", "B"]

_DATA = Path(__file__).parent / "data" / "keywords.json"
_NO_LETTER = regex.compile(r"[^\p{L}\p{M}\p{N}]+")
_FORMS_OF_SIGNS = regex.compile(r"[\u200d\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]")
_NEVER = regex.compile(r"(?!)")
_BLANK = " "
_SAFETY = "safety_neutral"


@dataclass(frozen=True, slots=True)
class Keyword:
    """What a text asks for.

    With `danger` the person may be in danger from themselves or from others; the intent is then
    the neutral door to safety, for an edge that can do no more.
    """

    intent: str
    danger: Danger | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A word of the scan lists: tier A goes out nowhere, B nowhere from the safety branch."""

    tier: Tier
    word: str


def match(text: str, *, only: AbstractSet[str] | None = None) -> Keyword | None:
    """What the text asks for, or None: then a person reads it, or the dialog takes it.

    Latin aliases must be the whole message, and so must those that control the conversation;
    other Khmer ones may stand in a sentence, the longest first. Within a dialog give `only`, the
    intents that apply there: then every alias must be the whole message, and words that are
    people's names too are left to the dialog. Danger words count anywhere and always.
    """
    words = _load()
    danger = words.find_danger(text)
    if danger:
        return Keyword(_SAFETY, danger)
    intent = words.find_whole(text, in_dialog=only is not None)
    if only is not None:
        return Keyword(intent) if intent and intent in only else None
    intent = intent or words.find_in_sentence(text)
    return Keyword(intent) if intent else None


def match_whole(text: str) -> str | None:
    """The intent that the whole message asks for, words that are people's names too included.

    For a moment that waits for nothing. Ask `match` for danger first.
    """
    return _load().find_whole(text, in_dialog=False)


def is_thanks(text: str) -> bool:
    """Whether the whole message gives thanks, in words or in signs, and asks for nothing."""
    return _load().is_thanks(text)


def scan(text: str) -> Sequence[Finding]:
    """The words in the text that must not go out, each once, tier A first.

    Give the text as it will be sent, variables filled in. Place names and the listed exceptions
    (វាយតម្លៃ, assessment) are blanked out first.
    """
    return _load_scan().findings(text)


class _Words:
    def __init__(self, data: Mapping[str, Any]) -> None:
        self._whole: dict[str, str] = {}
        self._politely: dict[str, str] = {}
        in_sentences: dict[str, str] = {}
        for row in data["intents"]:
            typed = [alias for group in row["aliases"] for alias in group["typed"]]
            self._whole |= {_key(alias): row["intent"] for alias in typed}
            politely = row.get("politely", row["intent"])
            self._politely |= {_key(alias): politely for alias in typed}
            if not row["whole_message_only"]:
                in_sentences |= {_key(a): row["intent"] for a in typed if khmer.is_khmer(a)}
        greetings = data["greetings"]
        self._greeting: str = greetings["intent"]
        greeting = {_key(word): self._greeting for word in greetings["typed"]}
        self._whole |= greeting
        self._politely |= greeting
        self._thanks = {_key(words) for words in data["thanks"]["typed"]}
        self._signs = regex.compile(rf"[{regex.escape(data['thanks']['signs'])}]")
        self._names_too = {_key(word) for word in data["names_too"]}
        polite = data["polite"]
        self._polite = regex.compile(
            rf"^(?:{_alternatives(polite['before'])})+|(?:{_alternatives(polite['after'])})+$"
        )
        self._in_sentences = in_sentences
        self._sentence = khmer.find_words(_longest_first(in_sentences))
        self._hidden = khmer.find_words(_alternatives(filter(khmer.is_khmer, data["hiding"])))
        self._greetings = khmer.find_words(
            _alternatives(filter(khmer.is_khmer, greetings["typed"]))
        )
        self._danger: dict[Danger, list[regex.Pattern[str]]] = {
            whose: _patterns(data["danger"][whose], khmer.loose) for whose in ("self", "others")
        }

    def find_danger(self, text: str) -> Danger | None:
        plain = khmer.loose_words(text)
        for whose, patterns in self._danger.items():
            if any(pattern.search(plain) for pattern in patterns):
                return whose
        return None

    def find_whole(self, text: str, *, in_dialog: bool) -> str | None:
        key = _key(text)
        if in_dialog and key in self._names_too:
            return None
        return self._whole.get(key) or self._politely.get(self._polite.sub("", key))

    def is_thanks(self, text: str) -> bool:
        key = _key(text)
        if key:
            return bool({key, self._polite.sub("", key)} & self._thanks)
        # What is left of a sign is its colour or its form; anything else may be a question.
        left = _FORMS_OF_SIGNS.sub("", self._signs.sub("", text))
        return left != text and not left.strip()

    def find_in_sentence(self, text: str) -> str | None:
        plain = self._hidden.sub(_BLANK, khmer.loose(text))
        ungreeted = self._greetings.sub(_BLANK, plain)
        found = max(self._sentence.findall(ungreeted), key=len, default=None)
        if found is not None:
            return self._in_sentences[found]
        return self._greeting if ungreeted != plain else None


class _Scan:
    def __init__(self, data: Mapping[str, Any]) -> None:
        tiers: tuple[Tier, ...] = ("A", "B")
        self._patterns = {tier: _patterns(data[tier], khmer.fold) for tier in tiers}
        self._words = {
            khmer.fold(word): word
            for tier in tiers
            for words in data[tier].values()
            for word in words
        }
        exceptions = [*data["exceptions"], *self._list_suspicious_places()]
        latin = [name for name in exceptions if not khmer.is_khmer(name)]
        self._exceptions = [
            khmer.find_words(
                _longest_first(khmer.fold(e) for e in exceptions if khmer.is_khmer(e))
            ),
            _latin_pattern(latin),
        ]

    def findings(self, text: str) -> Sequence[Finding]:
        plain = khmer.normalise(text)
        for exception in self._exceptions:
            plain = exception.sub(_BLANK, plain)
        found = [
            Finding(tier, self._words[khmer.fold(hit)])
            for tier, patterns in self._patterns.items()
            for pattern in patterns
            for hit in pattern.findall(plain)
        ]
        return list(dict.fromkeys(found))

    def _list_suspicious_places(self) -> list[str]:
        """Names that hold a scanned word and more: the word alone is never excused."""
        return [
            name
            for place in places.load_gazetteer()
            for name in (place.name_km, place.name_en)
            if khmer.fold(name) not in self._words and self._holds_a_word(khmer.normalise(name))
        ]

    def _holds_a_word(self, plain: str) -> bool:
        return any(p.search(plain) for patterns in self._patterns.values() for p in patterns)


@cache
def _load() -> _Words:
    return _Words(_read())


@cache
def _load_scan() -> _Scan:
    return _Scan(_read()["scan"])


def _read() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(_DATA.read_text(encoding="utf-8"))
    return data


def _key(text: str) -> str:
    """A whole message as it is compared: loosely folded, letters and digits only."""
    return _NO_LETTER.sub("", khmer.loose(text))


def _alternatives(words: Iterable[str]) -> str:
    return _longest_first(map(_key, words))


def _longest_first(folded: Iterable[str]) -> str:
    words = sorted(set(folded), key=lambda word: (-len(word), word))
    return "|".join(map(regex.escape, words)) or _NEVER.pattern


def _patterns(
    lists: Mapping[str, Sequence[str]], fold: Callable[[str], str]
) -> list[regex.Pattern[str]]:
    """Khmer words from cluster to cluster, Latin ones as whole words."""
    return [
        khmer.find_words(_longest_first(map(fold, lists["khmer"]))),
        _latin_pattern(lists["latin"]),
    ]


def _latin_pattern(words: Iterable[str]) -> regex.Pattern[str]:
    """Whole words or phrases, however their words are joined (self-harm, self harm)."""
    ordered = sorted({khmer.normalise(word) for word in words}, key=len, reverse=True)
    parts = (map(regex.escape, regex.split(r"[\s'-]+", phrase)) for phrase in ordered)
    phrases = "|".join(map(r"[\s'-]*".join, parts)) or _NEVER.pattern
    return regex.compile(rf"(?<![a-z0-9])(?:{phrases})(?![a-z0-9])")
