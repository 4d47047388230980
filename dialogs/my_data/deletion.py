"""Deleting everything: said plainly before, done at once, and over afterwards."""

from typing import Any

from aiogram_dialog import DialogManager
from aiogram_dialog.widgets.text import Case, Const, Multi

from dialogs import navigation
from dialogs.my_data import back
from dialogs.screen import Screen
from dialogs.states import MyData
from dialogs.texts import Tr
from dialogs.turn import turn_of
from dialogs.widgets import Confirm
from services import my_data
from services.referrals import own


async def get_given(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    """Whether others have something of theirs: deleting here does not delete it there.

    Of what an agency was asked to delete nothing more is promised.
    """
    turn = turn_of(dialog_manager)
    async with turn.new_session.begin() as session:
        referrals = await own.list_own(session, turn.address)
    return {"is_given": any(each.given_at and not each.asked_back_on for each in referrals)}


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
        Multi(
            Tr("data-delete-text"),
            Case({True: Tr("data-delete-given"), False: Const("")}, selector="is_given"),
            sep="\n",
        ),
        Confirm("data_erase", "button-delete-all", on_delete),
        state=MyData.delete,
        getter=get_given,
        back=back.to_main,
        final=True,
        preview_data={"is_given": True},
    ),
    Screen(
        Tr("data-deleted-text"),
        state=MyData.deleted,
        rests=True,
    ),
)
