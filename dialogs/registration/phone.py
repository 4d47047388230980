"""The phone number used now: shared, typed, or known because the person writes by SMS."""

from typing import Any

from aiogram_dialog import DialogManager

from dialogs.contact import ContactMarkupFactory, phone_inputs
from dialogs.forms import CORRECTING
from dialogs.registration.form import FORM, home_question
from dialogs.screen import Screen
from dialogs.states import Registration
from dialogs.texts import Tr
from dialogs.turn import turn_of
from services import phone_numbers


async def get_phone(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    number = turn_of(dialog_manager).phone_number
    return {"number": phone_numbers.display(number) if number else ""}


async def take_phone(manager: DialogManager, e164: str) -> None:
    """A foreign number says who it is; the number used now is still asked for."""
    turn = turn_of(manager)
    turn.heard = phone_numbers.display(e164)
    if phone_numbers.is_cambodian(e164):
        await FORM.answer(manager, {"phone_e164": e164})
        return
    await FORM.keep(manager, {"phone_abroad": e164})
    turn.say("notice-phone-abroad", number=phone_numbers.display(e164))


async def back_from_phone(manager: DialogManager) -> None:
    if manager.dialog_data.get(CORRECTING):
        await FORM.back(manager)
    else:
        await manager.switch_to(home_question(await FORM.answers(manager)))


async def skip_phone(manager: DialogManager) -> None:
    await FORM.answer(manager, {"phone_e164": None})


screens = (
    Screen(
        Tr("registration-phone"),
        *phone_inputs("phone", take_phone),
        state=Registration.phone,
        getter=get_phone,
        back=back_from_phone,
        skip=skip_phone,
        markup_factory=ContactMarkupFactory(),
        preview_data={"number": "+66 81 234 5678"},
    ),
)
