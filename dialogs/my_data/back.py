"""The way back that most windows here share."""

from aiogram_dialog import DialogManager

from dialogs.states import MyData
from dialogs.turn import turn_of


async def to_main(manager: DialogManager) -> None:
    turn_of(manager).heard = None
    await manager.switch_to(MyData.main)
