"""What an SMS may hold, how many parts it costs, and where a long one may be cut.

One stray emoji or curly quote turns a whole English message into UCS-2 and doubles its price, and
cutting Khmer by bytes or code points breaks its letters: every outgoing SMS passes through here.
"""

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import regex

from services import khmer

CARRIER_LIMIT = 1600  # units in one message that the carrier splits and joins by itself

_GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_EXTENDED = frozenset("\f^{}\\[~]|€")
_GSM = _GSM_BASIC | _GSM_EXTENDED

_ZWSP = "\u200b"
_PLAIN = str.maketrans(
    dict.fromkeys("‘’‚‛′´`", "'")
    | dict.fromkeys("“”„‟″", '"')
    | dict.fromkeys("‐‑‒–—―−•‣", "-")
    | {"…": "...", "\u17b4": None, "\u17b5": None}
)
_PLAIN_OUTSIDE_KHMER = str.maketrans({"«": '"', "»": '"', "‹": "'", "›": "'"})
_NOT_FOR_PHONES = regex.compile(
    r"[\p{Extended_Pictographic}\p{Regional_Indicator}\p{Emoji_Modifier}\p{Variation_Selector}"
    r"\u20e3\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}--[\n\u200b]]",
    regex.VERSION1,
)
# Khmer subscripts join what Unicode's own clusters keep apart.
_CLUSTER = regex.compile(r"(?:(?:\X)(?<=\u17d2))+\X|\X", regex.VERSION1)
_AFTER_BREAK = regex.compile(r"[\s\u200b]")
_AFTER_PUNCTUATION = regex.compile(r"[។៕៖ៗ,.;:!?)\]»]")


@dataclass(frozen=True, slots=True)
class Parts:
    """What a text costs: units are septets (GSM-7) or UTF-16 code units (UCS-2)."""

    encoding: Literal["GSM-7", "UCS-2"]
    units: int
    parts: int


def count(text: str) -> Parts:
    """Counts as carriers do; an escape pair or a surrogate pair is never split between parts.

    An empty text costs no part: it cannot be sent.
    """
    if _GSM.issuperset(text):
        sizes = [2 if character in _GSM_EXTENDED else 1 for character in text]
        return Parts("GSM-7", sum(sizes), _parts(sizes, alone=160, joined=153))
    sizes = [2 if character > "\uffff" else 1 for character in text]
    return Parts("UCS-2", sum(sizes), _parts(sizes, alone=70, joined=67))


def units(text: str) -> int:
    """How much of its part a text takes, in the encoding that it needs by itself."""
    return count(text).units


def clean(text: str) -> str:
    """The text as it may go out: nothing invisible, no emoji, plain quotes, dashes and spaces."""
    return _without_break_hints(_clean_keeping_hints(text))


def split(text: str, limit: int = CARRIER_LIMIT) -> list[str]:
    """Cleaned messages of at most `limit` units each, none empty.

    Cut after a line, a sentence, a word (a space, or a U+200B given as a hint) where one ends in
    the last half of the message, else between two clusters. Only a single cluster longer than the
    limit is ever broken. ValueError for a limit under 2, which a surrogate pair needs.
    """
    if limit < 2:  # noqa: PLR2004
        raise ValueError("an SMS of less than two units holds no text")
    messages: list[str] = []
    rest = _clean_keeping_hints(text)
    while rest:
        head = _head(rest, limit)
        message = _without_break_hints(head).strip()
        if message:
            messages.append(message)
        rest = rest[len(head) :].lstrip(" \n" + _ZWSP)
    return messages


def shorten(text: str, limit: int) -> str:
    """At most `limit` units of the cleaned text, three dots at the end where it was cut."""
    cleaned = clean(text)
    if _size(cleaned) <= limit:
        return cleaned
    dots = "..."[: max(limit, 0)]
    room = limit - len(dots)
    return (split(cleaned, room)[0] if room > 1 else "") + dots


def _clean_keeping_hints(text: str) -> str:
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = regex.sub(r"[^\S\n]|[\u2028\u2029\x1c-\x1f]", " ", text.translate(_PLAIN))
    if not khmer.is_khmer(text):
        text = text.translate(_PLAIN_OUTSIDE_KHMER)
    return _tidy(_NOT_FOR_PHONES.sub("", text))


def _without_break_hints(text: str) -> str:
    return _tidy(text.replace(_ZWSP, ""))


def _tidy(text: str) -> str:
    # Once more: marks that something invisible kept apart stand side by side now.
    text = unicodedata.normalize("NFC", text)
    text = regex.sub(" {2,}", " ", text)
    text = regex.sub(" ?\n ?", "\n", text)
    return regex.sub("\n{3,}", "\n\n", text).strip(" \n")


def _parts(sizes: list[int], *, alone: int, joined: int) -> int:
    if sum(sizes) <= alone:
        return 1 if sizes else 0
    parts, used = 1, 0
    for size in sizes:
        if used + size > joined:
            parts, used = parts + 1, 0
        used += size
    return parts


def _size(text: str) -> int:
    """Units in whichever encoding needs more, so that a cut message fits in both."""
    return sum(
        0 if character == _ZWSP else 2 if character > "\uffff" or character in _GSM_EXTENDED else 1
        for character in text
    )


def _head(text: str, limit: int) -> str:
    """The longest beginning that fits, moved back to a good place to cut."""
    end = _fitting(_clusters(text), limit) or _fitting(iter(text), limit)
    if end == len(text):
        return text
    for is_good in (_ends_line, _ends_sentence, _ends_word):
        cut = _last_cut(text, end, is_good)
        if cut:
            return text[:cut]
    return text[:end]


def _clusters(text: str) -> Iterator[str]:
    return (found.group() for found in _CLUSTER.finditer(text))


def _fitting(pieces: Iterator[str], limit: int) -> int:
    end = used = 0
    for piece in pieces:
        used += _size(piece)
        if used > limit:
            break
        end += len(piece)
    return end


def _last_cut(text: str, end: int, is_good: Callable[[str, int], bool]) -> int:
    """The last good place in the second half of the message, or 0."""
    return next((at for at in range(end, end // 2, -1) if is_good(text, at)), 0)


def _ends_line(text: str, at: int) -> bool:
    return text[at] == "\n"


def _ends_sentence(text: str, at: int) -> bool:
    return text[at - 1] in "។៕" or (text[at - 1] in ".!?" and text[at].isspace())


def _ends_word(text: str, at: int) -> bool:
    if _AFTER_BREAK.match(text[at]) or text[at - 1] == _ZWSP:
        return True
    return bool(_AFTER_PUNCTUATION.match(text[at - 1])) and not text[at].isalnum()
