"""The form itself: its steps, and what its parts share."""

from collections.abc import Mapping

from aiogram.fsm.state import State
from aiogram_dialog import DialogManager

from dialogs.forms import Form
from dialogs.states import Registration
from dialogs.turn import turn_of
from services import phone_numbers, registration

KNOWN = "known"
"""In the data of the dialog: the person is registered, and corrects what was told."""
AGAIN = "again"
"""There too: the person had withdrawn the registration, and registers once more."""

FORM = Form(
    registration.FORM,
    (
        Registration.consent,
        Registration.name,
        Registration.age,
        Registration.sex,
        Registration.province,
        Registration.district,
        Registration.commune,
        Registration.phone,
        Registration.wanted,
        Registration.sectors,
        Registration.salary,
        Registration.summary,
    ),
    registration.usable,
)


def home_question(answers: Mapping[str, object]) -> State:
    """The most exact question about the home that can be asked: its parent is answered."""
    if answers.get("district"):
        return Registration.commune
    return Registration.district if answers.get("province") else Registration.province


def number_is_known(manager: DialogManager) -> bool:
    """By SMS from a Cambodian number there is nothing to ask."""
    number = turn_of(manager).phone_number
    return number is not None and phone_numbers.is_cambodian(number)
