"""`Tr`: a text of the catalogues inside a window.

aiogram-dialog's `Const(lazy_gettext(...))` breaks on buttons and on windows with two
texts, so windows name a key and the words are looked up when the window is shown.
"""

from typing import Any

from aiogram_dialog import DialogManager
from aiogram_dialog.widgets.text import Text

from dialogs.turn import turn_of


class Tr(Text):
    """The words of `key` in the person's language and for their channel.

    Placeholders are filled from the data of the window's getter.
    """

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key

    async def _render_text(self, data: dict[str, Any], manager: DialogManager) -> str:
        turn = turn_of(manager)
        return turn.catalogue.fill(self.key, turn.language, turn.channel, data)


class Notice(Text):
    """What was just understood or what went wrong, in front of the window's own words."""

    async def _render_text(self, data: dict[str, Any], manager: DialogManager) -> str:
        return turn_of(manager).notice or ""
