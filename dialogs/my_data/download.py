"""Everything as one file to keep. An SMS carries no file: there it says where to get it."""

from typing import Any

from aiogram_dialog import DialogManager

from dialogs.my_data import back
from dialogs.screen import Screen
from dialogs.states import MyData
from dialogs.texts import Tr
from dialogs.turn import turn_of
from dialogs.widgets import Choice, Item
from services import exports


async def get_file(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    turn = turn_of(dialog_manager)
    can_send = turn.channel == "telegram"
    return {"ways": [Item("file", turn.text("button-send-file"))] if can_send else []}


async def on_file(manager: DialogManager, _way: str) -> None:
    """The file is made beside the conversation; asking twice within the hour makes one."""
    turn = turn_of(manager)
    if turn.channel == "telegram":
        async with turn.new_session.begin() as session:
            is_coming = await exports.ask_for(session, turn.address, now=turn.now)
        if is_coming:
            turn.say("notice-file-coming")
        else:
            turn.say("notice-file-made")
    await back.to_main(manager)


screen = Screen(
    Tr("data-download-text"),
    Choice("data_file", "ways", on_file),
    state=MyData.download,
    getter=get_file,
    back=back.to_main,
    rests=True,
)
