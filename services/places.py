"""Cambodia's provinces, districts and communes, found by what people type.

Their names repeat (សំរោង is ten communes) and have no one spelling in Latin letters, so a place is
always a code, and a search gives every place of a name for the person to choose by its parent.
"""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from services import khmer
from services.errors import UnknownPlace
from services.place_search import CERTAIN, Asked, NameIndex, read

__all__ = [
    "CERTAIN",
    "COMMUNE",
    "DISTRICT",
    "DISTRICT_DIGITS",
    "PROVINCE",
    "PROVINCE_DIGITS",
    "Gazetteer",
    "Match",
    "Place",
    "label",
    "load_gazetteer",
]

Language = Literal["km", "en"]
Level = Literal[1, 2, 3]
PROVINCE: Level = 1
DISTRICT: Level = 2
COMMUNE: Level = 3
PROVINCE_DIGITS, DISTRICT_DIGITS = 2, 4  # a code begins with the code of what it lies in

_DATA = Path(__file__).parent.parent / "db" / "reference" / "gazetteer"
_FILES: tuple[tuple[Level, str], ...] = (
    (PROVINCE, "provinces.csv"),
    (DISTRICT, "districts.csv"),
    (COMMUNE, "communes.csv"),
)
_KINDS_EN = {
    "Khaet": "Province",
    "Reach Theani": "Capital",
    "Srok": "District",
    "Krong": "Municipality",
    "Khum": "Commune",
}
_KINDS_BEFORE_THE_NAME = {"Khan", "Sangkat"}
_KINDS_NOT_SAID = {"Capital"}
# The provinces of the three centres, then those most returnees come from.
_LIKELY_PROVINCES = ("22", "15", "13", "02", "01", "17", "06", "14")


@dataclass(frozen=True, slots=True)
class Place:
    """One place of the gazetteer: `parent` is a code, None for a province."""

    code: str
    level: Level
    parent: str | None
    name_km: str
    name_en: str
    kind_km: str
    kind_en: str

    def name(self, language: str) -> str:
        """The bare name; English for any language but Khmer."""
        return self.name_km if language == "km" else self.name_en


@dataclass(frozen=True, slots=True)
class Match:
    """A place that a text may mean: 100 is its very name, CERTAIN and above another spelling."""

    place: Place
    score: float


