"""Builds the aiogram Dispatcher. The order is the point.

Words that work at any moment come first, then what comes outside the screens (files, answers to
old questions), then the dialogs, and last the
landing for whoever stands nowhere. Middlewares of ours come after `setup_dialogs`: before it
there is no dialog manager to speak to.
"""

import secrets
from collections.abc import Awaitable, Callable
from functools import cache, partial
from typing import Any

from aiogram import Bot, Dispatcher, Router
from aiogram.types import CallbackQuery, Message, TelegramObject
from aiogram_dialog import DialogManager, setup_dialogs
from aiogram_dialog.api.entities import NewMessage, OldMessage
from aiogram_dialog.api.entities import stack as dialog_stack
from aiogram_dialog.manager.message_manager import MessageManager

from bot.errors import register_error_handlers
from bot.landing import land, land_with_words, on_old_button, show_again
from bot.outside import register_outside
from bot.shown import Shown
from bot.state_store import NoIsolation, TurnStorage, current_standing
from bot.understanding import Meaning, Said
from dialogs import doubted, navigation
from dialogs.all import ALL_DIALOGS
from dialogs.turn import turn_of
from services import addresses, threads

# aiogram-dialog's own ids are the second and one of a hundred numbers: two conversations begun
# in one second may share theirs, and a button of the one would press the other.
dialog_stack.new_id = lambda: secrets.token_urlsafe(6)


class ScreenManager(MessageManager):
    """Remembers what each screen allows, and answers only presses that Telegram knows of."""

    async def show_message(
        self, bot: Bot, new_message: NewMessage, old_message: OldMessage | None
    ) -> OldMessage:
        # Before showing: a screen that Telegram finds unchanged is on the phone all the same.
        standing = current_standing()
        standing.shown = Shown.of(new_message)
        sent = await super().show_message(bot, new_message, old_message)
        if old_message is None or sent.message_id != old_message.message_id:
            standing.is_below = True
        return sent

    async def remove_inline_kbd(self, bot: Bot, old_message: OldMessage | None) -> Message | None:
        """What was pressed loses its buttons, unless it may be answered otherwise later."""
        if old_message and old_message.message_id == current_standing().keeps_buttons:
            return None
        return await super().remove_inline_kbd(bot, old_message)

    async def answer_callback(self, bot: Bot, callback_query: CallbackQuery) -> None:
        if callback_query.id:
            await super().answer_callback(bot, callback_query)


async def show_below(
    handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
    event: TelegramObject,
    data: dict[str, Any],
) -> Any:
    """A button pressed by typing its words is answered below those words, not above."""
    manager: DialogManager | None = data.get("dialog_manager")
    if manager is not None and isinstance(event, CallbackQuery) and not event.id:
        navigation.show_below(manager)
    return await handler(event, data)


async def said_something(_: Message, meaning: Meaning | None = None) -> bool:
    return isinstance(meaning, Said)


async def has_no_data(press: CallbackQuery) -> bool:
    """Asynchronous like every filter here: aiogram runs others in a thread.

    A press that the screen in hand did not offer has been emptied on its way here.
    """
    return not press.data


async def on_said(_: Message, meaning: Said, dialog_manager: DialogManager) -> None:
    """One of the words that work at any moment; somebody new is asked for the language first."""
    if meaning.intent == "show" and turn_of(dialog_manager).address.language is None:
        await land(dialog_manager)
        return
    await SAID[meaning.intent](dialog_manager)


async def on_start(manager: DialogManager) -> None:
    """START, /start: messages come again, and the person lands where they stood."""
    turn = turn_of(manager)
    if (since := turn.address.stopped_at) is not None:
        async with turn.new_session.begin() as session:
            await addresses.start(session, turn.address.id)
            answers_wait = await threads.has_unsent_answers(session, turn.address, since)
        turn.say("notice-messages-again")
        if answers_wait:
            turn.notice = f"{turn.notice}\n{turn.text('notice-answers-wait')}"
    await land(manager)


SAID: dict[str, Callable[[DialogManager], Awaitable[None]]] = {
    "start": on_start,
    "stop": navigation.stop_messages,
    "menu": navigation.to_menu,
    "help": navigation.to_how_to_use,
    "language": navigation.to_language,
    "call": navigation.to_call_me,
    "talk": navigation.to_talk,
    "requests": navigation.to_requests,
    "my_data": navigation.to_my_data,
    "speak-km": partial(navigation.speak, language="km"),
    "speak-en": partial(navigation.speak, language="en"),
    "offer": navigation.to_offer_of_a_call,
    "show": show_again,
}


async def on_anything_else(message: Message, dialog_manager: DialogManager) -> None:
    """Somebody who stands nowhere."""
    await land_with_words(dialog_manager, message.text or "")


@cache
def the_dispatcher() -> Dispatcher:
    """The dispatcher of this process: a dialog belongs to one only. It keeps nothing of a turn."""
    dispatcher = Dispatcher(
        storage=TurnStorage(), events_isolation=NoIsolation(), disable_fsm=False
    )
    words = Router(name="words")
    words.message.register(on_said, said_something)
    words.callback_query.register(on_old_button, has_no_data)
    register_outside(words)
    landing = Router(name="landing")
    landing.message.register(on_anything_else)
    dispatcher.include_routers(words, *ALL_DIALOGS, landing)
    setup_dialogs(dispatcher, message_manager=ScreenManager(), events_isolation=NoIsolation())
    for observer in (dispatcher.message, dispatcher.callback_query):
        observer.middleware(doubted.note_asked)
    dispatcher.callback_query.middleware(show_below)
    register_error_handlers(dispatcher)
    return dispatcher
