"""Why somebody did what others must understand later: one rule for every form that asks for it."""

import regex

from services import khmer, plain_text
from services.errors import EmptyText, ReasonTooShort, TextTooLong

LONGEST_REASON = 500
"""Characters."""
_FEWEST_LETTERS = 5
_LETTER = regex.compile(r"[\p{L}\p{M}\p{N}]")


def read_reason(typed: str) -> str:
    """A reason as it is kept. Raises EmptyText, ReasonTooShort and TextTooLong."""
    reason = read_words(typed)
    if not reason:
        raise EmptyText
    if len(_LETTER.findall(khmer.fold(reason))) < _FEWEST_LETTERS:
        raise ReasonTooShort
    return reason


def read_words(typed: str) -> str:
    """What may be added to a reason that was chosen from a list. Raises TextTooLong."""
    words = plain_text.clean(typed)
    if len(words) > LONGEST_REASON:
        raise TextTooLong(len(words), LONGEST_REASON)
    return words
