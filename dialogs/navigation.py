"""Ways between conversations, so that none needs to import another."""

from aiogram.fsm.state import State
from aiogram_dialog import DialogManager, StartMode

from dialogs.states import CallMe, Language, Menu, Messages, Registration

MOST_ASIDES = 3


async def to_menu(manager: DialogManager) -> None:
    await manager.start(Menu.main, mode=StartMode.RESET_STACK)


async def to_language(manager: DialogManager) -> None:
    await manager.start(Language.choose, mode=StartMode.RESET_STACK)


async def to_how_to_use(manager: DialogManager) -> None:
    await _aside(manager, Menu.how_to_use)


async def to_registration(manager: DialogManager) -> None:
    await manager.start(Registration.consent, mode=StartMode.RESET_STACK)


async def to_call_me(manager: DialogManager, data: dict[str, str] | None = None) -> None:
    """`data` may carry the `voice` message (its Telegram file id) that asks for the call."""
    await _aside(manager, CallMe.done, data)


async def to_offer_of_a_call(manager: DialogManager) -> None:
    """Somebody to talk to is offered; nothing is done until the person presses."""
    await _aside(manager, CallMe.offer)


async def to_messages_stopped(manager: DialogManager) -> None:
    await _aside(manager, Messages.stopped)


async def _aside(manager: DialogManager, state: State, data: dict[str, str] | None = None) -> None:
    """On top of what the person is doing, where back leads again.

    Three may lie there; a fourth, and the same one again, takes the place of the last:
    whoever asks again and again piles nothing up.
    """
    intents = manager.current_stack().intents
    while len(intents) > MOST_ASIDES:
        await manager.mark_closed()
    if len(intents) > 1 and manager.current_context().state.group == state.group:
        await manager.mark_closed()
    await manager.start(state, data=data)


async def close(manager: DialogManager) -> None:
    """Back to what lay under this conversation, or to the menu."""
    if len(manager.current_stack().intents) > 1:
        await manager.done()
    else:
        await to_menu(manager)
