"""The few widgets of which every window is made, each with both renderings.

A raw Calendar became 54 numbered options by SMS, a pager five numbered buttons. These
widgets give their buttons roles instead (see `buttons`), and say what they wait for, so
one definition serves a smartphone and a keypad phone.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from aiogram.types import CallbackQuery, Message
from aiogram_dialog import DialogManager
from aiogram_dialog.api.internal import RawKeyboard
from aiogram_dialog.api.protocols import DialogProtocol
from aiogram_dialog.widgets.input import BaseInput
from aiogram_dialog.widgets.kbd import Keyboard

from dialogs.buttons import Answer, Role, role_button
from dialogs.texts import Tr
from dialogs.turn import Turn, turn_of
from services import numbers
from services.sms_text import units

SET_PREFIX = "="
"""Item data "=a,b" of a Many: exactly these, then done (what "1 3" by SMS means)."""


@dataclass(frozen=True)
class Item:
    """One option: `value` goes into the callback data, `label` is what people see."""

    value: str
    label: str
    sure: bool = True
    """False for a guess at what was typed: never taken for the answer unseen."""


OnValue = Callable[[DialogManager, str], Awaitable[None]]
OnValues = Callable[[DialogManager, list[str]], Awaitable[None]]
OnNumber = Callable[[DialogManager, int], Awaitable[None]]
OnDate = Callable[[DialogManager, date], Awaitable[None]]
OnPress = Callable[[DialogManager], Awaitable[None]]
Find = Callable[[DialogManager, str], Awaitable[Sequence[Item]]]


class Press(Keyboard):
    """One button with a role: back, skip, menu, or a single option."""

    def __init__(self, id: str, key: str, role: Role, on_press: OnPress) -> None:
        super().__init__(id=id)
        self.text = Tr(key)
        self.role = role
        self.on_press = on_press

    async def _render_keyboard(self, data: dict[str, Any], manager: DialogManager) -> RawKeyboard:
        text = await self.text.render_text(data, manager)
        return [[role_button(text, self._own_callback_data() or "", self.role)]]

    async def _process_own_callback(
        self, callback: CallbackQuery, dialog: DialogProtocol, manager: DialogManager
    ) -> bool:
        await self.on_press(manager)
        return True


class Options(Keyboard):
    """Options in pages: the base of Choice, Many and LongList.

    `items` names a list of `Item` in the window's data. A page holds `page_size` buttons on
    Telegram; by SMS as many as fit into `sms_units` units. `columns` is for Telegram alone.
    """

    answer = Answer.CHOICE

    def __init__(
        self,
        id: str,
        items: str,
        *,
        page_size: int = 8,
        columns: int = 1,
        sms_units: int = 90,
    ) -> None:
        super().__init__(id=id)
        self.items = items
        self.page_size = page_size
        self.columns = columns
        self.sms_units = sms_units

    async def _render_keyboard(self, data: dict[str, Any], manager: DialogManager) -> RawKeyboard:
        pages = self._pages(data[self.items], manager)
        page = min(self._page(manager), len(pages) - 1)
        buttons = [self._item_button(item, manager) for item in pages[page]]
        rows: RawKeyboard = [
            list(buttons[at : at + self.columns]) for at in range(0, len(buttons), self.columns)
        ]
        turning = self._turning(page, len(pages), manager)
        return [*rows, turning] if turning else rows

    def _pages(self, items: Sequence[Item], manager: DialogManager) -> list[list[Item]]:
        if turn_of(manager).channel != "sms":
            size = self.page_size
            return [list(items[at : at + size]) for at in range(0, len(items), size)] or [[]]
        pages: list[list[Item]] = [[]]
        used = 0
        for item in items:
            cost = units(item.label) + 4
            if pages[-1] and used + cost > self.sms_units:
                pages.append([])
                used = 0
            pages[-1].append(item)
            used += cost
        return pages

    def _page(self, manager: DialogManager) -> int:
        page = manager.current_context().widget_data.get(f"{self.widget_id}_page", 0)
        return page if isinstance(page, int) else 0

    def _turn_to(self, page: int, manager: DialogManager) -> None:
        manager.current_context().widget_data[f"{self.widget_id}_page"] = max(0, page)

    def _turning(self, page: int, count: int, manager: DialogManager) -> list[Any]:
        turn = turn_of(manager)
        if turn.channel == "sms":
            return self._turning_by_keys(page, count, turn)
        row = []
        if page > 0:
            data = self._item_callback_data(f"<{page - 1}")
            row.append(role_button(turn.text("button-fewer"), data, Role.FEWER))
        if page + 1 < count:
            data = self._item_callback_data(f">{page + 1}")
            row.append(role_button(turn.text("button-more"), data, Role.MORE))
        return row

    def _turning_by_keys(self, page: int, count: int, turn: Turn) -> list[Any]:
        """One key turns the pages, and after the last comes the first.

        Where nothing lies behind the window (its own back would take this key) back does it too.
        """
        if count == 1:
            return []
        onward = self._item_callback_data(f">{(page + 1) % count}")
        row = [role_button(turn.text("button-more"), onward, Role.MORE)]
        if page > 0:
            before = self._item_callback_data(f"<{page - 1}")
            row.append(role_button(turn.text("button-back"), before, Role.BACK))
        return row

    def _item_button(self, item: Item, manager: DialogManager) -> Any:
        return role_button(item.label, self._item_callback_data(item.value), Role.OPTION)

    async def _process_item_callback(
        self, callback: CallbackQuery, data: str, dialog: DialogProtocol, manager: DialogManager
    ) -> bool:
        if data[:1] in "<>" and data[1:].isdecimal():
            self._turn_to(int(data[1:]), manager)
            return True
        if data.startswith((">", "<")):
            return False
        return await self._process_value(data, manager)

    async def _process_value(self, value: str, manager: DialogManager) -> bool:
        raise NotImplementedError


class Choice(Options):
    """Exactly one of a few options."""

    def __init__(self, id: str, items: str, on_chosen: OnValue, **layout: int) -> None:
        super().__init__(id, items, **layout)
        self.on_chosen = on_chosen

    async def _process_value(self, value: str, manager: DialogManager) -> bool:
        await self.on_chosen(manager, value)
        return True


class LongList(Choice):
    """One of many options; a typed name finds it (see `TypedOption`)."""


class Many(Options):
    """Any number of options, then done. `chosen` names the list of values in the data."""

    answer = Answer.MANY

    def __init__(
        self,
        id: str,
        items: str,
        *,
        chosen: str,
        on_change: OnValues,
        on_done: OnPress,
        **layout: int,
    ) -> None:
        super().__init__(id, items, **layout)
        self.chosen = chosen
        self.on_change = on_change
        self.on_done = on_done

    async def _render_keyboard(self, data: dict[str, Any], manager: DialogManager) -> RawKeyboard:
        self._now_chosen(manager, data[self.chosen])
        rows = await super()._render_keyboard(data, manager)
        done = turn_of(manager).text("button-done")
        return [*rows, [role_button(done, self._own_callback_data() or "", Role.DONE)]]

    def _now_chosen(self, manager: DialogManager, values: Sequence[str] | None = None) -> list[str]:
        data = manager.current_context().widget_data
        if values is not None:
            data[f"{self.widget_id}_chosen"] = list(values)
        chosen = data.get(f"{self.widget_id}_chosen")
        return [str(value) for value in chosen] if isinstance(chosen, list) else []

    def _item_button(self, item: Item, manager: DialogManager) -> Any:
        mark = "✓ " if item.value in self._now_chosen(manager) else ""
        return role_button(
            mark + item.label, self._item_callback_data(item.value), Role.OPTION, item.label
        )

    async def _process_value(self, value: str, manager: DialogManager) -> bool:
        if value.startswith(SET_PREFIX):
            await self.on_change(manager, value.removeprefix(SET_PREFIX).split(","))
            await self.on_done(manager)
            return True
        chosen = self._now_chosen(manager)
        changed = (
            [kept for kept in chosen if kept != value] if value in chosen else [*chosen, value]
        )
        await self.on_change(manager, changed)
        return True

    async def _process_own_callback(
        self, callback: CallbackQuery, dialog: DialogProtocol, manager: DialogManager
    ) -> bool:
        await self.on_done(manager)
        return True


class Confirm(Press):
    """The one button that makes it so; option 1 by SMS."""

    def __init__(self, id: str, key: str, on_press: OnPress) -> None:
        super().__init__(id, key, Role.OPTION, on_press)


class _Typed(BaseInput):
    """A typed answer. What cannot be understood is said to be so and asked again."""

    answer = Answer.TEXT

    async def process_message(
        self, message: Message, dialog: DialogProtocol, manager: DialogManager
    ) -> bool:
        text = (message.text or "").strip()
        if not text or not await self._take(manager, text):
            turn = turn_of(manager)
            turn.unclear = True
            turn.say("notice-unclear")
        return True

    async def _take(self, manager: DialogManager, text: str) -> bool:
        """Use the text; False when it is not an answer to this question."""
        raise NotImplementedError


class AskText(_Typed):
    """Free text of up to `longest` characters."""

    def __init__(self, id: str, on_text: OnValue, *, longest: int = 100) -> None:
        super().__init__(id=id)
        self.on_text = on_text
        self.longest = longest

    async def _take(self, manager: DialogManager, text: str) -> bool:
        if len(text) > self.longest:
            return False
        turn_of(manager).heard = text
        await self.on_text(manager, text)
        return True


class AskNumber(_Typed):
    """A whole number between `lowest` and `highest`; digits are never taken for a button."""

    answer = Answer.NUMBER

    def __init__(self, id: str, on_number: OnNumber, *, lowest: int, highest: int) -> None:
        super().__init__(id=id)
        self.on_number = on_number
        self.lowest = lowest
        self.highest = highest

    async def _take(self, manager: DialogManager, text: str) -> bool:
        number = numbers.parse_int(text)
        if number is None or not self.lowest <= number <= self.highest:
            return False
        turn_of(manager).heard = str(number)
        await self.on_number(manager, number)
        return True


class AskDate(_Typed):
    """A day, typed as day month year (15 3 1990, ១៥/៣/១៩៩០) between two days."""

    answer = Answer.NUMBER

    def __init__(self, id: str, on_date: OnDate, *, earliest: date, latest: date) -> None:
        super().__init__(id=id)
        self.on_date = on_date
        self.earliest = earliest
        self.latest = latest

    async def _take(self, manager: DialogManager, text: str) -> bool:
        day = numbers.parse_date(text)
        if day is None or not self.earliest <= day <= self.latest:
            return False
        turn_of(manager).heard = f"{day.day}/{day.month}/{day.year}"
        await self.on_date(manager, day)
        return True


class TypedOption(_Typed):
    """A typed name beside a list: one sure hit is the answer, several become the list."""

    answer = Answer.CHOICE

    def __init__(self, id: str, find: Find, on_found: OnValue, on_several: OnValues) -> None:
        super().__init__(id=id)
        self.find_items = find
        self.on_found = on_found
        self.on_several = on_several

    async def _take(self, manager: DialogManager, text: str) -> bool:
        found = await self.find_items(manager, text)
        if not found:
            return False
        if len(found) > 1 or not found[0].sure:
            await self.on_several(manager, [item.value for item in found])
            return True
        turn_of(manager).heard = found[0].label
        await self.on_found(manager, found[0].value)
        return True


class Unclear(_Typed):
    """The last input of a window that waits for a press: nothing typed fits."""

    async def _take(self, manager: DialogManager, text: str) -> bool:
        return False
