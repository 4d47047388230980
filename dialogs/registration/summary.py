"""The end: everything told, any line corrected, and one request made of it.

Whoever is registered already comes here to correct what is known; confirming then changes the
person and asks for nothing more.
"""

from typing import Any

from aiogram_dialog import DialogManager

from dialogs import labels, navigation
from dialogs.forms import CORRECTING
from dialogs.registration.form import AGAIN, FORM, KNOWN
from dialogs.screen import Screen
from dialogs.states import Registration
from dialogs.texts import Tr
from dialogs.turn import Turn, turn_of
from dialogs.widgets import Choice, Item
from services import drafts, errors, registration

# Which window corrects which line of the summary, or asks for a field that is missing.
LINES = {
    "consent": Registration.consent,
    "name": Registration.name,
    "age": Registration.age,
    "sex": Registration.sex,
    "home": Registration.province,
    "province": Registration.province,
    "district": Registration.province,
    "commune": Registration.province,
    "phone": Registration.phone,
    "phone_e164": Registration.phone,
    "wanted": Registration.wanted,
    "wanted_provinces": Registration.wanted,
    "sectors": Registration.sectors,
    "salary": Registration.salary,
}


async def get_summary(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    turn = turn_of(dialog_manager)
    dialog_manager.dialog_data.pop(CORRECTING, None)
    # The summary repeats every answer itself.
    turn.heard = None
    answers = await FORM.answers(dialog_manager)
    return {
        "summary": "\n".join(
            _line(turn, field, label, value)
            for field, label, value in labels.lines(turn, answers)
            if value
        ),
        "choices": [
            Item("confirm", turn.text("button-confirm")),
            Item("correct", turn.text("button-correct")),
        ],
    }


def _line(turn: Turn, field: str, label: str, value: str) -> str:
    """By SMS the values speak for themselves, but of two places it must be said which is which."""
    if field == "wanted":
        return turn.text("summary-line-wanted", label=label, value=value)
    return turn.text("summary-line", label=label, value=value)


async def on_summary(manager: DialogManager, choice: str) -> None:
    if choice == "confirm":
        await on_confirm(manager)
    elif choice == "correct":
        await manager.switch_to(Registration.correct)


async def get_lines(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    turn = turn_of(dialog_manager)
    turn.heard = None
    answers = await FORM.answers(dialog_manager)
    return {"lines": [Item(name, label) for name, label, _ in labels.lines(turn, answers)]}


async def on_line(manager: DialogManager, line: str) -> None:
    turn_of(manager).heard = None
    if line in LINES:
        manager.dialog_data[CORRECTING] = True
        await manager.switch_to(LINES[line])


async def back_to_summary(manager: DialogManager) -> None:
    await manager.switch_to(Registration.summary)


async def back_from_summary(manager: DialogManager) -> None:
    """Whoever is known leaves everything as it was."""
    if not manager.dialog_data.get(KNOWN):
        await FORM.back(manager)
        return
    turn = turn_of(manager)
    async with turn.new_session.begin() as session:
        await drafts.discard(session, turn.address.id, FORM.name)
    turn.answers = None
    turn.say("notice-data-unchanged")
    if manager.dialog_data.get(AGAIN):
        await navigation.to_menu(manager)
    else:
        await navigation.back_to_my_data(manager)


async def on_confirm(manager: DialogManager) -> None:
    turn = turn_of(manager)
    try:
        async with turn.new_session.begin() as session:
            await registration.register(session, turn.address, now=turn.now)
    except errors.IncompleteForm as error:
        turn.say("notice-incomplete")
        missing = next(
            (LINES[field] for field in error.fields if field in LINES), Registration.consent
        )
        # The one question, then the summary again; without consent a new form begins anew.
        if missing != Registration.consent or manager.dialog_data.get(KNOWN):
            manager.dialog_data[CORRECTING] = True
        await manager.switch_to(missing)
        return
    turn.answers = turn.heard = None
    if manager.dialog_data.get(AGAIN):
        await manager.switch_to(Registration.done)
    elif manager.dialog_data.get(KNOWN):
        turn.say("notice-data-changed")
        await navigation.back_to_my_data(manager)
    else:
        await manager.switch_to(Registration.purposes)


async def get_done(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    turn = turn_of(dialog_manager)
    async with turn.new_session.begin() as session:
        registered = await registration.find_registration(session, turn.address.id)
    return {"code": registered.code if registered else ""}


screens = (
    Screen(
        Tr("registration-summary"),
        Choice("choice", "choices", on_summary),
        state=Registration.summary,
        getter=get_summary,
        back=back_from_summary,
        preview_data={
            "summary": "ឈ្មោះ៖ សុខា",
            "choices": [Item("confirm", "ត្រឹមត្រូវហើយ"), Item("correct", "កែ")],
        },
    ),
    Screen(
        Tr("registration-correct"),
        Choice("line", "lines", on_line),
        state=Registration.correct,
        getter=get_lines,
        back=back_to_summary,
        preview_data={"lines": [Item("name", "ឈ្មោះ"), Item("age", "អាយុ")]},
    ),
    Screen(
        Tr("registration-done"),
        state=Registration.done,
        getter=get_done,
        rests=True,
        preview_data={"code": "12345678"},
    ),
)
