"""After registering: what else the centre may do, purpose by purpose, nothing chosen beforehand."""

from typing import Any

from aiogram_dialog import DialogManager

from dialogs import purposes
from dialogs.screen import Screen
from dialogs.states import Registration
from dialogs.texts import Tr
from dialogs.turn import turn_of
from dialogs.widgets import Many
from services import consent, registration, taking_back

CHOSEN = "purposes"


async def get_purposes(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    turn = turn_of(dialog_manager)
    async with turn.new_session.begin() as session:
        registered = await registration.find_registration(session, turn.address.id)
    return _shown(dialog_manager, registered.code if registered else "")


async def preview_purposes(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    return _shown(dialog_manager, "12345678")


def _shown(manager: DialogManager, code: str) -> dict[str, Any]:
    """Ticks count only once they are confirmed: whoever leaves for the menu has agreed to nothing.

    So it is said as long as there are any, or they would seem to be agreed to.
    """
    turn = turn_of(manager)
    chosen = manager.dialog_data.get(CHOSEN, [])
    if chosen and turn.notice is None:
        turn.say("notice-not-noted-yet")
    return {
        "code": code,
        "explained": purposes.explained(turn),
        "options": purposes.options(turn),
        "chosen": chosen,
    }


async def on_change(manager: DialogManager, chosen: list[str]) -> None:
    manager.dialog_data[CHOSEN] = [each for each in chosen if each in purposes.ASKED]


async def on_done(manager: DialogManager) -> None:
    """Each purpose is answered: yes to those chosen, no to the others."""
    turn = turn_of(manager)
    chosen = set(manager.dialog_data.pop(CHOSEN, []))
    async with turn.new_session.begin() as session:
        await taking_back.answer_purposes(
            session, turn.address, chosen, wording_version=purposes.WORDING, now=turn.now
        )
    if purposes.is_news_without_phone(turn, chosen):
        turn.heard = None
        turn.say("notice-news-needs-phone", name=purposes.name(turn, consent.PHONE))
    await manager.switch_to(Registration.done)


async def skip_purposes(manager: DialogManager) -> None:
    """Nothing was answered, so nothing is written down."""
    manager.dialog_data.pop(CHOSEN, None)
    await manager.switch_to(Registration.done)


screens = (
    Screen(
        Tr("registration-purposes"),
        Many(
            "purpose",
            "options",
            chosen="chosen",
            on_change=on_change,
            on_done=on_done,
            sms_units=160,
        ),
        state=Registration.purposes,
        getter=get_purposes,
        skip=skip_purposes,
        preview_data=preview_purposes,
    ),
)
