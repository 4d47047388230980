"""Which language: the first thing asked of somebody new, and open at any moment."""

from typing import Any

from aiogram_dialog import Dialog, DialogManager

from dialogs import navigation
from dialogs.screen import Screen
from dialogs.states import Language
from dialogs.texts import Tr
from dialogs.widgets import Choice, Item

# Each language in its own script and its own name: the only words a person can find here.
LANGUAGE_NAMES = [Item("km", "ខ្មែរ"), Item("en", "English")]


async def get_languages(**_: Any) -> dict[str, Any]:
    return {"languages": LANGUAGE_NAMES}


async def on_language(manager: DialogManager, language: str) -> None:
    await navigation.speak(manager, language)


language_dialog = Dialog(
    Screen(
        Tr("language-choose"),
        Choice("language", "languages", on_language),
        state=Language.choose,
        getter=get_languages,
        menu=False,
    ),
)
