"""Talking to the centre: a thread with a person, from anywhere and on either channel."""

from collections.abc import Mapping
from typing import Any, Final

from aiogram.types import Message
from aiogram_dialog import Dialog, DialogManager
from aiogram_dialog.api.protocols import DialogProtocol
from aiogram_dialog.widgets.input import BaseInput

from dialogs import doubted, navigation, to_centre
from dialogs.promises import get_receipt
from dialogs.screen import Screen
from dialogs.states import Talk
from dialogs.texts import Tr
from dialogs.turn import Channel, Turn, turn_of
from dialogs.widgets import AskText, Choice, Item
from services import sms_text

WHOSE: Final = ("centre", "question")
# How much of somebody's own words is repeated to them, in units.
REPEATED: Final[Mapping[Channel, int]] = {"telegram": 400, "sms": 24}


async def on_start(start_data: Any, manager: DialogManager) -> None:
    if isinstance(start_data, dict):
        manager.dialog_data.update(start_data)


async def on_words(manager: DialogManager, text: str) -> None:
    turn_of(manager).heard = None
    await to_centre.send_words(manager, text)


async def get_whose(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    return _whose(turn_of(dialog_manager), str(dialog_manager.dialog_data.get(doubted.WORDS, "")))


async def preview_whose(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    """At its longest."""
    return _whose(turn_of(dialog_manager), "ខ្ញុំទៅបាន" * 400)


def _whose(turn: Turn, words: str) -> dict[str, Any]:
    turn.heard = None
    return {
        "words": sms_text.shorten(" ".join(words.split()), REPEATED[turn.channel]),
        "answers": [Item(answer, turn.text(f"whose-{answer}")) for answer in WHOSE],
    }


async def on_whose(manager: DialogManager, answer: str) -> None:
    """To the centre, or the question again: now it is the last thing that was said."""
    turn = turn_of(manager)
    turn.heard = None
    if answer == "centre":
        if (request := await doubted.give(manager)) is not None:
            await to_centre.tell_given(manager, request)
        else:  # everything of theirs was deleted meanwhile
            await navigation.to_menu(manager)
    elif answer == "question":
        await doubted.forget(manager)
        turn.say("notice-once-more")
        await navigation.close(manager)


class MoreWords(BaseInput):
    """Words instead of an answer: they are asked about together with the first ones."""

    async def process_message(
        self, message: Message, dialog: DialogProtocol, manager: DialogManager
    ) -> bool:
        if text := (message.text or "").strip():
            await doubted.ask_about_more(manager, text, message.message_id)
        return True


talk_dialog = Dialog(
    Screen(
        Tr("talk-write"),
        AskText("words", on_words, longest=to_centre.LONGEST),
        state=Talk.write,
        back=navigation.close,
        takes_words=True,
    ),
    Screen(
        Tr("talk-whose"),
        Choice("whose", "answers", on_whose),
        MoreWords(),
        state=Talk.whose,
        getter=get_whose,
        back=navigation.close,
        preview_data=preview_whose,
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
