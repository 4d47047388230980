"""One key for the many ways in which the same Khmer text is typed.

Neither NFC nor NFKC unifies Khmer, and the normalisers on PyPI damage real words (they move the
robat of "ប័ណ្ណសមធម៌" to an earlier letter). So the fold here is small, our own, and only for
*matching*: what it returns is never stored or shown.
"""

import unicodedata
from functools import lru_cache

import regex

_COENG = "\u17d2"
_DA, _TA, _RO = "\u178a", "\u178f", "\u179a"
_CONSONANTS_AND_VOWELS = "\u1780-\u17b3"
_CLUSTER = regex.compile(
    rf"[{_CONSONANTS_AND_VOWELS}]?"
    rf"(?:\u17d2+[{_CONSONANTS_AND_VOWELS}]|[\u17b6-\u17d3\u17dd])+"
)
_COENG_PAIR = regex.compile(rf"\u17d2+([{_CONSONANTS_AND_VOWELS}])")

_INVISIBLE = regex.compile(r"[\p{Cf}\p{Cs}\ufe00-\ufe0f[\p{Cc}--\s]]", regex.VERSION1)
_OTHER_DIGIT = regex.compile(r"[\p{Nd}--[0-9]]", regex.VERSION1)
# Invisible or deprecated characters, and letters that differ only in the code point.
_REPLACED = str.maketrans(
    {
        "\u17a3": "\u17a2",
        "\u17a4": "\u17a2\u17b6",
        "\u17a8": "\u17a7\u1780",
        "\u17b2": "\u17b1",  # ឲ្យ and ឱ្យ are one word
        "\u17b4": None,
        "\u17b5": None,
        "’": "'",
        "‘": "'",
        "ʼ": "'",
        "`": "'",
    }
    | dict.fromkeys("‐‑‒–—―−", "-")
)
_VOWEL_U = "\u17bb"
_SHIFTERS = "\u17c9\u17ca"
_VOWELS_ABOVE = frozenset("\u17b7\u17b8\u17b9\u17ba\u17be")
_ROBAT = "\u17cc"

_LATIN_GAP = regex.compile(r"(?<=[a-z])[\s'-]+(?=[a-z0-9])|(?<=[0-9])[\s'-]+(?=[a-z])")
_CLUSTER_BOUND_MARKS = "\u17b6-\u17d3\u17dd"
_SILENT_SIGN = regex.compile("[\u17cd\u17d0]")
_NOT_PRIMARY = regex.compile("[\u17c9-\u17d1\u17dd]")


def normalise(text: str) -> str:
    """The fold with the spaces between Latin words kept: for finding whole words in a text."""
    text = _INVISIBLE.sub("", text)
    text = _plain_latin(text).translate(_REPLACED)
    text = _OTHER_DIGIT.sub(lambda found: _ascii_digit(found.group()), text)
    text = _CLUSTER.sub(lambda found: _canonical(found.group()), text)
    return " ".join(text.split())


def fold(text: str) -> str:
    """The match key: equal for texts that a reader would take for the same words.

    Idempotent; never raises; only for comparing, never to be stored as a value or shown.
    """
    return _LATIN_GAP.sub("", normalise(text))


def loose(text: str) -> str:
    """The fold without what accepted spellings differ in: សម្រាប់ and សំរាប់, silent signs."""
    return _loosened(fold(text))


def loose_words(text: str) -> str:
    """The loose fold with the spaces between Latin words kept."""
    return _loosened(normalise(text))


def sort_key(text: str) -> tuple[str, str]:
    """Orders names as a Khmer dictionary does.

    The code points already stand in that order (consonants, vowels, then subscripts), so the
    folded text is enough once the signs, which only break ties, are left out.
    """
    folded = fold(text)
    return _NOT_PRIMARY.sub("", folded), folded


def is_khmer(text: str) -> bool:
    """Whether any Khmer letter, digit or sign stands in the text."""
    return any("\u1780" <= character <= "\u17ff" for character in text)


def find_words(words: str) -> regex.Pattern[str]:
    """A pattern that finds folded Khmer words only from one whole cluster to another.

    Without that, លុយ (money) is found in ខ្លុយ (flute) and រៀន (learn) in ប្រៀន.
    """
    return regex.compile(rf"(?<!{_COENG})(?:{words})(?![{_CLUSTER_BOUND_MARKS}])")


def _loosened(folded: str) -> str:
    return _SILENT_SIGN.sub("", folded.replace("\u1798\u17d2", "\u17c6"))


def _plain_latin(text: str) -> str:
    """Lower case, without accents, ligatures and full-width forms."""
    for _ in range(2):  # lower-casing may bring out an accent (İ), and plain forms a capital
        text = unicodedata.normalize("NFKD", text).casefold()
    text = unicodedata.normalize("NFKD", text)
    return regex.sub(r"[\u0300-\u036f]", "", text)


def _ascii_digit(digit: str) -> str:
    return str(unicodedata.decimal(digit, digit))  # Python's Unicode may not know the newest


@lru_cache(maxsize=1024)  # single letters with their marks: few, and most of the work
def _canonical(cluster: str) -> str:
    """One order of the marks on a letter: subscripts (RO last), robat, shifter, vowel, signs.

    Only what directly follows a coeng is its subscript; a coeng with nothing after it is dropped.
    """
    base = cluster[0] if "\u1780" <= cluster[0] <= "\u17b3" else ""
    rest = cluster[len(base) :]
    subscripts = [_TA if found == _DA else found for found in _COENG_PAIR.findall(rest)]
    subscripts.sort(key=lambda subscript: subscript == _RO)
    marks = set(_COENG_PAIR.sub("", rest)) - {_COENG}
    below = "".join(_COENG + subscript for subscript in subscripts)
    return base + below + "".join(sorted(_joined(marks), key=_mark_order))


def _joined(marks: set[str]) -> set[str]:
    """Vowels typed in two strokes become one; a shifter drawn as the vowel U is a shifter."""
    for whole, halves in (("\u17c4", {"\u17c1", "\u17b6"}), ("\u17be", {"\u17c1", "\u17b8"})):
        if halves <= marks:
            marks = (marks - halves) | {whole}
    drawn_as_u = marks & _VOWELS_ABOVE and marks & {_VOWEL_U, *_SHIFTERS}
    if drawn_as_u or {_VOWEL_U, "\u17b6"} <= marks:
        marks = (marks - {_VOWEL_U, *_SHIFTERS}) | {_SHIFTERS[0]}
    return marks


def _mark_order(mark: str) -> tuple[int, str]:
    if mark == _ROBAT:
        return 0, mark
    if mark in _SHIFTERS:
        return 1, mark
    return 2, mark
