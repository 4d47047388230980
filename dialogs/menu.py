"""The menu: what the centre offers, how to use this line, and what was asked for."""

from typing import Any

from aiogram_dialog import Dialog, DialogManager
from aiogram_dialog.widgets.text import Case

from dialogs import navigation
from dialogs.screen import Screen
from dialogs.states import Menu
from dialogs.texts import Tr
from dialogs.turn import Turn, turn_of
from dialogs.widgets import Choice, Item
from services import drafts, registration, threads


async def to_registration(manager: DialogManager) -> None:
    """Who registered before and withdrew it has answered everything already."""
    turn = turn_of(manager)
    if turn.address.person_id is not None:
        # A correction in hand becomes a registration.
        async with turn.new_session.begin() as session:
            await registration.begin_again(session, turn.address)
        turn.answers = None
    await navigation.to_registration(manager)


WAYS = {
    "register": to_registration,
    "requests": navigation.to_requests,
    "talk": navigation.to_talk,
    "call": navigation.to_call_me,
    "my_data": navigation.to_my_data,
    "help": navigation.to_how_to_use,
    "language": navigation.to_language,
}


async def get_menu(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    turn = turn_of(dialog_manager)
    async with turn.new_session.begin() as session:
        registered = await registration.find_registration(session, turn.address.id)
        draft = await drafts.find_draft(session, turn.address.id, registration.FORM)
        asked = registered or await threads.list_mine(session, turn.address)
    if draft and turn.address.person_id is None:
        first = Item("register", turn.text("menu-go-on"))
    elif registered:
        first = Item("mine", turn.text("menu-mine"))
    else:
        first = Item("register", turn.text("menu-register"))
    return {"ways": [first, *_others(turn, known=bool(asked))]}


async def preview_menu(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    """The menu at its longest."""
    turn = turn_of(dialog_manager)
    return {"ways": [Item("register", turn.text("menu-go-on")), *_others(turn, known=True)]}


def _others(turn: Turn, *, known: bool) -> list[Item]:
    """`known` are those of whom something is kept: a registration, a request."""
    ways = ("requests", "talk", "call", "my_data", "help", "language")
    of_the_known = ("requests", "my_data")
    return [Item(way, turn.text(f"menu-{way}")) for way in ways if known or way not in of_the_known]


async def on_way(manager: DialogManager, way: str) -> None:
    turn_of(manager).heard = None
    if way == "mine":
        await manager.switch_to(Menu.mine)
    elif way in WAYS:
        await WAYS[way](manager)


async def get_mine(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    turn = turn_of(dialog_manager)
    async with turn.new_session.begin() as session:
        registered = await registration.find_registration(session, turn.address.id)
    return {"any": registered is not None, "code": registered.code if registered else ""}


async def back_to_menu(manager: DialogManager) -> None:
    await manager.switch_to(Menu.main)


menu_dialog = Dialog(
    Screen(
        Tr("menu-main"),
        Choice("way", "ways", on_way),
        state=Menu.main,
        getter=get_menu,
        menu=False,
        rests=True,
        preview_data=preview_menu,
    ),
    Screen(
        Tr("help-how-to-use"),
        state=Menu.how_to_use,
        back=navigation.close,
        rests=True,
    ),
    Screen(
        # It may have been withdrawn on top of this screen.
        Case({True: Tr("menu-mine-text"), False: Tr("held-not-registered")}, selector="any"),
        state=Menu.mine,
        getter=get_mine,
        back=back_to_menu,
        rests=True,
        preview_data={"any": True, "code": "12345678"},
    ),
)
