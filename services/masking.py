"""Names and numbers as the desk shows them before somebody says why they need the whole.

Whoever looks over a shoulder, or at a photo of a screen, learns no name and no number.
"""

import regex

DOTS = "•••"
_SHOWN_DIGITS = 3
# A Khmer letter with what hangs below and around it; half of it would be another letter.
_FIRST_CLUSTER = regex.compile(r"(?:\X(?<=\u17d2))*\X", regex.VERSION1)


def mask_name(name: str) -> str:
    """Its first letter and dots: always as many, since lengths tell names apart."""
    first = _FIRST_CLUSTER.match(name.strip())
    return f"{first.group()}{DOTS}" if first else DOTS


def mask_phone(e164: str) -> str:
    """Dots and the last three digits."""
    return f"{DOTS}{e164[-_SHOWN_DIGITS:]}"
