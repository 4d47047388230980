"""Parts of an SMS, counted as the carrier bills them.

Counted here independently of the product's own counting, so that the two check each other: a
Khmer text taken for GSM-7 would look three times cheaper than it is.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Encoding = Literal["GSM-7", "UCS-2"]

# 3GPP TS 23.038: the default alphabet, and the table reached through an escape character.
_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("\f^{}\\[~]|€")

# Units that fit one message sent alone, and each part of a longer one, which loses six bytes to
# the header that lets the phone put the parts together.
_ALONE: dict[Encoding, int] = {"GSM-7": 160, "UCS-2": 70}
_JOINED: dict[Encoding, int] = {"GSM-7": 153, "UCS-2": 67}

_LAST_BASIC_PLANE = 0xFFFF


@dataclass(frozen=True)
class Segments:
    """What a text costs: its encoding, its length in units of that encoding, its parts."""

    encoding: Encoding
    units: int
    parts: int


def count_segments(text: str) -> Segments:
    """Count `text` as Twilio does; an empty text is one part."""
    encoding = encoding_of(text)
    widths = [_width(char, encoding) for char in text]
    units = sum(widths)
    parts = 1 if units <= _ALONE[encoding] else _pack(widths, _JOINED[encoding])
    return Segments(encoding, units, parts)


def encoding_of(text: str) -> Encoding:
    """GSM-7 only when every character is in its two tables."""
    return "GSM-7" if all(c in _BASIC or c in _EXTENSION for c in text) else "UCS-2"


def utf16_units(text: str) -> int:
    """Length of `text` in UTF-16 code units, in which carriers limit a body."""
    return sum(_width(char, "UCS-2") for char in text)


def _width(char: str, encoding: Encoding) -> int:
    if encoding == "GSM-7":
        return 2 if char in _EXTENSION else 1
    return 2 if ord(char) > _LAST_BASIC_PLANE else 1


def _pack(widths: Iterable[int], room: int) -> int:
    """Parts needed when neither an escape pair nor a surrogate pair is torn between two parts."""
    parts, used = 1, 0
    for width in widths:
        if used + width > room:
            parts, used = parts + 1, 0
        used += width
    return parts
