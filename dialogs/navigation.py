"""Ways between conversations, so that none needs to import another."""

from aiogram_dialog import DialogManager, StartMode

from dialogs.states import CallMe, Language, Menu, Registration


async def to_menu(manager: DialogManager) -> None:
    await manager.start(Menu.main, mode=StartMode.RESET_STACK)


async def to_language(manager: DialogManager) -> None:
    await manager.start(Language.choose, mode=StartMode.RESET_STACK)


async def to_how_to_use(manager: DialogManager) -> None:
    """On top of whatever the person is doing; back leads there again."""
    await manager.start(Menu.how_to_use)


async def to_registration(manager: DialogManager) -> None:
    await manager.start(Registration.consent, mode=StartMode.RESET_STACK)


async def to_call_me(manager: DialogManager) -> None:
    """On top of whatever the person is doing; back leads there again."""
    await manager.start(CallMe.done)


async def to_offer_of_a_call(manager: DialogManager) -> None:
    """Somebody to talk to is offered; nothing is done until the person presses."""
    await manager.start(CallMe.offer)


async def close(manager: DialogManager) -> None:
    """Back to what lay under this conversation, or to the menu."""
    if len(manager.current_stack().intents) > 1:
        await manager.done()
    else:
        await to_menu(manager)
