"""Registration, its minimum: who, how old, from where, and which work is wanted where.

The centres ask what the ministry's job line asks (name, age, wanted province, sector,
expected pay) plus sex and home commune. Confirming makes the person and one request.
"""

from typing import Any

from aiogram_dialog import Dialog, DialogManager

from dialogs.registration import home, phone, summary, who, work
from dialogs.registration.form import FORM, home_question
from dialogs.states import Registration
from dialogs.turn import turn_of
from services import drafts


async def on_start(start_data: Any, manager: DialogManager) -> None:
    """Go on where a draft stands."""
    turn = turn_of(manager)
    async with turn.new_session.begin() as session:
        draft = await drafts.find_draft(session, turn.address.id, FORM.name)
    if draft:
        turn.answers = draft.answers
        step = FORM.step(draft.step)
        if step in (Registration.district, Registration.commune):
            step = home_question(await FORM.answers(manager))
        await manager.switch_to(step)


registration_dialog = Dialog(
    *who.screens,
    *home.screens,
    *phone.screens,
    *work.screens,
    *summary.screens,
    on_start=on_start,
)
