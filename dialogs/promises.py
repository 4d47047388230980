"""When somebody answers, said so that it stays true.

A time is promised only while it lies ahead; afterwards we say that we are late. Whoever said STOP
is promised no message: they read how to receive them again.
"""

from datetime import datetime
from typing import Any

from aiogram_dialog import DialogManager

from dialogs.moments import say_moment
from dialogs.turn import Turn, turn_of

DUE = "due"
THANKED = "thanked"


def promise(turn: Turn, due_at: datetime | None) -> str:
    """A sentence; without a time it speaks of the opening hours alone."""
    if has_stopped(turn):
        return turn.text("promise-stopped")
    if due_at is None:
        return turn.text("promise-open")
    if due_at <= turn.now:
        return turn.text("promise-late")
    return turn.text("promise-by", when=moment(turn, due_at))


def has_stopped(turn: Turn) -> bool:
    """Whether the person said STOP, so that no message of ours may be announced."""
    return turn.address.stopped_at is not None


def moment(turn: Turn, at: datetime) -> str:
    return say_moment(turn.catalogue, turn.language, turn.channel, at, turn.now)


async def get_receipt(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    """The code and the promise of what was just sent, from the dialog's own data."""
    data = dialog_manager.dialog_data
    turn, due = turn_of(dialog_manager), data.get(DUE)
    if data.get(THANKED):
        return {"code": data.get("code", ""), "promise": turn.text("promise-none")}
    due_at = datetime.fromisoformat(due) if due else None
    return {"code": data.get("code", ""), "promise": promise(turn, due_at)}
