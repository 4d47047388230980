"""From a typed text to what it answers.

By SMS digits press what the last screen numbered, unless the screen waits for a number;
0, 00, 99 and * are fixed keys, all of them within reach of a phone set to digits. On both
channels the words of a button press it, and a few words work at any moment.
"""

from dataclasses import dataclass
from typing import Final

import regex
from aiogram_dialog.utils import REPLY_CALLBACK_SYMBOLS

from bot.shown import Shown
from dialogs.buttons import Answer, Role
from services import keywords, khmer, numbers, questions

SMS_KEYS: Final = {"0": Role.BACK, "00": Role.SKIP, "99": Role.MORE, "*": Role.MENU}
KEY_OF_ROLE: Final = {role: key for key, role in SMS_KEYS.items()}
ROLE_OF_INTENT: Final = {
    "back": Role.BACK,
    "skip": Role.SKIP,
    "more": Role.MORE,
    "menu": Role.MENU,
}
LANGUAGES: Final = {"en": "en", "english": "en", "km": "km", "khmer": "km", "ខ្មែរ": "km"}
COMMANDS: Final = {
    "start": "start",
    "menu": "menu",
    "help": "help",
    "stop": "stop",
    "language": "language",
    "call": "call",
    "talk": "talk",
    "requests": "requests",
    "mydata": "my_data",
}
# Nothing that can be read: controls, halves of characters, marks that turn the writing around.
_UNREADABLE: Final = regex.compile(
    r"[[\p{Cc}--[\n\t]]\p{Cs}[\p{Cf}--[\u200b-\u200d]]]", regex.VERSION1
)
# K1, k 1, K១: an answer to a question that was asked outside the screens.
_LETTERED: Final = regex.compile(rf"([{questions.LETTERS}])[\s.]*([1-9])", regex.IGNORECASE)
# aiogram-dialog reads a press out of zero-width letters at the end of a text.
_EDGES: Final = REPLY_CALLBACK_SYMBOLS + "\u200b \n\t"
_STOPS: Final = ".,!?។ "
PLEA: Final = "plea"
ANY_MOMENT: Final = frozenset(COMMANDS.values()) | frozenset(ROLE_OF_INTENT) | {PLEA}


@dataclass(frozen=True)
class Pressed:
    """A button of the last screen; `heard` is repeated on the next one by SMS.

    `by_number` tells a number of an SMS from the words of the button. What `steers` (back, skip,
    more) answers nothing, and is nothing that somebody would say to another person.
    """

    data: str
    heard: str | None = None
    by_number: bool = False
    steers: bool = False


@dataclass(frozen=True)
class Said:
    """One of the words that work at any moment."""

    intent: str


@dataclass(frozen=True)
class Typed:
    """An answer in the person's own words."""

    text: str


@dataclass(frozen=True)
class Replied:
    """The answer of that number to the question of that letter, or of that id."""

    which: str | int
    number: int


@dataclass(frozen=True)
class Doubtful:
    """Words that may answer the screen, or what the centre wrote since it was shown."""

    text: str


@dataclass(frozen=True)
class Unnamed:
    """The words of an answer that may mean two things; any of `answers` (K1) would say which."""

    text: str
    answers: tuple[str, ...]


@dataclass(frozen=True)
class Unseen:
    """What was sent before the screen was made that it would answer."""

    text: str
    is_number: bool


@dataclass(frozen=True)
class Addressed:
    """Words to the centre: they quote a message of the centre's, or beg for help."""

    text: str


@dataclass(frozen=True)
class Unreadable:
    """A sticker, a place, a poll: neither words nor a file nor a shared number."""


@dataclass(frozen=True)
class Corrected:
    """An earlier message, edited: its new words, or none where they mean something else."""

    text: str


Meaning = (
    Pressed
    | Said
    | Typed
    | Replied
    | Doubtful
    | Unnamed
    | Unseen
    | Addressed
    | Corrected
    | Unreadable
)


