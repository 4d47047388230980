"""Messages that people edit: what had gone to a thread is corrected there, and danger is heard."""

from typing import Any

import pytest

from tests.dialogs.centre_staff import files_of, only_code, said_in
from tests.dialogs.walk import question, stands, walk_to, words
from tests.people import Line, TelegramPerson

ASKED = "សូមទូរសព្ទមកលេខ ០១២ ១១១ ១១១"
MEANT = "សូមទូរសព្ទមកលេខ ០១២ ២២២ ២២២"
THANKS = "អរគុណច្រើន"
DANGER = "មិនចង់រស់"
PHOTO = {"photo": [{"file_id": "L", "file_unique_id": "l", "width": 9, "height": 9}]}


async def _edit(person: TelegramPerson, message_id: int, **content: Any) -> None:
    edited = {
        "message_id": message_id,
        "date": 1,
        "edit_date": 2,
        "chat": {"id": person.id, "type": "private"},
        "from": {"id": person.id, "is_bot": False, "first_name": "S"},
        **content,
    }
    await person.line.take("telegram", {"update_id": 1, "edited_message": edited})


def _corrected(line: Line, text: str) -> str:
    return words(line, "thread-corrected", text=text)


async def test_an_earlier_message_is_corrected_too_wherever_its_writer_is_now(line: Line) -> None:
    person = await walk_to(line.person(), "Menu:main")
    await person.send(text=ASKED, message_id=90_001)
    await person.send(text=THANKS, message_id=90_002)
    await person.write("/menu")
    await line.app.redis.flushdb()
    await _edit(person, 90_001, text=MEANT)
    assert await said_in(line, await only_code(line)) == [ASKED, THANKS, _corrected(line, MEANT)]


async def test_a_message_is_corrected_as_often_as_it_changes(line: Line) -> None:
    person = await walk_to(line.person(), "Menu:main")
    await person.send(text=ASKED, message_id=90_001)
    for text in (ASKED, MEANT, MEANT, ASKED, f" {ASKED}\n"):
        await _edit(person, 90_001, text=text)
    noted = [_corrected(line, MEANT), _corrected(line, ASKED)]
    assert await said_in(line, await only_code(line)) == [ASKED, *noted]


async def test_so_is_a_caption(line: Line) -> None:
    person = await walk_to(line.person(), "Menu:main")
    await person.send(**PHOTO, caption=ASKED, message_id=90_001)
    await _edit(person, 90_001, **PHOTO, caption=MEANT)
    code = await only_code(line)
    assert await said_in(line, code) == [ASKED, _corrected(line, MEANT)]
    assert await files_of(line, code) == [("photo", "L")]


async def test_what_answered_a_form_goes_to_no_thread(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:name")
    await person.send(text="សុខា", message_id=90_001)
    await person.write("/talk")
    await person.write(ASKED)
    await _edit(person, 90_001, text="សុខា ចាន់")
    assert await said_in(line, await only_code(line)) == [ASKED]


async def test_somebody_elses_message_is_another_one(line: Line) -> None:
    person, other = await walk_to(line.person(), "Menu:main"), line.person(600)
    await person.send(text=ASKED, message_id=90_001)
    await walk_to(other, "Menu:main")
    await _edit(other, 90_001, text=MEANT)
    assert await said_in(line, await only_code(line)) == [ASKED]


async def test_what_was_taken_back_is_corrected_no_more(line: Line) -> None:
    person = await walk_to(line.person(), "Menu:main")
    await person.send(text=ASKED, message_id=90_001)
    code = await only_code(line)
    await person.write("/requests")
    await person.press(person.buttons[0])
    await person.press(words(line, "request-withdraw"), words(line, "request-withdraw-yes"))
    await _edit(person, 90_001, text=MEANT)
    assert await said_in(line, code) == [ASKED]


@pytest.mark.parametrize("content", [{"text": DANGER}, {**PHOTO, "caption": DANGER}])
async def test_words_of_danger_are_heard_in_an_edit_too(
    line: Line, content: dict[str, Any]
) -> None:
    person = await walk_to(line.person(), "Menu:main")
    await person.send(text=ASKED, message_id=90_001)
    await _edit(person, 90_001, **content)
    assert (await stands(person)).window == "CallMe:offer"
    assert question(line, "call-offer") in person.screen
    code = await only_code(line)
    assert await said_in(line, code) == [ASKED]
    assert await files_of(line, code) == []


async def test_a_telegram_message_is_kept_whole(line: Line) -> None:
    person = await walk_to(line.person(), "Menu:main")
    longest = "ក" * 4093 + "END"
    await person.write(longest)
    assert await said_in(line, await only_code(line)) == [longest]


@pytest.mark.parametrize(
    ("caption", "kept"),
    [("\u202eប្រាក់\u0000ខែ\u2066 \ud83d", ["ប្រាក់ខែ"]), ("\u202e\u0007", [])],
)
async def test_what_cannot_be_read_goes_out_of_a_caption(
    line: Line, caption: str, kept: list[str]
) -> None:
    person = await walk_to(line.person(), "Menu:main")
    await person.send(**PHOTO, caption=caption)
    assert await said_in(line, await only_code(line)) == kept
