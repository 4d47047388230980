"""CALL ME: for those who cannot or would rather not read and write.

The word alone makes the request: whoever asks to be called must not have to fill in a form first.
Only a number is asked for when none is known, and the request stands without it.
"""

from typing import Any, Final

from aiogram_dialog import Dialog, DialogManager
from aiogram_dialog.widgets.text import Case, Text

from dialogs import navigation
from dialogs.contact import ContactMarkupFactory, phone_inputs
from dialogs.promises import note_opening, show_opening
from dialogs.screen import Screen
from dialogs.states import CallMe
from dialogs.texts import Tr
from dialogs.turn import turn_of
from dialogs.widgets import Confirm
from services import phone_numbers, requests


async def on_start(start_data: Any, manager: DialogManager) -> None:
    """Asked for in so many words: done at once.

    The offer alone makes nothing: whoever has not asked may not be free to be called.
    """
    if manager.current_context().state != CallMe.offer:
        await ask(
            manager, requests.URGENT if start_data == navigation.FROM_THE_OFFER else requests.NORMAL
        )


async def accept(manager: DialogManager) -> None:
    """Whoever needed the offer is not to wait as long as others."""
    await ask(manager, requests.URGENT)


async def ask(manager: DialogManager, urgency: str) -> None:
    """Make the request; ask for a number only where none is known."""
    turn = turn_of(manager)
    async with turn.new_session.begin() as session:
        request = await requests.ask_for_call(
            session, turn.address, now=turn.now, urgency=urgency, inbox_id=turn.item_id
        )
        reachable = await requests.has_phone_number(session, turn.address)
        opening = await note_opening(session, turn, request.centre_id)
    manager.dialog_data.update({"code": request.code, **opening})
    turn.heard = None
    await manager.switch_to(CallMe.done if reachable else CallMe.phone)


async def get_code(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    code = dialog_manager.dialog_data.get("code", "")
    return {"code": code, **show_opening(dialog_manager)}


async def take_number(manager: DialogManager, number: str) -> None:
    turn = turn_of(manager)
    async with turn.new_session.begin() as session:
        await requests.add_phone_number(
            session,
            manager.dialog_data["code"],
            turn.address,
            number,
            now=turn.now,
            inbox_id=turn.item_id,
        )
    turn.heard = phone_numbers.display(number)
    await manager.switch_to(CallMe.done)


async def skip_number(manager: DialogManager) -> None:
    await manager.switch_to(CallMe.no_number)


def _by_opening(opened: Text, closed: Text) -> Case:
    return Case({False: opened, True: closed}, selector="closed")


_PREVIEW: Final = {"code": "12345678", "closed": False, "opening": ""}

call_me_dialog = Dialog(
    Screen(
        Tr("call-offer"),
        Confirm("call_ask", "menu-call", accept),
        state=CallMe.offer,
        back=navigation.close,
    ),
    Screen(
        Tr("call-phone"),
        *phone_inputs("call_number", take_number),
        state=CallMe.phone,
        getter=get_code,
        back=navigation.close,
        skip=skip_number,
        markup_factory=ContactMarkupFactory(),
        preview_data=_PREVIEW,
    ),
    Screen(
        _by_opening(Tr("call-no-number"), Tr("call-no-number-closed")),
        state=CallMe.no_number,
        getter=get_code,
        back=navigation.close,
        rests=True,
        preview_data=_PREVIEW,
    ),
    Screen(
        _by_opening(Tr("call-done"), Tr("call-done-closed")),
        state=CallMe.done,
        getter=get_code,
        back=navigation.close,
        rests=True,
        preview_data=_PREVIEW,
    ),
    on_start=on_start,
)
