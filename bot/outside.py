"""What comes outside the screens: files, edited messages, answers to questions asked long ago."""

from collections.abc import Sequence
from functools import reduce
from typing import Any, Final

import regex
from aiogram import Router
from aiogram.types import CallbackQuery, Message
from aiogram_dialog import DialogManager

from bot.landing import land, show_again
from bot.state_store import current_standing
from bot.understanding import (
    Addressed,
    Corrected,
    Doubtful,
    Meaning,
    Replied,
    Unnamed,
    Unreadable,
    Unseen,
    readable,
)
from dialogs import doubted, navigation, to_centre
from dialogs.answers import stands_answered, take_answer, tell
from dialogs.states import Talk
from dialogs.to_centre import Enclosure
from dialogs.turn import Turn, turn_of

MEANING: Final = "meaning"
_ANSWER: Final = regex.compile(r"\?([0-9]{1,18}):([1-9])")


def find_answer(press: CallbackQuery) -> tuple[int, int] | None:
    """The question's id and the number of the answer, when a button of a question is pressed."""
    found = _ANSWER.fullmatch(press.data or "")
    return (int(found[1]), int(found[2])) if found else None


def find_enclosure(message: Message) -> Enclosure | None:
    """The file that a message carries; of a photo its largest size."""
    spoken = message.voice or message.audio
    moving = message.video or message.video_note or message.animation
    if spoken is not None:
        kind, source = ("voice" if message.voice else "audio"), spoken.file_id
    elif moving is not None:
        kind, source = "video", moving.file_id
    elif message.photo:
        kind, source = "photo", message.photo[-1].file_id
    elif message.document is not None:
        kind, source = "document", message.document.file_id
    else:
        return None
    lasting = spoken or moving
    return Enclosure(
        kind,
        source,
        duration_s=lasting.duration if lasting else None,
        caption=readable(message.caption or "") or None,
        group=message.media_group_id,
    )


async def is_answer(press: CallbackQuery) -> bool:
    return find_answer(press) is not None


async def is_lettered_answer(_: Message, meaning: Meaning | None = None) -> bool:
    return isinstance(meaning, Replied)


async def is_corrected(_: Message, meaning: Meaning | None = None) -> bool:
    return isinstance(meaning, Corrected)


async def has_file(message: Message) -> bool:
    return find_enclosure(message) is not None


async def is_doubtful(_: Message, meaning: Meaning | None = None) -> bool:
    return isinstance(meaning, Doubtful)


async def is_unnamed(_: Message, meaning: Meaning | None = None) -> bool:
    return isinstance(meaning, Unnamed)


async def is_unseen(_: Message, meaning: Meaning | None = None) -> bool:
    return isinstance(meaning, Unseen)


async def is_addressed(_: Message, meaning: Meaning | None = None) -> bool:
    return isinstance(meaning, Addressed)


async def is_unreadable(_: Message, meaning: Meaning | None = None) -> bool:
    return isinstance(meaning, Unreadable)


async def on_answer(press: CallbackQuery, dialog_manager: DialogManager) -> None:
    found = find_answer(press)
    assert found is not None
    if not stands_answered(dialog_manager, *found):
        navigation.show_below(dialog_manager)
        await doubted.leave(dialog_manager)
        taken = await take_answer(dialog_manager, *found)
        if taken.is_open_still and press.message is not None:
            current_standing().keeps_buttons = press.message.message_id
        await tell(dialog_manager, taken)
    await dialog_manager.answer_callback()


async def on_lettered_answer(_: Message, meaning: Replied, dialog_manager: DialogManager) -> None:
    await doubted.leave(dialog_manager)
    await tell(dialog_manager, await take_answer(dialog_manager, meaning.which, meaning.number))


async def on_corrected(message: Message, meaning: Corrected, dialog_manager: DialogManager) -> None:
    """Noted beside the first words, if they went to the centre; nothing is shown for it."""
    if not await doubted.correct(dialog_manager, message.message_id, meaning.text):
        await to_centre.correct(dialog_manager, message.message_id, meaning.text)


