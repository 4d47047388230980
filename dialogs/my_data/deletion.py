"""Deleting everything: said plainly before, done at once, and over afterwards."""

from aiogram_dialog import DialogManager

from dialogs import navigation
from dialogs.my_data import back
from dialogs.screen import Screen
from dialogs.states import MyData
from dialogs.texts import Tr
from dialogs.turn import turn_of
from dialogs.widgets import Confirm
from services import my_data


async def on_delete(manager: DialogManager) -> None:
    """Nothing of what was being done may stay either: no form, no window underneath."""
    turn = turn_of(manager)
    async with turn.new_session.begin() as session:
        await my_data.delete_everything(session, turn.address, now=turn.now)
    turn.answers = None
    turn.heard = None
    await navigation.to_data_deleted(manager)


screens = (
    Screen(
        Tr("data-delete-text"),
        Confirm("data_erase", "button-delete-all", on_delete),
        state=MyData.delete,
        back=back.to_main,
        final=True,
    ),
    Screen(
        Tr("data-deleted-text"),
        state=MyData.deleted,
        rests=True,
    ),
)
