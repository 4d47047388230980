"""Sharing one's phone number: a reply keyboard on Telegram, typed words by SMS.

Only a reply keyboard can share a contact. Its other buttons are plain words (skip, back,
menu), which are understood like any typed answer; nothing is hidden in zero-width letters.
"""

from typing import Any

from aiogram.types import KeyboardButton, Message
from aiogram_dialog import DialogManager
from aiogram_dialog.api.internal.widgets import MarkupFactory, RawKeyboard
from aiogram_dialog.utils import add_intent_id
from aiogram_dialog.widgets.input import MessageInput

from dialogs.buttons import Answer, ContactMarkup, ScreenMarkup
from dialogs.turn import turn_of
from dialogs.widgets import AskText, OnValue
from services import phone_numbers


class ContactMarkupFactory(MarkupFactory):
    async def render_markup(
        self, data: dict[str, Any], manager: DialogManager, keyboard: RawKeyboard
    ) -> ScreenMarkup | ContactMarkup:
        add_intent_id(keyboard, manager.current_context().id)
        buttons: Any = keyboard
        turn = turn_of(manager)
        if turn.channel == "sms":
            return ScreenMarkup(inline_keyboard=buttons, answer=Answer.TEXT)
        share = KeyboardButton(text=turn.text("button-share-contact"), request_contact=True)
        words = [[KeyboardButton(text=button.text) for button in row] for row in buttons]
        return ContactMarkup(
            keyboard=[[share], *words],
            buttons=buttons,
            resize_keyboard=True,
            one_time_keyboard=True,
        )


def own_contact_number(message: Message) -> str | None:
    """The sender's own shared number in E.164; None when it is somebody else's or unusable."""
    contact = message.contact
    if contact is None or message.from_user is None:
        return None
    # A card of somebody without Telegram names nobody: it is not the sender's own.
    if contact.user_id != message.from_user.id:
        return None
    text = contact.phone_number
    try:
        return phone_numbers.parse(text if text.startswith("+") else f"+{text}").e164
    except phone_numbers.PhoneNumberError:
        try:
            return phone_numbers.parse(text).e164
        except phone_numbers.PhoneNumberError:
            return None


def phone_inputs(id: str, on_number: OnValue) -> tuple[MessageInput, AskText]:
    """A shared contact or a typed number; `on_number` gets it in E.164."""

    async def on_contact(message: Message, _: MessageInput, manager: DialogManager) -> None:
        number = own_contact_number(message)
        if number is None:
            turn_of(manager).say("notice-contact-not-own")
        else:
            await on_number(manager, number)

    async def on_typed(manager: DialogManager, text: str) -> None:
        try:
            phone = phone_numbers.parse(text)
        except phone_numbers.PhoneNumberError:
            turn = turn_of(manager)
            turn.unclear = True
            turn.say("notice-phone-unclear")
        else:
            await on_number(manager, phone.e164)

    return MessageInput(on_contact, content_types="contact"), AskText(id, on_typed, longest=60)
