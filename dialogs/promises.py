"""When somebody answers, said so that it stays true.

A time is promised only while it lies ahead; afterwards we say that we are late. Whoever said STOP
is promised no message: they read how to receive them again.
"""

from datetime import datetime
from typing import Any

from aiogram_dialog import DialogManager

from dialogs.moments import say_moment, say_opening
from dialogs.turn import Turn, turn_of
from services import centre_clock

DUE = "due"
THANKED = "thanked"
OPENS = "opens"


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


async def find_opening(session: Any, turn: Turn, centre_id: str) -> datetime | None:
    """When the centre opens; None while it is open."""
    opens_at = (await centre_clock.get(session, centre_id)).next_open(turn.now)
    return opens_at if opens_at > turn.now else None


async def note_opening(session: Any, turn: Turn, centre_id: str) -> dict[str, str]:
    """The same as the data of a conversation."""
    opens_at = await find_opening(session, turn, centre_id)
    return {} if opens_at is None else {OPENS: opens_at.isoformat()}


def show_opening(manager: DialogManager) -> dict[str, Any]:
    """For a window with words of its own while the centre is closed: `opening` says until when."""
    turn, noted = turn_of(manager), manager.dialog_data.get(OPENS)
    opens_at = datetime.fromisoformat(noted) if noted else None
    if opens_at is None or opens_at <= turn.now:
        return {"closed": False, "opening": ""}
    return {"closed": True, "opening": opening(turn, opens_at)}


def opening(turn: Turn, opens_at: datetime) -> str:
    return say_opening(turn.catalogue, turn.language, turn.channel, opens_at, turn.now)


async def get_receipt(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    """The code and the promise of what was just sent, from the dialog's own data."""
    data = dialog_manager.dialog_data
    turn, due = turn_of(dialog_manager), data.get(DUE)
    if data.get(THANKED):
        return {"code": data.get("code", ""), "promise": turn.text("promise-none")}
    due_at = datetime.fromisoformat(due) if due else None
    return {"code": data.get("code", ""), "promise": promise(turn, due_at)}
