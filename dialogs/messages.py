"""STOP: from now on nothing comes unasked, until START.

Whoever writes or presses goes on being answered: the whole service stays theirs to use.
"""

from aiogram_dialog import Dialog

from dialogs import navigation
from dialogs.screen import Screen
from dialogs.states import Messages
from dialogs.texts import Tr

messages_dialog = Dialog(
    Screen(
        Tr("messages-stopped"),
        state=Messages.stopped,
        back=navigation.close,
        rests=True,
    ),
)
