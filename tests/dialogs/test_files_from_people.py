"""Voices, pictures and papers reach the centre at any moment; what cannot be read is said to be."""

from typing import Any

import pytest
from aiogram.methods import SendMessage

from tests.dialogs.centre_staff import files_of, only_code, said_in
from tests.dialogs.walk import question, stands, walk_to, words
from tests.people import Line

SMALL = {"file_id": "S", "file_unique_id": "s", "width": 90, "height": 90}
LARGE = {"file_id": "L", "file_unique_id": "l", "width": 900, "height": 900}
FILES: list[tuple[dict[str, Any], tuple[str, str]]] = [
    ({"photo": [SMALL, LARGE]}, ("photo", "L")),
    ({"document": {"file_id": "D", "file_unique_id": "d", "file_name": "x"}}, ("document", "D")),
    ({"voice": {"file_id": "V", "file_unique_id": "v", "duration": 3}}, ("voice", "V")),
    ({"audio": {"file_id": "A", "file_unique_id": "a", "duration": 3}}, ("audio", "A")),
    (
        {"video": {**LARGE, "duration": 3}},
        ("video", "L"),
    ),
    (
        {"video_note": {"file_id": "N", "file_unique_id": "n", "duration": 3, "length": 9}},
        ("video", "N"),
    ),
    (
        {
            "animation": {**LARGE, "duration": 3},
            "document": {"file_id": "D", "file_unique_id": "d"},
        },
        ("video", "L"),
    ),
]
UNREADABLE: list[dict[str, Any]] = [
    {"sticker": {"file_id": "S", "file_unique_id": "s"}},
    {"location": {"latitude": 12.5, "longitude": 104.9}},
    {"poll": {"id": "1", "question": "?"}},
    {"dice": {"emoji": "🎲", "value": 4}},
    {"brand_new": {"nobody": "knows"}},
]


@pytest.mark.parametrize(("content", "kept"), FILES, ids=[kept[0] for _, kept in FILES])
@pytest.mark.parametrize("window", ["Menu:main", "Registration:age"])
async def test_a_file_is_kept_with_its_caption(
    line: Line, window: str, content: dict[str, Any], kept: tuple[str, str]
) -> None:
    person = await walk_to(line.person(), window)
    screen = await person.send(**content, caption="កិច្ចសន្យារបស់ខ្ញុំ")
    code = await only_code(line)
    assert code in screen
    assert await files_of(line, code) == [kept]
    assert await said_in(line, code) == ["កិច្ចសន្យារបស់ខ្ញុំ"]
    await person.press(words(line, "button-back"))
    assert (await stands(person)).window == window


async def test_a_photo_as_the_very_first_message_is_kept(line: Line) -> None:
    person = line.person()
    asked = await person.send(photo=[LARGE], media_group_id="g")
    await person.send(photo=[SMALL], media_group_id="g")
    code = await only_code(line)
    assert code in asked
    assert await files_of(line, code) == [("photo", "L"), ("photo", "S")]
    await person.press("ខ្មែរ")
    assert code in person.screen


async def test_an_album_is_kept_whole_and_answered_once(line: Line) -> None:
    person = await walk_to(line.person(), "Menu:main")
    line.memory.calls.clear()
    for number in range(10):
        photo = {**LARGE, "file_id": f"F{number}"}
        await person.send(photo=[photo], media_group_id="g", **({} if number else {"caption": "x"}))
    code = await only_code(line)
    assert [source for _, source in await files_of(line, code)] == [f"F{n}" for n in range(10)]
    assert sum(isinstance(call, SendMessage) for call in line.memory.calls) == 1


@pytest.mark.parametrize("content", UNREADABLE, ids=[next(iter(each)) for each in UNREADABLE])
async def test_what_cannot_be_read_is_said_to_be_so(line: Line, content: dict[str, Any]) -> None:
    for window in ("Menu:main", "Registration:age"):
        person = await walk_to(line.person(500 + len(window)), window)
        screen = await person.send(**content)
        assert screen.startswith(words(line, "notice-unreadable"))
        assert (await stands(person)).window == window


async def test_a_photo_while_adding_to_a_request_belongs_to_it(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:done")
    code = await only_code(line, "registration")
    await person.write("my requests")
    await person.press(person.buttons[0], words(line, "request-add"))
    screen = await person.send(photo=[LARGE])
    assert question(line, "requests-added") in screen
    assert await files_of(line, code) == [("photo", "L")]
