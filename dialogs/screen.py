"""A window with everything that no window may lack.

Every screen has a way back and the menu, takes note of an answer that fits nothing, and
can be answered by typing what its buttons say. Leaving that to each conversation meant
that some window always lacked one of them.
"""

from collections.abc import Sequence
from typing import Any

from aiogram.fsm.state import State
from aiogram_dialog import DialogManager, Window
from aiogram_dialog.api.entities import NewMessage
from aiogram_dialog.api.internal import RawKeyboard
from aiogram_dialog.api.protocols import DialogProtocol
from aiogram_dialog.widgets.input import BaseInput
from aiogram_dialog.widgets.kbd import Keyboard
from aiogram_dialog.widgets.text import Multi, Text

from dialogs import doubted, navigation
from dialogs.buttons import Answer, Role, ScreenMarkupFactory
from dialogs.texts import Notice
from dialogs.to_centre import AtRest
from dialogs.widgets import OnPress, Options, Press, Unclear


class NavigationRow(Keyboard):
    """Back, skip and menu in one row."""

    def __init__(self, presses: Sequence[Press]) -> None:
        super().__init__()
        self.presses = presses

    async def _render_keyboard(self, data: dict[str, Any], manager: DialogManager) -> RawKeyboard:
        rows = [await press.render_keyboard(data, manager) for press in self.presses]
        return [[row[0][0] for row in rows]]

    async def _process_other_callback(self, callback: Any, dialog: Any, manager: Any) -> bool:
        for press in self.presses:
            if await press.process_callback(callback, dialog, manager):
                return True
        return False

    def find(self, widget_id: str) -> Keyboard | None:
        found = (press for press in self.presses if press.widget_id == widget_id)
        return next(found, None)


class Screen(Window):
    """`text`, then `widgets`, then back / skip / menu as the window allows.

    `back` None means that there is nothing behind this window but the menu. `rests` says that it
    waits for nothing: whatever is written there goes to the centre; `takes_words` that it waits
    for just that. What is `final` cannot be undone.
    """

    def __init__(
        self,
        text: Text,
        *widgets: Keyboard | BaseInput,
        state: State,
        back: OnPress | None = None,
        skip: OnPress | None = None,
        menu: bool = True,
        rests: bool = False,
        takes_words: bool = False,
        final: bool = False,
        **options: Any,
    ) -> None:
        inputs = [widget for widget in widgets if isinstance(widget, BaseInput)]
        self.answer = _answer_of(widgets)
        markup = ScreenMarkupFactory(self.answer, takes_words=rests or takes_words, final=final)
        options.setdefault("markup_factory", markup)
        super().__init__(
            Multi(Notice(), text, sep="\n"),
            *widgets,
            *([] if inputs else [AtRest() if rests else Unclear()]),
            *_navigation(state, back, skip, menu),
            state=state,
            **options,
        )

    async def render(self, dialog: DialogProtocol, manager: DialogManager) -> NewMessage:
        await doubted.leave_unless_asked(manager)
        return await super().render(dialog, manager)


def _answer_of(widgets: Sequence[Keyboard | BaseInput]) -> Answer:
    for widget in widgets:
        if isinstance(widget, Options):
            return widget.answer
    answers = [getattr(widget, "answer", Answer.CHOICE) for widget in widgets]
    return next((found for found in answers if found is not Answer.CHOICE), Answer.CHOICE)


def _navigation(
    state: State, back: OnPress | None, skip: OnPress | None, menu: bool
) -> list[NavigationRow]:
    # The window's own name in the id keeps a second tap from pressing "back" on the
    # window that the first tap has just opened.
    name = (state.state or "").rpartition(":")[2]
    presses = []
    if back:
        presses.append(Press(f"{name}_back", "button-back", Role.BACK, back))
    if skip:
        presses.append(Press(f"{name}_skip", "button-skip", Role.SKIP, skip))
    if menu:
        presses.append(Press(f"{name}_menu", "button-menu", Role.MENU, navigation.to_menu))
    return [NavigationRow(presses)] if presses else []
