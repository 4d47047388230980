"""What the person was last shown, and which answers it allows.

A reply by SMS carries no message id, and a typed word on Telegram presses no button: both
answer the last screen sent. It is kept beside the dialog state, so that it dies with it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from aiogram.types import InlineKeyboardButton
from aiogram_dialog.api.entities import NewMessage

from dialogs.buttons import Answer, ContactMarkup, Role, RoleButton, ScreenMarkup
from dialogs.widgets import SET_PREFIX


@dataclass(frozen=True)
class Shown:
    """`options` are (label, callback data); `keys` maps the other roles to theirs.

    `takes_words` and `final` are as in `dialogs.buttons.ScreenMarkup`.
    """

    answer: Answer
    question: str
    options: list[tuple[str, str]] = field(default_factory=list)
    keys: dict[str, tuple[str, str]] = field(default_factory=dict)
    takes_words: bool = False
    final: bool = False

    @classmethod
    def of(cls, message: NewMessage) -> "Shown":
        markup = message.reply_markup
        rows: list[list[InlineKeyboardButton]] = []
        answer = Answer.CHOICE
        takes_words = final = False
        if isinstance(markup, ScreenMarkup):
            rows, answer = markup.inline_keyboard, Answer(markup.answer)
            takes_words, final = markup.takes_words, markup.final
        elif isinstance(markup, ContactMarkup):
            rows, answer = markup.buttons, Answer(markup.answer)
        options: list[tuple[str, str]] = []
        keys: dict[str, tuple[str, str]] = {}
        for button in _buttons(rows):
            data = button.callback_data or ""
            if button.role == Role.OPTION:
                options.append((button.label, data))
            else:
                keys[button.role] = (button.label, data)
        return cls(answer, message.text or "", options, keys, takes_words, final)

    def offers(self, data: str | None) -> bool:
        """Whether a button of the screen has this callback data."""
        return any(data == value for _, value in (*self.options, *self.keys.values()))

    def exactly(self, chosen: Iterable[int]) -> str:
        """Callback data that sets a Many to these options (from 1) and is done."""
        picked = [self.options[number - 1][1] for number in chosen]
        widget = picked[0].partition(":")[0]
        values = ",".join(data.partition(":")[2] for data in picked)
        return f"{widget}:{SET_PREFIX}{values}"

    def as_json(self) -> dict[str, Any]:
        return {
            "a": self.answer,
            "q": self.question,
            "o": self.options,
            "k": self.keys,
            "w": self.takes_words,
            "f": self.final,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Shown":
        return cls(
            Answer(data["a"]),
            data["q"],
            [(label, value) for label, value in data["o"]],
            {role: (label, value) for role, (label, value) in data["k"].items()},
            data.get("w", False),
            data.get("f", False),
        )


def _buttons(rows: list[list[InlineKeyboardButton]]) -> Iterator[RoleButton]:
    for row in rows:
        for button in row:
            if isinstance(button, RoleButton):
                yield button
