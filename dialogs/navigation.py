"""Ways between conversations, so that none needs to import another."""

from typing import Any

from aiogram.fsm.state import State
from aiogram_dialog import DialogManager, ShowMode, StartMode

from dialogs.states import (
    Answered,
    CallMe,
    Language,
    Menu,
    Messages,
    MyData,
    PassingOn,
    Registration,
    Requests,
    Talk,
)
from dialogs.turn import turn_of
from services import addresses, taking_back

MOST_ASIDES = 3
FROM_THE_OFFER = {"from": "offer"}
# What tells that something was done tells it once: shown again it would seem to be done again.
RECEIPTS = (
    Registration.done,
    CallMe.no_number,
    CallMe.done,
    Requests.added,
    Talk.sent,
    Answered.said,
    MyData.deleted,
)


def show_below(manager: DialogManager) -> None:
    """Let the next screen be a new message: what was typed lies below the last one.

    A reply keyboard goes only with the message that brought it.
    """
    has_keyboard = manager.current_stack().last_reply_keyboard
    manager.show_mode = ShowMode.DELETE_AND_SEND if has_keyboard else ShowMode.SEND


async def to_menu(manager: DialogManager) -> None:
    """Somebody new is asked for the language first."""
    if turn_of(manager).address.language is None:
        await to_language(manager)
        return
    await manager.start(Menu.main, mode=StartMode.RESET_STACK)


async def speak(manager: DialogManager, language: str) -> None:
    """From now on in this language; what the person is doing goes on."""
    turn = turn_of(manager)
    async with turn.new_session.begin() as session:
        await addresses.set_language(session, turn.address.id, language)
    turn.address.language = turn.language = language
    turn.heard = None
    if not manager.has_context():
        await to_menu(manager)
    elif manager.current_context().state != Language.choose:
        show_below(manager)
        await manager.show()
    elif receipt := manager.current_context().start_data:
        await manager.start(Talk.sent, receipt, mode=StartMode.RESET_STACK)
    else:
        await to_menu(manager)


async def to_language(manager: DialogManager) -> None:
    await manager.start(Language.choose, mode=StartMode.RESET_STACK)


async def to_how_to_use(manager: DialogManager) -> None:
    await _aside(manager, Menu.how_to_use)


async def to_registration(manager: DialogManager) -> None:
    await manager.start(Registration.consent, mode=StartMode.RESET_STACK)


async def to_my_data(manager: DialogManager) -> None:
    await _aside(manager, MyData.main)


async def back_to_my_data(manager: DialogManager) -> None:
    """With nothing underneath: what was being done has ended."""
    await manager.start(MyData.main, mode=StartMode.RESET_STACK)


async def to_data_deleted(manager: DialogManager) -> None:
    """The end of all that was being done."""
    await manager.start(MyData.deleted, mode=StartMode.RESET_STACK)


async def to_correction(manager: DialogManager) -> None:
    """Everything that a registered person told, as a form in which any line can be chosen."""
    await manager.start(Registration.correct, mode=StartMode.RESET_STACK)


async def to_talk(manager: DialogManager) -> None:
    await _aside(manager, Talk.write)


async def to_sent(manager: DialogManager, receipt: dict[str, Any]) -> None:
    """What was sent lies with the centre; `receipt` says under which code."""
    await _aside(manager, Talk.sent, receipt)


async def to_requests(manager: DialogManager) -> None:
    await _aside(manager, Requests.list)


async def to_answered(manager: DialogManager, answer: dict[str, Any]) -> None:
    """What became of the answer to a question that was asked outside any dialog."""
    await _aside(manager, Answered.said, answer)


async def to_passing_on(manager: DialogManager, referral_id: int | None = None) -> None:
    """Who was told what: one of them, or all."""
    if referral_id is None:
        await _aside(manager, PassingOn.list)
    else:
        await _aside(manager, PassingOn.one, {"referral": str(referral_id)})


async def to_call_me(manager: DialogManager) -> None:
    """Asked for in words; where a call is being offered, that is a yes to the offer."""
    is_offered = manager.has_context() and manager.current_context().state == CallMe.offer
    await _aside(manager, CallMe.done, FROM_THE_OFFER if is_offered else None)


async def to_offer_of_a_call(manager: DialogManager) -> None:
    """Somebody to talk to is offered; nothing is done until the person presses."""
    await _aside(manager, CallMe.offer)


async def stop_messages(manager: DialogManager) -> None:
    """STOP: from now on nothing comes unasked."""
    turn = turn_of(manager)
    turn.heard = None
    async with turn.new_session.begin() as session:
        await taking_back.stop(session, turn.address.id, now=turn.now)
    await _aside(manager, Messages.stopped)


async def to_whose(manager: DialogManager, words: dict[str, Any]) -> None:
    """Ask whether these words are for the centre or for the question that stands."""
    await _aside(manager, Talk.whose, words)


async def _aside(manager: DialogManager, state: State, data: dict[str, Any] | None = None) -> None:
    """On top of what the person is doing, where back leads again.

    Three may lie there; a fourth, and the same one again, takes the place of the last:
    whoever asks again and again piles nothing up.
    """
    intents = manager.current_stack().intents
    while len(intents) > MOST_ASIDES:
        await manager.mark_closed()
    # Words about which the person is being asked lie there, not yet with anybody.
    is_asked = manager.has_context() and manager.current_context().state == Talk.whose
    if len(intents) > 1 and not is_asked and manager.current_context().state.group == state.group:
        await manager.mark_closed()
    await manager.start(state, data=data)


def is_receipt(manager: DialogManager) -> bool:
    """Whether the screen in hand tells what was done, and asks nothing."""
    return manager.has_context() and manager.current_context().state in RECEIPTS


async def leave_receipt(manager: DialogManager) -> bool:
    """To what lies behind a receipt: its request, the question that stands, or the menu.

    False when that is left to be shown.
    """
    if manager.current_context().state == Requests.added:
        await manager.switch_to(Requests.one)
        return False
    await close(manager)
    return True


async def close(manager: DialogManager) -> None:
    """Back to what lay under this conversation, or to the menu.

    Receipts that lie there have been read: of one of a request the request is shown.
    """
    while len(manager.current_stack().intents) > 1:
        await manager.mark_closed()
        if manager.current_context().state == Requests.added:
            await manager.switch_to(Requests.one)
        if not is_receipt(manager):
            await manager.show()
            return
    await to_menu(manager)
