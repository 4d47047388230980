"""My data: what is kept about a person is theirs to see, correct, take away and delete."""

from typing import Any

from aiogram_dialog import Dialog, DialogManager

from dialogs import navigation
from dialogs.my_data import agreements, deletion, download, overview, shared
from dialogs.screen import Screen
from dialogs.states import MyData
from dialogs.texts import Tr
from dialogs.turn import Turn, turn_of
from dialogs.widgets import Choice, Item
from services import registration
from services.referrals import own

ALWAYS = ("agreements", "shared", "download", "delete")
PASSED_ON = "passed-on"
WINDOWS = {
    "see": MyData.see,
    "agreements": MyData.agreements,
    "shared": MyData.shared,
    "download": MyData.download,
    "delete": MyData.delete,
}


async def get_ways(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    turn = turn_of(dialog_manager)
    async with turn.new_session.begin() as session:
        passed_on = await own.list_own(session, turn.address)
    can_correct = turn.address.person_id is not None
    return {"ways": _ways(turn, can_correct=can_correct, passed_on=bool(passed_on))}


async def preview_ways(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    return {"ways": _ways(turn_of(dialog_manager), can_correct=True, passed_on=True)}


def _ways(turn: Turn, *, can_correct: bool, passed_on: bool) -> list[Item]:
    """There is something to correct as soon as somebody has registered.

    What stands there only now and then stands last: the numbers of the others stay.
    """
    ways = ("see", *(("correct",) if can_correct else ()), *ALWAYS)
    ways = (*ways, *((PASSED_ON,) if passed_on else ()))
    return [Item(way, turn.text(f"data-{way}")) for way in ways]


async def on_way(manager: DialogManager, way: str) -> None:
    turn = turn_of(manager)
    turn.heard = None
    if way == "correct" and turn.address.person_id is not None:
        async with turn.new_session.begin() as session:
            await registration.begin_correction(session, turn.address)
        turn.answers = None
        await navigation.to_correction(manager)
    elif way == PASSED_ON:
        await navigation.to_passing_on(manager)
    elif way in WINDOWS:
        await manager.switch_to(WINDOWS[way])


my_data_dialog = Dialog(
    Screen(
        Tr("data-main"),
        Choice("data_way", "ways", on_way, sms_units=120),
        state=MyData.main,
        getter=get_ways,
        back=navigation.close,
        rests=True,
        preview_data=preview_ways,
    ),
    overview.screen,
    *agreements.screens,
    shared.screen,
    download.screen,
    *deletion.screens,
)
