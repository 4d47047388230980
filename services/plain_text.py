"""What somebody typed, without what nobody sees: one rule for all words that staff write.

A reply of one U+200B once went out as a message with nothing in it, and a direction mark in the
name of an agency turned round what stood after it.
"""

from typing import Final

import regex

# Khmer needs the space without width as a hint where a line may break, and the two joiners.
_UNSEEN: Final = regex.compile(r"[\p{Cc}\p{Cf}\p{Cs}--[\n\u200b\u200c\u200d]]", regex.VERSION1)
_LINE_END: Final = regex.compile(r"\r\n?|[\u0085\u2028\u2029]")
_SHOWS_NOTHING: Final = regex.compile(r"[\s\p{Default_Ignorable_Code_Point}\u2800]*")
_AROUND: Final = regex.compile(r"^[\s\u200b]+|[\s\u200b]+$")


def clean(text: str) -> str:
    """The words in their lines, without control letters and direction marks; "" if none shows."""
    text = _LINE_END.sub("\n", text).replace("\t", " ")
    text = _AROUND.sub("", _UNSEEN.sub("", text))
    return "" if _SHOWS_NOTHING.fullmatch(text) else text


def clean_line(text: str) -> str:
    """The same in one line, with one space between words: for names and titles."""
    return " ".join(clean(text).split())