def readable(text: str) -> str:
    """The text without what nobody can read, and without blanks around it."""
    return _UNREADABLE.sub("", text).strip(_EDGES)


def is_number_key(text: str) -> bool:
    """Whether it is a key of an SMS that is a number as well: 0, 00, 99."""
    key = khmer.fold(readable(text)).strip(_STOPS)
    return key in SMS_KEYS and key.isdecimal()


def understand(text: str, shown: Shown | None, channel: str) -> Meaning:
    text = readable(text)
    if text.startswith("/"):
        return _command(text)
    folded = khmer.fold(text)
    if channel == "sms" and (lettered := _LETTERED.fullmatch(folded.strip(_STOPS))):
        return Replied(lettered[1].upper(), int(lettered[2]))
    role = SMS_KEYS.get(folded.strip(_STOPS)) if channel == "sms" else None
    if role is not None and _is_key(role, shown):
        return _key(role, shown)
    if shown is not None and (pressed := _option(text, folded, shown, channel)) is not None:
        return pressed
    return _word(text, shown)


def _command(text: str) -> Meaning:
    name = text[1:].split(maxsplit=1)[0].partition("@")[0].lower() if len(text) > 1 else ""
    return Said(COMMANDS[name]) if name in COMMANDS else Typed("")


def _is_key(role: Role, shown: Shown | None) -> bool:
    """99 may be an age: where a screen waits for a number or words, only its own keys are keys."""
    if shown is None or role in shown.keys or role in (Role.BACK, Role.MENU):
        return True
    return shown.answer in (Answer.CHOICE, Answer.MANY)


def _key(role: Role, shown: Shown | None) -> Meaning:
    if shown is not None and role in shown.keys:
        return Pressed(shown.keys[role][1], steers=True)
    if role in (Role.BACK, Role.MENU):
        return Said("menu")
    return Typed("")


def _option(text: str, folded: str, shown: Shown, channel: str) -> Pressed | None:
    if channel == "sms" and shown.answer in (Answer.CHOICE, Answer.MANY):
        chosen = numbers.parse_choices(text, len(shown.options))
        if chosen and shown.answer is Answer.MANY:
            heard = " ".join(shown.options[number - 1][0] for number in chosen)
            return Pressed(shown.exactly(chosen), heard, by_number=True)
        if chosen and len(chosen) == 1:
            label, data = shown.options[chosen[0] - 1]
            return Pressed(data, label, by_number=True)
    if channel == "sms" and shown.answer is Answer.MANY:
        # By SMS there is no ticking one after the other: a name means exactly this, then done.
        for number, (label, _) in enumerate(shown.options, 1):
            if folded and khmer.fold(label) == folded:
                return Pressed(shown.exactly([number]), label)
    for label, data in shown.options:
        if folded and khmer.fold(label) == folded:
            return Pressed(data, label)
    for role, (label, data) in shown.keys.items():
        if folded and khmer.fold(label) == folded:
            return Pressed(data, steers=role != Role.DONE)
    return None


def _word(text: str, shown: Shown | None) -> Meaning:
    if (language := LANGUAGES.get(khmer.fold(text))) is not None:
        return Said(f"speak-{language}")
    word = keywords.match(text, only=ANY_MOMENT)
    if word is None:
        return Typed(text)
    if word.danger is not None:
        # Nothing is set going: whoever holds this phone may not be free to be called.
        return Said("offer")
    if word.intent == PLEA:
        # Taken for the answer to a question it would reach nobody.
        asks = shown is not None and not shown.takes_words
        return Addressed(text) if asks else Typed(text)
    if word.intent in ROLE_OF_INTENT and word.intent != "menu":
        return _press(ROLE_OF_INTENT[word.intent], shown) or Typed(text)
    return Said(word.intent)


def _press(role: Role, shown: Shown | None) -> Pressed | None:
    if shown is None or role not in shown.keys:
        return None
    return Pressed(shown.keys[role][1], steers=True)
