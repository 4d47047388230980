"""A few words, and a voice message, do the same on every screen of both channels."""

import re
from itertools import cycle

import pytest
from sqlalchemy import select

from db.models import File
from services import addresses
from services.request_queue import list_requests
from tests.dialogs.walk import (
    SMS_WINDOWS,
    TELEGRAM_WINDOWS,
    address_of,
    again,
    clone,
    question,
    stands,
    text_to,
    walk_to,
    words,
)
from tests.people import Line, SmsPerson, TelegramPerson

WORDS = {
    "Menu:main": ("ម៉ឺនុយ", "menuy", "MENU"),
    "Menu:how_to_use": ("ជួយ", "chuoy", "help"),
    "Messages:stopped": ("ឈប់", "chhob", "STOP"),
    "Language:choose": ("ភាសា", "pheasa", "language"),
    "Talk:write": ("និយាយជាមួយបុគ្គលិក", "talk"),
    "Requests:list": ("សំណើរបស់ខ្ញុំ", "my requests"),
    "MyData:main": ("ព័ត៌មានរបស់ខ្ញុំ", "my data"),
    "CallMe": ("ទូរសព្ទមកខ្ញុំ", "tursap mok knhom", "CALL"),
}
ALL_WORDS = [(word, window) for window, typed in WORDS.items() for word in typed]
COMMANDS = {
    "/menu": "Menu:main",
    "/help": "Menu:how_to_use",
    "/stop": "Messages:stopped",
    "/language": "Language:choose",
    "/call": "CallMe",
    "/talk": "Talk:write",
    "/requests": "Requests:list",
    "/mydata": "MyData:main",
}
# Before the language is known, the menu is not for reading yet.
FIRST = {"Menu:main": "Language:choose"}


def _expected(at: str, window: str) -> str:
    return FIRST.get(window, window) if at == "Language:choose" else window


async def _topics(line: Line) -> list[str]:
    async with line.app.new_session.begin() as session:
        return [each.topic for each in await list_requests(session)]


@pytest.mark.parametrize("window", TELEGRAM_WINDOWS)
async def test_words_and_commands_on_telegram(line: Line, window: str) -> None:
    person = await walk_to(line.person(), window)
    answers = (await stands(person)).answers
    for number, (word, expected) in enumerate([*ALL_WORDS, *COMMANDS.items()]):
        other = await clone(person, 10_000 + number)
        shown = len(other.chat)
        await other.write(word)
        now = await stands(other)
        assert (now.window or "").startswith(_expected(window, expected)), word
        assert now.answers == answers, word
        assert len(other.chat) >= shown


@pytest.mark.parametrize("window", SMS_WINDOWS)
async def test_words_by_sms(line: Line, window: str) -> None:
    phone = await text_to(line.phone(), window)
    answers = (await stands(phone)).answers
    for word, expected in ALL_WORDS:
        assert await phone.send(word)
        now = await stands(phone)
        assert (now.window or "").startswith(_expected(window, expected)), word
        assert now.answers == answers, word


@pytest.mark.parametrize("window", TELEGRAM_WINDOWS)
async def test_start_leads_back_into_the_form_or_to_the_menu(line: Line, window: str) -> None:
    person = await walk_to(line.person(), window)
    before = await stands(person)
    await person.write("/start 8f3a")
    after = await stands(person)
    assert after.answers == before.answers
    if window == "Registration:correct":
        assert after.window == "Registration:summary", "choosing a line is no step of the form"
    elif before.answers:
        assert after.window == before.window
    else:
        first = window == "Language:choose"
        assert after.window == ("Language:choose" if first else "Menu:main")


@pytest.mark.parametrize(
    ("window", "kind"),
    list(zip(TELEGRAM_WINDOWS, cycle(["voice", "audio", "video_note"]), strict=False)),
)
async def test_a_voice_message_reaches_the_centre(line: Line, window: str, kind: str) -> None:
    person = await walk_to(line.person(), window)
    before = await stands(person)
    recorded = {"file_id": "AwAC", "file_unique_id": "u", "duration": 3, "length": 240}
    await person.send(**{kind: recorded})
    assert "talk" in await _topics(line)
    async with line.app.new_session.begin() as session:
        [file] = (await session.scalars(select(File))).all()
    assert (file.source, file.duration_s, file.state) == ("AwAC", 3, "waiting")
    assert re.search(r"\b\d{8}\b", person.screen), "the code is told"
    if window != "Language:choose":
        await person.write(words(line, "button-back"))
        assert (await stands(person)) == again(before)


async def test_the_words_can_be_said_for_ever(line: Line) -> None:
    """Help upon help upon a call: nothing piles up, and the question underneath is still there."""
    person = await walk_to(line.person(), "Registration:age")
    for _ in range(35):
        await person.write("help")
        await person.write("CALL")
        await person.write("STOP")
    for _ in range(4):
        if (await stands(person)).window == "Registration:age":
            break
        await person.write(words(line, "button-back"))
    assert (await stands(person)).window == "Registration:age"
    assert await _topics(line) == ["call"]


async def test_stop_holds_until_start(line: Line) -> None:
    for person in (
        await walk_to(line.person(), "Menu:main"),
        await text_to(line.phone(), "Menu:main"),
    ):
        await _say(person, "STOP")
        assert await _stopped(person)
        await _say(person, "menu")
        assert await _stopped(person)
        await _say(person, "START")
        assert not await _stopped(person)


async def _say(person: TelegramPerson | SmsPerson, text: str) -> None:
    await (person.write(text) if isinstance(person, TelegramPerson) else person.send(text))


async def _stopped(person: TelegramPerson | SmsPerson) -> bool:
    async with person.line.app.new_session.begin() as session:
        address = await addresses.find(session, *address_of(person))
        assert address is not None
        return address.stopped_at is not None


async def test_a_word_of_danger_makes_nothing_and_offers_somebody(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:name")
    await person.write("មិនចង់រស់")
    assert question(line, "call-offer") in person.screen
    assert await _topics(line) == []
    assert (await stands(person)).answers == {"consent": "registration-1"}
