"""Registration, its minimum: who, how old, from where, and which work is wanted where.

The centres ask what the ministry's job line asks (name, age, wanted province, sector,
expected pay) plus sex and home commune. Confirming makes the person and one request. The same
form corrects what a registered person told, and registers again who withdrew it: it then begins
with everything answered.
"""

from typing import Any

from aiogram_dialog import Dialog, DialogManager

from dialogs.registration import home, phone, purposes, summary, who, work
from dialogs.registration.form import AGAIN, FORM, KNOWN, home_question
from dialogs.states import Registration
from dialogs.turn import turn_of
from services import drafts, registration


async def on_start(start_data: Any, manager: DialogManager) -> None:
    """Go on where a draft stands; a registered person has answered everything already."""
    turn = turn_of(manager)
    is_known = turn.address.person_id is not None
    if is_known:
        manager.dialog_data[KNOWN] = True
    async with turn.new_session.begin() as session:
        draft = await drafts.find_draft(session, turn.address.id, FORM.name)
        if draft is None and is_known:
            draft = await registration.begin_again(session, turn.address)
    if draft and manager.current_context().state != Registration.correct:
        turn.answers = draft.answers
        if is_known and not registration.corrects(draft.answers):
            manager.dialog_data[AGAIN] = True
        step = FORM.summary if KNOWN in manager.dialog_data else FORM.step(draft.step)
        if step in (Registration.district, Registration.commune):
            step = home_question(await FORM.answers(manager))
        await manager.switch_to(step)


registration_dialog = Dialog(
    *who.screens,
    *home.screens,
    *phone.screens,
    *work.screens,
    *summary.screens,
    *purposes.screens,
    on_start=on_start,
)
