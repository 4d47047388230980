"""Where somebody lands who stands nowhere: after a flush, a deploy, months of silence.

An old button, a number that answers nothing, a state that was renamed: each ends on a living
screen that says so, and a form that was begun goes on where its draft stands.
"""

from aiogram_dialog import DialogManager, ShowMode, StartMode

from dialogs import navigation
from dialogs.states import Language, Registration
from dialogs.turn import turn_of
from services import drafts, registration


async def land(manager: DialogManager) -> None:
    """The language question for somebody new, the form that was begun, or the menu."""
    turn = turn_of(manager)
    turn.heard = None
    if turn.address.language is None:
        await manager.start(Language.choose, mode=StartMode.RESET_STACK)
        return
    async with turn.new_session.begin() as session:
        draft = await drafts.find_draft(session, turn.address.id, registration.FORM)
    if draft is None:
        await navigation.to_menu(manager)
        return
    turn.say("notice-going-on")
    await manager.start(Registration.consent, mode=StartMode.RESET_STACK)


async def show_again(manager: DialogManager) -> None:
    """The screen that the person stands on, as a new message; else `land`."""
    if not manager.has_context():
        await land(manager)
        return
    manager.show_mode = ShowMode.SEND
    await manager.show()