class Gazetteer:
    """All 1,887 places, in memory."""

    def __init__(self, places: Iterable[Place]) -> None:
        self._places = {place.code: place for place in places}
        self._children: dict[str | None, list[Place]] = defaultdict(list)
        for place in self._places.values():
            self._children[place.parent].append(place)
        self._index = NameIndex((p.code, (p.name_km, p.name_en)) for p in self._places.values())
        self._called_alike = Counter(map(self._name_and_parent, self._places.values()))

    def __iter__(self) -> Iterator[Place]:
        return iter(self._places.values())

    def get(self, code: str) -> Place:
        """The place of this code; UnknownPlace when there is none."""
        place = self.find_code(code)
        if place is None:
            raise UnknownPlace("There is no place of this code.")
        return place

    def find_code(self, code: str) -> Place | None:
        """The place of this code, or None."""
        return self._places.get(code)

    def children(self, code: str | None, language: str = "km") -> Sequence[Place]:
        """The places directly inside (provinces for None), in the order of the language."""
        return sorted(self._children.get(code, ()), key=lambda place: _order(place, language))

    def likely_provinces(self, language: str = "km") -> Sequence[Place]:
        """All provinces: the centres' own and the usual homes of returnees, the rest by name."""
        likely = [self.get(code) for code in _LIKELY_PROVINCES]
        return [*likely, *(p for p in self.children(None, language) if p not in likely)]

    def ancestors(self, place: Place) -> Sequence[Place]:
        """What the place lies in: nearest first, the province last."""
        ends = range(len(place.code) - PROVINCE_DIGITS, 0, -PROVINCE_DIGITS)
        return [self.get(place.code[:end]) for end in ends]

    def find(
        self, text: str, level: Level, within: str | None = None, limit: int = 5
    ) -> Sequence[Match]:
        """Places of one level that the text may name, best first.

        When the name is exact, every place of that name and no other, however many there are;
        else at most `limit` that begin so or are spelt alike. A kind ("ឃុំ", "khum", "province")
        is left out, and what the place lies in may be named too ("ឃុំសំរោង ស្រុកគងពិសី").
        """
        return self._find(read(text), level, within, limit)

    def find_any(self, text: str, within: str | None = None, limit: int = 5) -> Sequence[Match]:
        """As `find`, for the level directly inside `within`, or a deeper one when that has none.

        A kind that is typed decides: ឃុំបាត់ដំបង is never the province.
        """
        asked = read(text)
        first = len(within or "") // PROVINCE_DIGITS + 1
        levels: list[Level] = [level for level, _ in _FILES if level >= first]
        if asked.level in levels:
            levels = [level for level in levels if level == asked.level]
        found = [self._find(asked, level, within, limit) for level in levels]
        certain = next((m for m in found if m and m[0].score >= CERTAIN), None)
        if certain is not None:
            return certain
        return sorted((m for matches in found for m in matches), key=_best_first)[:limit]

    def _find(self, asked: Asked, level: Level, within: str | None, limit: int) -> list[Match]:
        hits = self._index.search(asked.name_at(level), level * PROVINCE_DIGITS, within or "")
        matches = sorted((Match(self.get(code), score) for code, score in hits), key=_best_first)
        inside = [match for match in matches if self._lies_in(match.place, asked.around(level))]
        matches = inside or matches
        exact = [match for match in matches if match.score >= CERTAIN]
        return exact or matches[:limit]

    def _lies_in(self, place: Place, names: Sequence[str]) -> bool:
        around = {ancestor.code for ancestor in self.ancestors(place)}
        return all(around & self._index.codes_called(name) for name in names)

    def _name_and_parent(self, place: Place) -> tuple[str, str]:
        return place.name_km, self.get(place.parent).name_km if place.parent else ""

    def parents_to_say(self, place: Place) -> Sequence[Place]:
        """What must be said beside a name so that one place is meant: one parent, rarely two."""
        around = self.ancestors(place)
        is_enough = self._called_alike[self._name_and_parent(place)] == 1
        return around[:1] if is_enough else around


def label(place: Place, language: str, *, with_parent: bool = False, kind: bool = True) -> str:
    """What a person reads: "ឃុំសំរោង", without its kind "សំរោង", "ឃុំសំរោង (គងពិសី)"."""
    name = _with_kind(place, language) if kind else place.name(language)
    around = load_gazetteer().parents_to_say(place) if with_parent else ()
    return f"{name} ({' '.join(parent.name(language) for parent in around)})" if around else name


@cache
def load_gazetteer() -> Gazetteer:
    """The gazetteer of the packaged data files, read once."""
    return Gazetteer(place for level, name in _FILES for place in _read(_DATA / name, level))


def _read(path: Path, level: Level) -> Iterator[Place]:
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield Place(
                code=row["code"],
                level=level,
                parent=row["parent"] or None,
                name_km=row["name_km"],
                name_en=row["name_en"],
                kind_km=row["type_km"],
                kind_en=_KINDS_EN.get(row["type_latin"], row["type_latin"]),
            )


def _with_kind(place: Place, language: str) -> str:
    if language == "km":
        return place.kind_km + place.name_km
    if place.kind_en in _KINDS_BEFORE_THE_NAME:
        return f"{place.kind_en} {place.name_en}"
    return place.name_en if place.kind_en in _KINDS_NOT_SAID else f"{place.name_en} {place.kind_en}"


def _order(place: Place, language: str) -> tuple[str, str]:
    return khmer.sort_key(place.name(language))


def _best_first(match: Match) -> tuple[float, int, str]:
    return -match.score, match.place.level, match.place.code
