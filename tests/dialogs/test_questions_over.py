"""Buttons of a question that is over: they are taken off, and a press of them says what is."""

import pytest
from aiogram.types import Chat, InlineKeyboardMarkup, Message

from tests.dialogs.centre_staff import finish, last_sent, only_code, state_of
from tests.dialogs.refer_somebody import may_refer, state_of_referral
from tests.dialogs.walk import walk_to, words
from tests.people import NOW, Line, TelegramPerson


async def _asked(line: Line) -> tuple[TelegramPerson, str, Message]:
    """Somebody who may be referred, the code, and the question as delivery sends it."""
    person = await walk_to(line.person(), "Registration:done")
    code = await only_code(line, "registration")
    await may_refer(line, code)
    return person, code, await _bring(person)


async def _asked_whether_help_came(line: Line) -> tuple[TelegramPerson, str, Message]:
    person = await walk_to(line.person(), "Registration:done")
    code = await only_code(line, "registration")
    await finish(line, code)
    return person, code, await _bring(person)


async def _bring(person: TelegramPerson) -> Message:
    line = person.line
    sent = await last_sent(line)
    asked = Message(
        message_id=next(line.memory.numbers),
        date=NOW,
        chat=Chat(id=person.id, type="private"),
        text=sent["text"],
        reply_markup=InlineKeyboardMarkup.model_validate(sent["reply_markup"]),
    )
    line.memory.messages[person.id][asked.message_id] = asked
    return asked


def _has_buttons(person: TelegramPerson, message: Message) -> bool:
    return person.line.memory.messages[person.id][message.message_id].reply_markup is not None


async def test_a_no_takes_them_off(line: Line) -> None:
    person, _, asked = await _asked(line)
    await person.press_data(person.data_of(words(line, "consent-refuse"))[0], asked)
    assert not _has_buttons(person, asked)


async def test_whether_help_came_may_be_answered_otherwise_so_they_stay(line: Line) -> None:
    person, code, asked = await _asked_whether_help_came(line)
    for key in ("help-yes", "help-no", "help-yes"):
        await person.press(words(line, key))
        assert _has_buttons(person, asked)
    await finish(line, code)
    await person.press(words(line, "help-no"))
    assert not _has_buttons(person, asked)
    assert await state_of(line, code) == "done"


@pytest.mark.parametrize("ends", ["refuse", "STOP"])
async def test_a_yes_that_comes_too_late_is_told_that_it_is_over(line: Line, ends: str) -> None:
    person, code, asked = await _asked(line)
    agree, refuse = (
        person.data_of(words(line, f"consent-{option}"))[0] for option in ("agree", "refuse")
    )
    before = await state_of_referral(line)
    if ends == "STOP":
        await person.write("STOP")
    else:
        await person.press_data(refuse, asked)
    ended = await state_of_referral(line)
    assert ended != before
    await person.press_data(agree, asked)
    assert words(line, "answered-over", code=code) in person.screen
    assert await state_of_referral(line) == ended
    assert not _has_buttons(person, asked)


async def test_nothing_is_edited_that_is_not_there(line: Line) -> None:
    person, code, asked = await _asked(line)
    agree, _ = person.data_of(words(line, "consent-agree"))
    await person.write("STOP")
    del line.memory.messages[person.id][asked.message_id]
    await person.press_data(agree, asked)
    assert words(line, "answered-over", code=code) in person.screen
