"""Codes that people say on the phone or type on a keypad: digits, with a check digit.

A code that is misheard must not open somebody else's request. The Damm check digit catches every
single wrong digit and every swap of two neighbours.
"""

from random import Random
from secrets import SystemRandom

import regex

from services import khmer

LENGTH = 8
_LONGEST_RUN = 2  # "zero zero zero" is miscounted when it is said

_DAMM = (
    (0, 3, 1, 7, 5, 9, 8, 6, 4, 2),
    (7, 0, 9, 2, 1, 5, 4, 8, 6, 3),
    (4, 2, 0, 6, 8, 7, 1, 3, 5, 9),
    (1, 7, 5, 0, 9, 8, 3, 4, 2, 6),
    (6, 1, 2, 3, 0, 4, 5, 9, 7, 8),
    (3, 6, 7, 4, 2, 0, 9, 5, 8, 1),
    (5, 8, 6, 9, 7, 2, 0, 1, 3, 4),
    (8, 9, 4, 5, 3, 6, 2, 0, 1, 7),
    (9, 4, 3, 8, 6, 1, 7, 2, 0, 5),
    (2, 5, 8, 1, 4, 3, 6, 7, 9, 0),
)
_CODE = regex.compile(r"(?<![0-9])[1-9](?:[ .-]?[0-9]){7}(?![ .-]?[0-9])")
_LONG_RUN = regex.compile(rf"([0-9])\1{{{_LONGEST_RUN},}}")


def new_code(rng: Random | None = None, *, length: int = LENGTH) -> str:
    """Digits, the last a check digit; not beginning with 0 and easily said.

    Unguessable unless a test gives its own `rng`; not unique by itself (the database decides).
    """
    rng = rng or SystemRandom()
    while True:
        body = str(rng.randrange(10 ** (length - 2), 10 ** (length - 1)))
        code = body + str(_checksum(body))
        if not _LONG_RUN.search(code):
            return code


def is_valid(code: str, *, length: int = LENGTH) -> bool:
    """Whether these are so many ASCII digits with a right check digit."""
    return bool(regex.fullmatch(f"[1-9][0-9]{{{length - 1}}}", code)) and _checksum(code) == 0


def parse(text: str) -> str | None:
    """The one valid code in a text as people type it ("លេខកូដ ១២៣៤ ៥៦៧៨"), or None."""
    found = {regex.sub("[ .-]", "", match) for match in _CODE.findall(khmer.normalise(text))}
    valid = [code for code in found if is_valid(code)]
    return valid[0] if len(valid) == 1 else None


def display(code: str) -> str:
    """The code in two groups, as it is said: 1234 5678."""
    return f"{code[:4]} {code[4:]}"


def _checksum(digits: str) -> int:
    state = 0
    for digit in digits:
        state = _DAMM[state][int(digit)]
    return state
