"""A monthly salary as people say it: in dollars or riel, in thousands, ម៉ឺន or លាន.

People count riel in ម៉ឺន (10,000) and name no currency when it is plain to them. What stays
unclear, or is in baht (those who worked in Thailand think in it), is asked again, never guessed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import regex

from services import khmer, numbers

Currency = Literal["USD", "KHR"]

_BOUNDS: dict[Currency, tuple[int, int]] = {
    "USD": (30, 5_000),
    "KHR": (100_000, 20_000_000),
}
_BARE_DOLLARS_BELOW = 5_000


def _any(*words: str) -> str:
    return "|".join(sorted(map(khmer.normalise, words), key=len, reverse=True))


_LATIN_WORD = r"(?<![a-z])(?:{})(?![a-z])"
_BAHT = regex.compile(
    rf"฿|บาท|{_any('បាត', 'បាទថៃ')}(?!់)|" + _LATIN_WORD.format("baht|bath|thb|bat")
)
_DOLLARS = regex.compile(
    rf"\$|{_any('ដុល្លារ', 'ដុល្លា', 'ដុល')}|" + _LATIN_WORD.format("usd|us|dollars?|dolla|dola")
)
_RIEL = regex.compile(rf"៛|{_any('រៀល')}|" + _LATIN_WORD.format("khr|riels?|reals?"))

_MULTIPLIERS: tuple[tuple[str, int], ...] = (
    (_any("លាន") + "|million|mil|lean|m", 1_000_000),
    (_any("សែន") + "|saen|sen", 100_000),
    (_any("ម៉ឺន", "ម៊ឺន", "មឺន", "ម៉ឹន") + "|muen|meun|mern|mun", 10_000),
    (_any("ពាន់", "ពាន") + "|thousand|pon|poan|k", 1_000),
    (_any("រយ"), 100),
)
_COUNTED_IN_RIEL = 10_000  # nobody counts dollars in ម៉ឺន or more
_UNIT = "|".join(f"(?P<u{size}>{words})" for words, size in _MULTIPLIERS)
_SIGN = rf"(?:{_DOLLARS.pattern}|{_RIEL.pattern})"
_AMOUNT = regex.compile(
    rf"(?P<before>{_SIGN})?\s*(?P<number>{numbers.NUMBER}(?:[.,][0-9]{{1,2}}(?![0-9]))?)"
    rf"\s*(?:(?:{_UNIT})(?![a-z]))?\s*(?P<after>{_SIGN})?"
)
_RANGE = regex.compile(rf"\s*(?:-|~|to|{_any('ដល់', 'ទៅ', 'ទៅដល់')})\s*")


@dataclass(frozen=True, slots=True)
class Salary:
    """A month's pay in whole dollars or riel."""

    amount: int
    currency: Currency


@dataclass(frozen=True, slots=True)
class _Amount:
    value: Decimal
    multiplier: int
    marked: bool  # carries a unit or a currency
    start: int
    end: int


def parse(text: str) -> Salary | None:
    """The salary in a text, or None when it is not clear or not likely.

    A range ("200-250") gives its lower end: what a person would accept. A bare number under 5,000
    is dollars, else riel. None outside 30 to 5,000 USD or 100,000 to 20,000,000 KHR, and for baht.
    """
    plain = khmer.normalise(text)
    if _BAHT.search(plain) or plain.startswith("-"):
        return None
    amount = _chosen(_amounts(plain), plain)
    return _within_bounds(amount, plain) if amount else None


def _amounts(plain: str) -> list[_Amount]:
    found = []
    for match in _AMOUNT.finditer(plain):
        size = next((size for _, size in _MULTIPLIERS if match[f"u{size}"]), 1)
        number = match["number"]
        marked = size > 1 or bool(match["before"] or match["after"])
        found.append(_Amount(_value(number), size, marked, match.start("number"), match.end()))
    return found


def _value(number: str) -> Decimal:
    """A last group of one or two digits is a fraction, any other separator one of thousands."""
    whole, _, fraction = regex.sub(r"[.,]([0-9]{1,2})$", r"|\1", number).partition("|")
    return Decimal(regex.sub("[ ,.]", "", whole) + "." + (fraction or "0"))


def _chosen(amounts: Sequence[_Amount], plain: str) -> _Amount | None:
    """The first amount with a unit or currency ("1 month 250$"), else the first number."""
    if not amounts:
        return None
    at = next((at for at, amount in enumerate(amounts) if amount.marked), 0)
    chosen = amounts[at]
    if at > 0 and _is_range(amounts[at - 1], chosen, plain):
        lower = amounts[at - 1]
        return _Amount(lower.value, chosen.multiplier, True, lower.start, lower.end)
    return _with_smaller_units(chosen, amounts[at + 1 :], plain)


def _is_range(lower: _Amount, upper: _Amount, plain: str) -> bool:
    return bool(_RANGE.fullmatch(plain, lower.end, upper.start))


def _with_smaller_units(chosen: _Amount, rest: Sequence[_Amount], plain: str) -> _Amount:
    """Adds what follows in ever smaller units: 1លាន 2សែន is 1,200,000."""
    total, unit, end = chosen.value * chosen.multiplier, chosen.multiplier, chosen.end
    for amount in rest:
        if plain[end : amount.start].strip() or not 1 < amount.multiplier < unit:
            break
        total, unit, end = total + amount.value * amount.multiplier, amount.multiplier, amount.end
    return _Amount(total / chosen.multiplier, chosen.multiplier, True, chosen.start, end)


def _within_bounds(amount: _Amount, plain: str) -> Salary | None:
    value = round(amount.value * amount.multiplier)
    currency = _currency(value, amount.multiplier, plain)
    if currency is None:
        return None
    low, high = _BOUNDS[currency]
    return Salary(value, currency) if low <= value <= high else None


def _currency(value: int, multiplier: int, plain: str) -> Currency | None:
    dollars, riel = bool(_DOLLARS.search(plain)), bool(_RIEL.search(plain))
    if dollars and riel:
        return None
    if dollars or riel:
        return "USD" if dollars else "KHR"
    if multiplier >= _COUNTED_IN_RIEL:
        return "KHR"
    return "USD" if value < _BARE_DOLLARS_BELOW else "KHR"
