"""The end: everything told, any line corrected, and one request made of it."""

from typing import Any

from aiogram_dialog import DialogManager

from dialogs.forms import CORRECTING
from dialogs.registration import labels
from dialogs.registration.form import FORM
from dialogs.screen import Screen
from dialogs.states import Registration
from dialogs.texts import Tr
from dialogs.turn import turn_of
from dialogs.widgets import Choice, Item
from services import errors, registration

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
    answers = await FORM.answers(dialog_manager)
    lines = labels.lines(turn, answers, number=turn.phone_number)
    choices = [Item("confirm", turn.text("button-confirm"))]
    if dialog_manager.dialog_data.get("choosing_line"):
        choices = [Item(f"line-{name}", label) for name, label, _ in lines]
    else:
        choices.append(Item("correct", turn.text("button-correct")))
    return {
        "summary": "\n".join(
            turn.text("summary-line", label=label, value=value) for _, label, value in lines
        ),
        "choices": choices,
    }


async def on_summary(manager: DialogManager, choice: str) -> None:
    turn_of(manager).heard = None
    if choice == "confirm":
        await on_confirm(manager)
    elif choice == "correct":
        manager.dialog_data["choosing_line"] = True
    elif (state := LINES.get(choice.removeprefix("line-"))) is not None:
        manager.dialog_data.pop("choosing_line", None)
        manager.dialog_data[CORRECTING] = True
        await manager.switch_to(state)


async def back_from_summary(manager: DialogManager) -> None:
    if not manager.dialog_data.pop("choosing_line", None):
        await FORM.back(manager)


async def on_confirm(manager: DialogManager) -> None:
    turn = turn_of(manager)
    try:
        async with turn.new_session.begin() as session:
            await registration.register(session, turn.address, now=turn.now)
    except errors.IncompleteForm as error:
        turn.say("notice-incomplete")
        missing = next((LINES[field] for field in error.fields if field in LINES), None)
        await manager.switch_to(missing or Registration.consent)
        return
    turn.answers = None
    await manager.switch_to(Registration.done)


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
        Tr("registration-done"),
        state=Registration.done,
        getter=get_done,
        preview_data={"code": "12345678"},
    ),
)
