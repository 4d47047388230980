"""The phone number used now: shared, typed, or known because the person writes by SMS."""

from typing import Any

from aiogram.types import Message
from aiogram_dialog import DialogManager
from aiogram_dialog.widgets.input import MessageInput

from dialogs.contact import ContactMarkupFactory, own_contact_number
from dialogs.forms import CORRECTING
from dialogs.registration.form import FORM, home_question
from dialogs.screen import Screen
from dialogs.states import Registration
from dialogs.texts import Tr
from dialogs.turn import turn_of
from dialogs.widgets import AskText
from services import phone_numbers


async def get_phone(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    number = turn_of(dialog_manager).phone_number
    return {"number": phone_numbers.display(number) if number else ""}


async def on_typed_phone(manager: DialogManager, text: str) -> None:
    turn = turn_of(manager)
    try:
        phone = phone_numbers.parse(text)
    except phone_numbers.PhoneNumberError:
        turn.unclear = True
        turn.say("notice-phone-unclear")
        return
    await _take_phone(manager, phone.e164)


async def on_contact(message: Message, _: MessageInput, manager: DialogManager) -> None:
    number = own_contact_number(message)
    if number is None:
        turn_of(manager).say("notice-contact-not-own")
        return
    await _take_phone(manager, number)


async def _take_phone(manager: DialogManager, e164: str) -> None:
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
        MessageInput(on_contact, content_types="contact"),
        AskText("phone", on_typed_phone, longest=60),
        state=Registration.phone,
        getter=get_phone,
        back=back_from_phone,
        skip=skip_phone,
        markup_factory=ContactMarkupFactory(),
        preview_data={"number": "+66 81 234 5678"},
    ),
)
