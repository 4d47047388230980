"""Texts, contacts and updates made to break something: taken for what can be read of them."""

from typing import Any

import pytest
from aiogram.methods import SendMessage
from aiogram_dialog.utils import join_reply_callback

from services import addresses
from tests.dialogs.walk import FORM_WINDOWS, question, stands, text_to, walk_to, words
from tests.people import NOW, Line, TelegramPerson

TRICKS = [
    ("សុខា\u200c\u200c", "សុខា"),
    ("\u202eសុខា\u202c", "សុខា"),
    ("សុ\x00ខា", "សុខា"),
    ("\ufeff សុខា \u2060", "សុខា"),
    ("  សុខា \n ចាន់  ", "សុខា ចាន់"),
    ("{name} %s <b>ខា</b>", "{name} %s <b>ខា</b>"),
    ("'; DROP TABLE person; --", "'; DROP TABLE person; --"),
    ("ម" * 80, "ម" * 80),
]


@pytest.mark.parametrize(("typed", "kept"), TRICKS)
async def test_a_name_is_what_can_be_read_of_it(line: Line, typed: str, kept: str) -> None:
    person = await walk_to(line.person(), "Registration:name")
    await person.write(typed)
    assert ((await stands(person)).answers or {}).get("name") == kept
    phone = await text_to(line.phone(), "Registration:name")
    assert await phone.send(typed)
    assert ((await stands(phone)).answers or {}).get("name") == kept


@pytest.mark.parametrize("typed", ["\u200b", "\x00", "\u202e\u200c\u200c", "ម" * 81, "ក" * 4096])
async def test_a_name_that_cannot_be_one_is_asked_again(line: Line, typed: str) -> None:
    person = await walk_to(line.person(), "Registration:name")
    before = await stands(person)
    await person.write(typed)
    assert await stands(person) == before
    assert person.screen.startswith(words(line, "notice-unclear"))
    assert question(line, "registration-name") in person.screen


async def test_half_a_character_does_not_stop_the_line(line: Line) -> None:
    """JSON can say it, UTF-8 cannot."""
    person = await walk_to(line.person(), "Registration:name")
    await person.write("សុខា\ud83d")
    assert ((await stands(person)).answers or {})["name"] == "សុខា"


@pytest.mark.parametrize("window", FORM_WINDOWS)
async def test_hidden_letters_press_nothing(line: Line, window: str) -> None:
    """aiogram-dialog would read callback data out of zero-width letters behind a text."""
    person = await walk_to(line.person(), window)
    intent = next(iter(await _living_data(line, person)), "x\x1dy").partition("\x1d")[0]
    for data in ("\x00", f"{intent}\x1dchoice:confirm", "language:en", "\xff"):
        await person.write(join_reply_callback("។", data))
        assert (await stands(person)).window in (window, _next(window))


def _next(window: str) -> str:
    """A full stop is a name to be called by; no other question takes it."""
    return "Registration:age" if window == "Registration:name" else window


async def _living_data(line: Line, person: TelegramPerson) -> list[str]:
    markup = person.chat[-1].reply_markup
    rows = markup.inline_keyboard if markup else []
    return [button.callback_data or "" for row in rows for button in row]


async def test_an_answer_in_reply_to_an_old_question_is_an_answer(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:age")
    for sender in ({"id": 42, "is_bot": True, "first_name": "T"}, None):
        quoted: dict[str, Any] = {
            "message_id": 1,
            "date": int(NOW.timestamp()),
            "chat": {"id": person.id, "type": "private"},
            "text": "?",
            "reply_markup": {"inline_keyboard": [[{"text": "x", "callback_data": "old\x1dx:y"}]]},
        }
        if sender:
            quoted["from"] = sender
        await person.send(text="3", reply_to_message=quoted)
        assert words(line, "notice-unclear") in person.screen
    await person.send(text="32", reply_to_message=quoted)
    assert (await stands(person)).window == "Registration:sex"


async def test_somebody_elses_contact_is_not_ones_own_number(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:phone")
    await person.send(contact={"phone_number": "85512345678", "first_name": "B", "user_id": 77})
    assert words(line, "notice-contact-not-own") in person.screen
    for number in ("", "+", "9" * 300, "\u202e85512345678", "112", "+1"):
        await person.send(
            contact={"phone_number": number, "first_name": "\ud83d", "user_id": person.id}
        )
        assert (await stands(person)).window in ("Registration:phone", "Registration:wanted")
        if (await stands(person)).window == "Registration:wanted":
            break
    assert ((await stands(person)).answers or {}).get("phone_e164") in (None, "+85512345678")


async def test_an_album_is_answered_once_and_in_place(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:sex")
    line.memory.calls.clear()
    photo = [{"file_id": "A", "file_unique_id": "u", "width": 1, "height": 1}]
    for _ in range(10):
        await person.send(photo=photo, media_group_id="1")
    sent = [call for call in line.memory.calls if isinstance(call, SendMessage)]
    assert len(sent) == 1
    assert question(line, "talk-sent") in person.screen


async def test_a_poll_of_another_version_of_the_bot_api_is_no_trouble(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:sex")
    await person.send(poll={"id": "1", "question": "?"}, brand_new={"x": 1})
    assert question(line, "registration-sex") in person.screen
    await person.send(voice={"no": "file"})
    assert question(line, "registration-sex") in person.screen


@pytest.mark.parametrize("kind", ["group", "supergroup", "channel"])
async def test_only_private_chats_are_spoken_with(line: Line, kind: str) -> None:
    message = {"message_id": 1, "date": 1, "chat": {"id": -100, "type": kind}, "text": "/start"}
    sender = {"id": 5, "is_bot": False, "first_name": "x"}
    press = {"id": "1", "from": sender, "chat_instance": "1", "data": "x", "message": message}
    await line.take("telegram", {"update_id": 1, "message": {**message, "from": sender}})
    await line.take("telegram", {"update_id": 2, "callback_query": press})
    await line.take("telegram", {"update_id": 3, "edited_message": {**message, "from": sender}})
    assert line.memory.calls == []


async def test_blocking_and_unblocking_the_bot_are_noted(line: Line) -> None:
    person = await walk_to(line.person(), "Menu:main")
    for status, blocked in (("kicked", True), ("member", False)):
        change = {"chat": {"id": person.id, "type": "private"}}
        change |= {"new_chat_member": {"status": status}}
        await line.take("telegram", {"update_id": 1, "my_chat_member": change})
        async with line.app.new_session.begin() as session:
            address = await addresses.find(session, "telegram", str(person.id))
        assert address is not None
        assert (address.blocked_at is not None) is blocked
