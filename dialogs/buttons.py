"""Buttons that know what they are for.

Telegram shows a button; a feature phone gets a number or a fixed key instead. Which one
follows from the button's role, so that a window is never written twice. Roles travel
inside the markup objects and never reach Telegram (excluded from serialisation).
"""

from enum import StrEnum
from typing import cast

from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup, ReplyKeyboardMarkup
from aiogram_dialog import DialogManager
from aiogram_dialog.api.internal.widgets import MarkupFactory, RawKeyboard
from aiogram_dialog.utils import add_intent_id
from pydantic import Field


class Role(StrEnum):
    OPTION = "option"
    DONE = "done"
    MORE = "more"
    FEWER = "fewer"
    SKIP = "skip"
    BACK = "back"
    MENU = "menu"


class Answer(StrEnum):
    """What a window waits for: decides how digits that arrive by SMS are read."""

    CHOICE = "choice"
    MANY = "many"
    NUMBER = "number"
    TEXT = "text"


class RoleButton(InlineKeyboardButton):
    """`label` is the plain text, without a tick. aiogram's models turn enums into their values."""

    role: Role = Field(exclude=True)
    label: str = Field(exclude=True)


class ScreenMarkup(InlineKeyboardMarkup):
    """An inline keyboard that also says what kind of answer its window waits for.

    On one that `takes_words` whatever is written goes to the centre. What is `final` cannot be
    undone.
    """

    answer: Answer = Field(default=Answer.CHOICE, exclude=True)
    takes_words: bool = Field(default=False, exclude=True)
    final: bool = Field(default=False, exclude=True)


class ContactMarkup(ReplyKeyboardMarkup):
    """A reply keyboard that shares the phone number; the rest are plain words to press.

    The navigation buttons of the window are kept aside for the typed words.
    """

    answer: Answer = Field(default=Answer.TEXT, exclude=True)
    buttons: list[list[InlineKeyboardButton]] = Field(default_factory=list, exclude=True)


def role_button(text: str, callback_data: str, role: Role, label: str | None = None) -> RoleButton:
    return RoleButton(
        text=text, callback_data=callback_data, role=role, label=text if label is None else label
    )


class ScreenMarkupFactory(MarkupFactory):
    def __init__(self, answer: Answer, *, takes_words: bool = False, final: bool = False) -> None:
        self.answer = answer
        self.takes_words = takes_words
        self.final = final

    async def render_markup(
        self, data: dict[str, object], manager: DialogManager, keyboard: RawKeyboard
    ) -> ScreenMarkup:
        add_intent_id(keyboard, manager.current_context().id)
        # Our widgets make inline buttons only; aiogram-dialog's type allows others.
        buttons = cast(list[list[InlineKeyboardButton]], keyboard)
        return ScreenMarkup(
            inline_keyboard=buttons,
            answer=self.answer,
            takes_words=self.takes_words,
            final=self.final,
        )
