"""Talking to the centre: a thread with a person, from anywhere and on either channel."""

from typing import Any

from aiogram_dialog import Dialog, DialogManager

from dialogs import navigation, to_centre
from dialogs.promises import get_receipt
from dialogs.screen import Screen
from dialogs.states import Talk
from dialogs.texts import Tr
from dialogs.turn import turn_of
from dialogs.widgets import AskText


async def on_start(start_data: Any, manager: DialogManager) -> None:
    if isinstance(start_data, dict):
        manager.dialog_data.update(start_data)


async def on_words(manager: DialogManager, text: str) -> None:
    turn_of(manager).heard = None
    await to_centre.send_words(manager, text)


talk_dialog = Dialog(
    Screen(
        Tr("talk-write"),
        AskText("words", on_words, longest=to_centre.LONGEST),
        state=Talk.write,
        back=navigation.close,
    ),
    Screen(
        Tr("talk-sent"),
        state=Talk.sent,
        getter=get_receipt,
        back=navigation.close,
        rests=True,
    ),
    on_start=on_start,
)
