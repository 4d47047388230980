"""All conversations, in one place for the dispatcher, the gallery and the guard tests."""

from copy import deepcopy

from aiogram_dialog import Dialog

from dialogs.call_me import call_me_dialog
from dialogs.language import language_dialog
from dialogs.menu import menu_dialog
from dialogs.messages import messages_dialog
from dialogs.registration import registration_dialog

ALL_DIALOGS = (language_dialog, menu_dialog, registration_dialog, call_me_dialog, messages_dialog)


def new_dialogs() -> list[Dialog]:
    """Copies without a parent: aiogram lets a router belong to one dispatcher only."""
    return [deepcopy(dialog) for dialog in ALL_DIALOGS]
