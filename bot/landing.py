"""Where somebody lands who stands nowhere: after a flush, a deploy, months of silence.

An old button, a number that answers nothing, a state that was renamed: each ends on a living
screen that says so, and a form that was begun goes on where its draft stands. A correction that was
begun shows its summary: everything in it is answered.
"""

from aiogram.types import CallbackQuery
from aiogram_dialog import DialogManager, StartMode

from dialogs import navigation, to_centre
from dialogs.states import Language, Registration
from dialogs.turn import Turn, turn_of
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
    if turn.notice is None:
        _say_what_goes_on(turn)
    await manager.start(Registration.consent, mode=StartMode.RESET_STACK)


async def land_with_words(manager: DialogManager, text: str) -> None:
    """Somebody who stands nowhere and says something: it is for the centre.

    A form that was begun goes on all the same: they may have meant its question.
    """
    turn = turn_of(manager)
    async with turn.new_session.begin() as session:
        draft = await drafts.find_draft(session, turn.address.id, registration.FORM)
    if draft is not None and to_centre.says_something(text):
        receipt = await to_centre.write(manager, text)
        if _is_registered(turn):
            turn.say("notice-kept-correcting", code=receipt["code"])
        else:
            turn.say("notice-kept-going-on", code=receipt["code"])
    elif draft is None and await to_centre.take_words(manager, text):
        return
    await land(manager)


def _say_what_goes_on(turn: Turn) -> None:
    if _is_registered(turn):
        turn.say("notice-correcting")
    else:
        turn.say("notice-going-on")


def _is_registered(turn: Turn) -> bool:
    """Whether the form in hand is a correction: no question of it is open, its summary is shown."""
    return turn.address.person_id is not None


async def show_again(manager: DialogManager) -> None:
    """The screen that the person stands on, as a new message; else `land`."""
    if not manager.has_context():
        await land(manager)
        return
    navigation.show_below(manager)
    await manager.show()


async def on_old_button(press: CallbackQuery, dialog_manager: DialogManager) -> None:
    """A press of something that the living screen does not offer: it answers no question.

    On the living message itself it is the second tap of two: what the first one brought stands
    there already, and no explanation is due.
    """
    pressed = press.message.message_id if press.message else None
    living = dialog_manager.current_stack().last_message_id
    if not dialog_manager.has_context() or pressed != living:
        turn_of(dialog_manager).say("notice-old-button")
        await show_again(dialog_manager)
    await dialog_manager.answer_callback()
