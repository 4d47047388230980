"""Yes and no in the words of people, where they are the whole message."""

from typing import Final

import regex

from services import khmer

YES, NO = "yes", "no"

_YES: Final = (
    "បាទ", "ចាស", "ចា៎ះ", "ចាះ", "បាន", "បានហើយ", "បានជួយ", "បានជួយហើយ", "ជួយហើយ", "ជួយបានហើយ",
    "bat", "baat", "chas", "jas", "ban", "ban haey", "ban hery", "ban hoy",
    "yes", "y", "yeah", "yep", "helped", "it helped", "yes it helped", "it did",
)  # fmt: skip
_NO: Final = (
    "ទេ", "អត់", "អត់ទេ", "អត់ទាន់", "អត់ទាន់ទេ", "អត់ទាន់បាន", "អត់ទាន់បានទេ", "អត់បាន", "អត់បានទេ",
    "មិនទាន់", "មិនទាន់ទេ", "មិនទាន់បាន", "មិនទាន់បានទេ", "មិនបាន", "មិនបានទេ", "មិនបានជួយទេ", "នៅទេ",
    "te", "ot", "ot te", "ot ton", "ot toan", "min ton", "min toan", "min ban",
    "no", "n", "nope", "not yet", "no not yet", "it did not", "it did not help",
)  # fmt: skip
# What follows goes first: of ចាសបង the ចាស remains.
_POLITE: Final = (regex.compile("(?:បង|បាទ|ចាស|ណា|bong)$"), regex.compile("^(?:បាទ|ចាស)"))
_NO_LETTER: Final = regex.compile(r"[^\p{L}\p{M}\p{N}]+")


def key(text: str) -> str:
    """What is equal for texts that say the same word; empty for a question asked back."""
    return "" if "?" in text else _NO_LETTER.sub("", khmer.loose(text))


_MEANING: Final = {key(word): YES for word in _YES} | {key(word): NO for word in _NO}


def read(text: str) -> str | None:
    """YES, NO, or None for whatever says more, or less."""
    said = key(text)
    for polite in _POLITE:
        if said in _MEANING:
            break
        said = polite.sub("", said)
    return _MEANING.get(said)
