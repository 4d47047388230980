"""All conversations, in one place for the dispatcher, the gallery and the guard tests."""

from dialogs.answers import answers_dialog
from dialogs.call_me import call_me_dialog
from dialogs.language import language_dialog
from dialogs.menu import menu_dialog
from dialogs.messages import messages_dialog
from dialogs.my_data import my_data_dialog
from dialogs.my_requests import my_requests_dialog
from dialogs.passing_on import passing_on_dialog
from dialogs.registration import registration_dialog
from dialogs.talk import talk_dialog

ALL_DIALOGS = (
    language_dialog,
    menu_dialog,
    registration_dialog,
    call_me_dialog,
    my_requests_dialog,
    talk_dialog,
    passing_on_dialog,
    answers_dialog,
    messages_dialog,
    my_data_dialog,
)