async def on_file(message: Message, dialog_manager: DialogManager) -> None:
    """At any step: whoever is asked for words may rather speak, or show a paper."""
    enclosure = find_enclosure(message)
    assert enclosure is not None
    await doubted.leave(dialog_manager)
    await to_centre.send_file(dialog_manager, enclosure)


async def on_doubtful(message: Message, meaning: Doubtful, dialog_manager: DialogManager) -> None:
    await doubted.ask(dialog_manager, meaning.text, message.message_id)


async def on_unnamed(_: Message, meaning: Unnamed, dialog_manager: DialogManager) -> None:
    """The words are kept for the centre: they are taken for no answer."""
    turn = turn_of(dialog_manager)
    code = (await to_centre.write(dialog_manager, meaning.text))["code"]
    if turn.channel == "sms":
        turn.unclear = True  # that is all that is said
        turn.say("notice-which-letter", code=code, answers=_either(turn, meaning.answers))
    else:
        turn.say("notice-which-button", code=code)
    await show_again(dialog_manager)


def _either(turn: Turn, answers: Sequence[str]) -> str:
    return reduce(lambda one, other: turn.text("either", one=one, other=other), answers)


async def on_unseen(message: Message, meaning: Unseen, dialog_manager: DialogManager) -> None:
    """A number is waited for again; words are kept, or asked about where they might answer."""
    has_language = turn_of(dialog_manager).address.language is not None
    if _is_asking_whose(dialog_manager) or (has_language and not meaning.is_number):
        await on_doubtful(message, Doubtful(meaning.text), dialog_manager)
    elif not meaning.is_number:
        await _take_first_words(dialog_manager, meaning.text)
    elif has_language:
        await show_again(dialog_manager)
    else:
        await land(dialog_manager)


def _is_asking_whose(manager: DialogManager) -> bool:
    return manager.has_context() and manager.current_context().state == Talk.whose


async def on_addressed(_: Message, meaning: Addressed, dialog_manager: DialogManager) -> None:
    """The question that stands goes on standing."""
    shown = current_standing().shown
    if shown is None or shown.takes_words:
        await to_centre.send_words(dialog_manager, meaning.text)
        return
    receipt = await to_centre.write(dialog_manager, meaning.text)
    turn_of(dialog_manager).say("notice-kept-going-on", code=receipt["code"])
    await show_again(dialog_manager)


async def on_unreadable(_: Message, dialog_manager: DialogManager) -> None:
    turn_of(dialog_manager).say("notice-unreadable")
    is_shown = navigation.is_receipt(dialog_manager) and await navigation.leave_receipt(
        dialog_manager
    )
    if not is_shown:
        await show_again(dialog_manager)


async def on_first_words(message: Message, dialog_manager: DialogManager) -> None:
    await _take_first_words(dialog_manager, message.text or "")


async def _take_first_words(manager: DialogManager, text: str) -> None:
    """Before a language is known no screen can take words: they are kept all the same."""
    if not await to_centre.take_words(manager, text):
        turn_of(manager).say("notice-unclear")
        await show_again(manager)


async def has_no_language(_: Message, **data: Any) -> bool:
    return data["turn"].address.language is None


def register_outside(router: Router) -> None:
    router.callback_query.register(on_answer, is_answer)
    router.message.register(on_corrected, is_corrected)
    router.message.register(on_lettered_answer, is_lettered_answer)
    router.message.register(on_doubtful, is_doubtful)
    router.message.register(on_unnamed, is_unnamed)
    router.message.register(on_unseen, is_unseen)
    router.message.register(on_addressed, is_addressed)
    router.message.register(on_file, has_file)
    router.message.register(on_unreadable, is_unreadable)
    router.message.register(on_first_words, has_no_language)
