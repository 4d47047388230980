"""Reads a typed place ("ឃុំ សំរោង ស្រុក គងពិសី", "samrong") and finds names like it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import regex
from rapidfuzz import fuzz, process

from services import khmer

CERTAIN = 95.0
_EXACT, _PREFIX, _LIKE_FROM = 100.0, 90.0, 70.0
_SHORTEST_PREFIX, _SHORTEST_LIKE = 2, 3
_MOST_LIKE = 20
_LONGEST_NAME = 60  # code points; nothing longer is compared

_KINDS = {
    1: "រាជធានី|ខេត្ត|province|khaet|khet|reach theani|capital",
    2: "ស្រុក|ទីក្រុង|ក្រុង|ខណ្ឌ|district|srok|municipality|krong|city|khan",
    3: "ឃុំ|សង្កាត់|commune|khum|sangkat",
}
_LEVELS = {
    khmer.normalise(word): level for level, words in _KINDS.items() for word in words.split("|")
}
_WORDS = sorted(_LEVELS, key=len, reverse=True)
_KHMER_KINDS = "|".join(word for word in _WORDS if khmer.is_khmer(word))
_LATIN_KINDS = "|".join(word for word in _WORDS if not khmer.is_khmer(word))
# A Khmer kind stands before its name; ភ្នំស្រុក (Phnum Srok) is a name that ends like one.
_KHMER_PART = regex.compile(rf"(?:^|[\s,])(?P<kind>{_KHMER_KINDS})\s*(?=[\u1780-\u17b3])")
_LATIN_BEFORE = regex.compile(rf"^(?P<kind>{_LATIN_KINDS})(?: of)?\s+(?P<name>.+)")
_LATIN_AFTER = regex.compile(r"^(?P<name>.+?)\s+(?P<kind>province|district|commune|city)$")


@dataclass(frozen=True, slots=True)
class Asked:
    """The names of a typed place with the level that its kind says, None when none was typed."""

    parts: tuple[tuple[int | None, str], ...]

    @property
    def level(self) -> int | None:
        """The level that the first kind says."""
        return self.parts[0][0] if self.parts else None

    def name_at(self, level: int) -> str:
        """The name typed for this level, else the first one."""
        said = [name for said_level, name in self.parts if said_level == level]
        return (said or [name for _, name in self.parts] or [""])[0]

    def around(self, level: int) -> Sequence[str]:
        """The other names: of what the place lies in."""
        name = self.name_at(level)
        return [other for _, other in self.parts if other != name]


def read(text: str) -> Asked:
    """What was typed, as match keys without the words for kinds."""
    plain = khmer.normalise(text[: 2 * _LONGEST_NAME])
    pieces = (piece.strip() for piece in regex.split("[,;/()។]", plain))
    parts = (part for piece in pieces for part in _parts(piece))
    return Asked(tuple((level, key(name)) for level, name in parts if key(name)))


def key(name: str) -> str:
    """The match key of a name: its loose fold without any space."""
    return khmer.loose(name).replace(" ", "")[:_LONGEST_NAME]


def _parts(piece: str) -> Iterable[tuple[int | None, str]]:
    for pattern in (_LATIN_BEFORE, _LATIN_AFTER):
        if found := pattern.match(piece):
            return [(_LEVELS[found["kind"]], found["name"])]
    starts = list(_KHMER_PART.finditer(piece))
    if not starts:
        return [(None, piece)]
    ends = [*(found.start() for found in starts[1:]), len(piece)]
    named = [
        (_LEVELS[found["kind"]], piece[found.end() : end])
        for found, end in zip(starts, ends, strict=True)
    ]
    return [(None, piece[: starts[0].start()]), *named]


class NameIndex:
    """Names by their match keys; a code's length is its level, its beginning what it lies in."""

    def __init__(self, names: Iterable[tuple[str, Sequence[str]]]) -> None:
        self._codes: dict[str, set[str]] = defaultdict(set)
        self._keys: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for code, spellings in names:
            for spelling in {key(spelling) for spelling in spellings}:
                self._codes[spelling].add(code)
                self._keys[len(code)][spelling].append(code)

    def codes_called(self, name: str) -> set[str]:
        """The codes of every level with exactly this match key."""
        return self._codes.get(name, set())

    def search(self, name: str, digits: int, within: str) -> Iterable[tuple[str, float]]:
        """Codes of `digits` length below `within`, each with its best score."""
        keys = self._keys[digits]
        if within:
            inside = {
                k: [code for code in codes if code.startswith(within)] for k, codes in keys.items()
            }
            keys = {k: codes for k, codes in inside.items() if codes}
        best: dict[str, float] = {}
        for spelling, score in _alike(name, keys):
            for code in keys[spelling]:
                best[code] = max(score, best.get(code, 0.0))
        return best.items()


def _alike(name: str, keys: dict[str, list[str]]) -> list[tuple[str, float]]:
    if name in keys:
        return [(name, _EXACT)]
    found: list[tuple[str, float]] = []
    if len(name) >= _SHORTEST_PREFIX:
        found = [(spelling, _PREFIX) for spelling in keys if spelling.startswith(name)]
    if len(name) >= _SHORTEST_LIKE:
        like = process.extract(
            name, keys.keys(), scorer=fuzz.ratio, score_cutoff=_LIKE_FROM, limit=_MOST_LIKE
        )
        found += [(spelling, min(score, _PREFIX - 1)) for spelling, score, _ in like]
    return found
