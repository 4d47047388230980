"""A phone that others read too: news of requests is sent there as news alone, without what it is.

Direct answers and job news, which the person asked for, say what they are.
"""

from typing import Any

from aiogram_dialog import DialogManager

from dialogs.my_data import back
from dialogs.screen import Screen
from dialogs.states import MyData
from dialogs.texts import Tr
from dialogs.turn import Turn, turn_of
from dialogs.widgets import Choice, Item
from services import addresses


async def get_shared(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    turn = turn_of(dialog_manager)
    return {
        "now": shared_words(turn),
        "answers": [Item(answer, turn.text(f"shared-{answer}")) for answer in ("yes", "no")],
    }


def shared_words(turn: Turn) -> str:
    """What was answered before."""
    if turn.address.is_shared is None:
        return turn.text("agreement-never")
    return turn.text(f"shared-now-{'yes' if turn.address.is_shared else 'no'}")


async def on_shared(manager: DialogManager, answer: str) -> None:
    if answer not in ("yes", "no"):
        return
    turn = turn_of(manager)
    turn.heard = None
    async with turn.new_session.begin() as session:
        await addresses.set_shared(session, turn.address.id, answer == "yes")
    turn.say(f"notice-shared-{answer}")
    await back.to_main(manager)


screen = Screen(
    Tr("data-shared-text"),
    Choice("data_shared", "answers", on_shared),
    state=MyData.shared,
    getter=get_shared,
    back=back.to_main,
)
