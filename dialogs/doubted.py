"""Words of which the person is being asked whose they are: the centre's, or the question's before.

They wait in the database. Whoever leaves that question without an answer has not taken them back:
they go to the centre, and the next screen says so, whichever it is.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiogram.types import TelegramObject
from aiogram_dialog import DialogManager
from aiogram_dialog.api.internal import STORAGE_KEY
from aiogram_dialog.context.storage import StorageProxy

from dialogs import navigation
from dialogs.states import CallMe, Talk
from dialogs.turn import Asked, Turn, turn_of
from services import pending_words
from services.types import Request

WORDS: Final = "words"
_FIRST: Final = "first"
# The screen that words of danger bring says nothing of anything else.
_NEUTRAL: Final = CallMe.offer


async def note_asked(
    handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
    event: TelegramObject,
    data: dict[str, Any],
) -> Any:
    """A middleware: what is being asked about is known before anything moves."""
    manager: DialogManager | None = data.get("dialog_manager")
    if manager is not None and manager.has_context():
        turn_of(manager).asked = await _find_asked(manager)
    return await handler(event, data)


async def ask(manager: DialogManager, text: str, message_id: int) -> None:
    """Ask whether words are for the centre."""
    if _is_asking(manager):
        await ask_about_more(manager, text, message_id)
        await manager.show()  # outside a window's own input nobody else does
        return
    asked = await _keep(manager, text, message_id)
    if (before := turn_of(manager).asked) is not None:
        await _take_away(manager, before)
    await navigation.to_whose(manager, asked)


async def ask_about_more(manager: DialogManager, text: str, message_id: int) -> None:
    """What is written instead of an answer is asked about together with the first words."""
    manager.dialog_data.update(await _keep(manager, text, message_id))
    navigation.show_below(manager)


async def give(manager: DialogManager) -> Request | None:
    """They are for the centre, and are asked about no more; None when nothing waited."""
    turn = turn_of(manager)
    if turn.asked is None:
        return None
    asked, turn.asked = turn.asked, None
    await _take_away(manager, asked)
    async with turn.new_session.begin() as session:
        return await pending_words.give(
            session, turn.address.id, now=turn.now, first_inbox_id=asked.first_inbox_id
        )


async def forget(manager: DialogManager) -> None:
    """They were the answer to the question before."""
    turn = turn_of(manager)
    turn.asked = None
    async with turn.new_session.begin() as session:
        await pending_words.forget(session, turn.address)


async def leave(manager: DialogManager) -> None:
    """Give them, and say so on the next screen.

    Called before something else is written to a request: what came first stands there first.
    """
    request = await give(manager)
    if request is not None:
        _say_given(turn_of(manager), request)


async def leave_unless_asked(manager: DialogManager) -> None:
    """Before a screen is shown: unless it asks about them still, they have been left behind.

    Beneath the offer of a call they go on waiting.
    """
    turn = turn_of(manager)
    if turn.asked is None or _is_asking(manager):
        return
    if manager.current_context().state != _NEUTRAL:
        await leave(manager)
    elif turn.asked.conversation not in manager.current_stack().intents:
        await give(manager)


async def correct(manager: DialogManager, message_id: int, text: str) -> bool:
    """A message was edited: whether it was one of these."""
    turn = turn_of(manager)
    if not text:
        return False
    async with turn.new_session.begin() as session:
        return await pending_words.correct(session, turn.address, message_id, text)


async def _keep(manager: DialogManager, text: str, message_id: int) -> dict[str, Any]:
    """What is asked about from now on, as the data of the conversation."""
    turn = turn_of(manager)
    piece = pending_words.Piece(
        text=text,
        inbox_id=turn.item_id,
        message_id=message_id if turn.channel == "telegram" else None,
    )
    async with turn.new_session.begin() as session:
        pieces = await pending_words.keep(session, turn.address, piece, now=turn.now)
    return {WORDS: pending_words.words_of(pieces), _FIRST: pieces[0]["inbox_id"]}


async def _find_asked(manager: DialogManager) -> Asked | None:
    """From the top of what lies there; most people stand in one conversation alone."""
    context = manager.current_context()
    below = manager.current_stack().intents[:-1]
    while context.state != Talk.whose:
        if not below:
            return None
        context = await _storage(manager).load_context(below.pop())
    first = context.dialog_data.get(_FIRST)
    return Asked(context.id, first if isinstance(first, int) else None)


async def _take_away(manager: DialogManager, asked: Asked) -> None:
    intents = manager.current_stack().intents
    if asked.conversation not in intents:
        return
    if intents[-1] == asked.conversation:
        await manager.mark_closed()
    else:
        intents.remove(asked.conversation)
        await _storage(manager).remove_context(asked.conversation)


def _is_asking(manager: DialogManager) -> bool:
    return manager.has_context() and manager.current_context().state == Talk.whose


def _storage(manager: DialogManager) -> StorageProxy:
    storage: StorageProxy = manager.middleware_data[STORAGE_KEY]
    return storage


def _say_given(turn: Turn, request: Request) -> None:
    """Before whatever else the next screen says first."""
    given = turn.text("notice-given", code=request.code)
    turn.notice = f"{given}\n{turn.notice}" if turn.notice else given
