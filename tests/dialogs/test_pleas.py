"""Who begs for help is heard by somebody; the bare word still explains how the line is used."""

import pytest

from tests.dialogs.centre_staff import only_code, said_in
from tests.dialogs.walk import question, stands, text_to, walk_to, words
from tests.people import Line

PLEAS = ["Please help", "help me", "សូមជួយខ្ញុំផង", "ជួយខ្ញុំ", "ជួយផង", "jouy phong"]


@pytest.mark.parametrize("plea", PLEAS)
async def test_a_plea_by_sms_reaches_the_centre(line: Line, plea: str) -> None:
    phone = await text_to(line.phone(), "Menu:main")
    said = await phone.send(plea)
    code = await only_code(line)
    assert await said_in(line, code) == [plea]
    assert code in said


@pytest.mark.parametrize("plea", PLEAS)
async def test_a_plea_on_telegram_reaches_the_centre(line: Line, plea: str) -> None:
    person = await walk_to(line.person(), "Menu:main")
    said = await person.write(plea)
    code = await only_code(line)
    assert await said_in(line, code) == [plea]
    assert code in said


@pytest.mark.parametrize("plea", PLEAS)
@pytest.mark.parametrize("window", ["Registration:name", "Registration:age", "Registration:wanted"])
async def test_a_plea_answers_no_question(line: Line, window: str, plea: str) -> None:
    phone = await text_to(line.phone(), window)
    before = await stands(phone)
    said = await phone.send(plea)
    code = await only_code(line)
    assert await said_in(line, code) == [plea]
    assert words(line, "notice-kept-going-on", "sms", code=code) in said
    assert await stands(phone) == before


async def test_the_first_words_of_all_may_be_a_plea(line: Line) -> None:
    said = await line.phone().send("Please help")
    assert await said_in(line, await only_code(line)) == ["Please help"]
    assert (await only_code(line)) in said


@pytest.mark.parametrize("word", ["HELP", "help!", "ជួយ", "របៀបប្រើ", "chuoy"])
async def test_the_bare_word_still_explains(line: Line, word: str) -> None:
    phone = await text_to(line.phone(), "Menu:main")
    assert question(line, "help-how-to-use", "sms") in await phone.send(word)
    assert (await stands(phone)).window == "Menu:how_to_use"
