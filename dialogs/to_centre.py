"""What people send the centre outside any form: words, voices, pictures. None is swallowed.

It joins the thread that it belongs to, and the person is told so, with the code. Even somebody
whom we do not know yet is heard first and asked for a language afterwards.
"""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

import regex
from aiogram.types import Message
from aiogram_dialog import DialogManager, StartMode
from aiogram_dialog.api.protocols import DialogProtocol
from aiogram_dialog.widgets.input import BaseInput

from dialogs import navigation
from dialogs.buttons import Answer
from dialogs.promises import DUE, THANKED
from dialogs.states import Language, Requests, Talk
from dialogs.turn import turn_of
from services import errors, keywords, threads
from services.types import Request

Receipt = dict[str, Any]
"""What was written to a thread, as a conversation keeps it: plain values."""

LONGEST = 4096  # No carrier brings more.
# On these screens what is sent belongs to the request in hand.
_OF_A_REQUEST = (Requests.one, Requests.answers, Requests.add, Requests.added)
_TELLING = (Talk.sent, Requests.added, Language.choose)
_GROUP = "group"
# A digit or two, or a smile, answers a screen; it is no message to the centre.
_SAYS_SOMETHING = regex.compile(r"\p{L}|(?:\p{N}\D*){6}")
# Words too common in names to work within a form.
_AT_REST = {
    "menu": navigation.to_menu,
    "help": navigation.to_how_to_use,
    "register": navigation.to_registration,
    "stop": navigation.stop_messages,
}


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file as the carrier names it (`source`). `group` is shared by what was sent together."""

    kind: str
    source: str
    duration_s: int | None = None
    caption: str | None = None
    group: str | None = None


class AtRest(BaseInput):
    """The input of a screen that waits for nothing: what is written there is for the centre."""

    answer = Answer.CHOICE

    async def process_message(
        self, message: Message, dialog: DialogProtocol, manager: DialogManager
    ) -> bool:
        if not await take_words(manager, (message.text or "").strip()):
            turn = turn_of(manager)
            turn.say("notice-unclear")
            turn.unclear = True  # by SMS that is all that is said
            if turn.channel == "telegram" and navigation.is_receipt(manager):
                await navigation.leave_receipt(manager)
        return True


async def take_words(manager: DialogManager, text: str) -> bool:
    """A greeting opens the menu; whatever else says something goes to the centre.

    False for what says nothing, which changes nothing.
    """
    way = _AT_REST.get(keywords.match_whole(text) or "")
    if way is not None:
        turn_of(manager).heard = None
        await way(manager)
    elif says_something(text) or await answers_the_centre(manager, text):
        await send_words(manager, text)
    else:
        return False
    return True


async def answers_the_centre(manager: DialogManager, text: str) -> bool:
    """Whether a digit or a smile may be an answer to what staff wrote lately."""
    if not text:
        return False
    turn = turn_of(manager)
    async with turn.new_session.begin() as session:
        return await threads.has_been_written_to(session, turn.address, now=turn.now)


def is_for_centre(text: str) -> bool:
    """Whether words that answer no screen say something to the centre.

    A name may be STOP as well: where it is not known which, somebody reads it.
    """
    meant = keywords.match_whole(text)
    return (meant not in _AT_REST or meant == "stop") and says_something(text)


def says_something(text: str) -> bool:
    return _SAYS_SOMETHING.search(text) is not None


async def send_words(manager: DialogManager, text: str) -> None:
    """Write to the thread, and say so."""
    await _tell(manager, await write(manager, text))


async def tell_given(manager: DialogManager, request: Request) -> None:
    """Say that what was asked about lies with the centre."""
    await _tell_aside(manager, _receipt(request))


async def write(manager: DialogManager, text: str) -> Receipt:
    """Write to the thread that is quoted or in hand, or to the one that the services choose."""
    turn = turn_of(manager)
    by = _by(manager)
    text = text[:LONGEST]
    request: Request | None = None
    async with turn.new_session.begin() as session:
        if code := turn.quoted or _code_in_hand(manager):
            request = await _unless_ended(
                session, threads.write_to_request(session, turn.address, code, text, **by)
            )
        if request is None:
            request = await threads.talk(session, turn.address, text, **by)
    return _receipt(request)


async def send_file(manager: DialogManager, enclosure: Enclosure) -> None:
    """Every file of a group is kept; the group is answered once."""
    told = _told(manager)
    if enclosure.group is not None and told.get(_GROUP) == enclosure.group:
        await _attach(manager, enclosure, str(told["code"]))
    else:
        code = turn_of(manager).quoted or _code_in_hand(manager)
        await _tell(manager, await _attach(manager, enclosure, code))
        if manager.current_context().state == Requests.added:
            await manager.show()  # outside a window's own input nobody else does


async def _attach(manager: DialogManager, enclosure: Enclosure, code: str | None) -> Receipt:
    turn = turn_of(manager)

    async def attach(session: Any, code: str | None = None) -> Request:
        return await threads.attach_file(
            session,
            turn.address,
            enclosure.kind,
            enclosure.source,
            code=code,
            duration_s=enclosure.duration_s,
            caption=enclosure.caption,
            **_by(manager),
        )

    request: Request | None = None
    async with turn.new_session.begin() as session:
        if code:
            request = await _unless_ended(session, attach(session, code))
        if request is None:
            request = await attach(session)
    return _receipt(request, enclosure.group)


async def correct(manager: DialogManager, message_id: int, text: str) -> None:
    """A message that had gone to a thread was edited: the thread gets the new words."""
    turn = turn_of(manager)
    if not text:
        return
    noted = turn.text("thread-corrected", text=text)
    async with turn.new_session.begin() as session:
        await _unless_ended(
            session,
            threads.correct(
                session,
                turn.address,
                message_id,
                text,
                noted,
                now=turn.now,
                inbox_id=turn.item_id,
            ),
        )


async def _unless_ended(session: Any, writing: Awaitable[Request | None]) -> Request | None:
    """None when the request is gone or was withdrawn: what is said then begins another thread."""
    try:
        async with session.begin_nested():
            return await writing
    except (errors.RequestNotFound, errors.MoveNotAllowed):
        return None


def _code_in_hand(manager: DialogManager) -> str | None:
    if manager.has_context() and manager.current_context().state in _OF_A_REQUEST:
        code = manager.dialog_data.get("code")
        return str(code) if code else None
    return None


def _told(manager: DialogManager) -> dict[str, Any]:
    """What the receipt in hand is about; empty when none is."""
    if not manager.has_context() or manager.current_context().state not in _TELLING:
        return {}
    started_with = manager.current_context().start_data
    return {**(started_with if isinstance(started_with, dict) else {}), **manager.dialog_data}


def _by(manager: DialogManager) -> dict[str, Any]:
    """When it came, and by which message."""
    turn, message = turn_of(manager), manager.event
    by = {"now": turn.now, "inbox_id": turn.item_id}
    if turn.channel == "telegram" and isinstance(message, Message):
        return {**by, "message_id": message.message_id}
    return by


def _receipt(request: Request, group: str | None = None) -> Receipt:
    return {
        "code": request.code,
        THANKED: request.state == "done",
        DUE: request.due_at.isoformat() if request.due_at else None,
        _GROUP: group,
    }


async def _tell(manager: DialogManager, receipt: Receipt) -> None:
    turn_of(manager).heard = None
    if _code_in_hand(manager) == receipt["code"]:
        manager.dialog_data.update(receipt)
        await manager.switch_to(Requests.added)
    else:
        await _tell_aside(manager, receipt)


async def _tell_aside(manager: DialogManager, receipt: Receipt) -> None:
    turn = turn_of(manager)
    if turn.address.language is None:
        turn.say("notice-kept", code=receipt["code"])
        await manager.start(Language.choose, receipt, mode=StartMode.RESET_STACK)
    else:
        await navigation.to_sent(manager, receipt)
