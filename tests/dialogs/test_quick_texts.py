"""Texts sent one after the other: what is for the centre is kept, what answers waits its turn."""

from datetime import timedelta

import pytest

from tests.dialogs.centre_staff import deliver, only_code, reply, said_in
from tests.dialogs.walk import question, stands, text_to, words
from tests.people import Line, SmsPerson

THREE = ("ថៅកែមិនឱ្យប្រាក់ខែ", "២ខែហើយ", "ខ្ញុំនៅពោធិ៍សាត់")


async def _at_once(phone: SmsPerson, *texts: str) -> list[str]:
    """Texts that were all sent before the first was answered; what each is answered with."""
    line, sent_at = phone.line, phone.line.clock - timedelta(minutes=10)
    told = []
    for text in texts:
        payload = {"From": phone.number, "Body": text}
        told += [answer.text for answer in await line.take("sms", payload, received_at=sent_at)]
    return told


@pytest.mark.parametrize("window", ["Menu:main", "Registration:done"])
async def test_all_of_them_reach_the_centre(line: Line, window: str) -> None:
    phone = await text_to(line.phone(), window)
    told = await _at_once(phone, *THREE)
    code = await only_code(line)
    assert await said_in(line, code) == list(THREE)
    assert all(code in each for each in told)


async def test_also_when_the_first_one_asks_to_write(line: Line) -> None:
    phone = await text_to(line.phone(), "Menu:main")
    await _at_once(phone, "talk", *THREE)
    assert await said_in(line, await only_code(line)) == list(THREE)


@pytest.mark.parametrize(
    "texts", [THREE, ("My boss did not pay me", "Nobody answers me", "I am in Pursat")]
)
async def test_somebody_new_is_heard_whole(line: Line, texts: tuple[str, ...]) -> None:
    phone = line.phone()
    told = await _at_once(phone, "hello", *texts)
    code = await only_code(line)
    assert await said_in(line, code) == list(texts)
    assert all(code in each for each in told[1:])
    assert (await stands(phone)).window == "Language:choose"


async def test_on_a_form_words_are_asked_about_together(line: Line) -> None:
    phone = await text_to(line.phone(), "Registration:name")
    told = await _at_once(phone, "ថៅកែមិនឱ្យប្រាក់ខែ", "២ខែហើយ", "ស្រី", "250$")
    assert (await stands(phone)).window == "Talk:whose"
    assert all("ថៅកែមិនឱ្យប្រាក់ខែ"[:4] in each for each in told)
    await phone.send("1")
    kept = "ថៅកែមិនឱ្យប្រាក់ខែ\n២ខែហើយ\nស្រី\n250$"
    assert await said_in(line, await only_code(line)) == [kept]
    await phone.send("0")
    at = await stands(phone)
    assert at.window == "Registration:name"
    assert at.answers is not None
    assert "name" not in at.answers


@pytest.mark.parametrize(
    "window", ["Registration:age", "Registration:sex", "Registration:province"]
)
async def test_the_name_of_a_button_presses_none_unseen(line: Line, window: str) -> None:
    phone = await text_to(line.phone(), window)
    before = await stands(phone)
    await _at_once(phone, words(line, "sex-female", "sms"))
    assert (await stands(phone)).window == "Talk:whose"
    await phone.send("2")
    assert await stands(phone) == before


async def test_more_words_belong_to_those_that_are_asked_about(line: Line) -> None:
    phone = await text_to(line.phone(), "Menu:main")
    await phone.send(THREE[0])
    code = await only_code(line)
    await phone.send("*")
    await reply(line, code, "តើប៉ុន្មានខែហើយ? នៅណា?")
    await deliver(line)
    await phone.send("2")
    await _at_once(phone, "3", "0", "2", THREE[2])
    assert (await stands(phone)).window == "Talk:whose"
    await phone.send("1")
    assert await said_in(line, code) == [THREE[0], f"2\n3\n0\n{THREE[2]}"]


@pytest.mark.parametrize("texts", [("1", "1"), ("32",), ("1", "00"), ("0", "0"), ("back",)])
async def test_none_answers_a_question_unseen(line: Line, texts: tuple[str, ...]) -> None:
    phone = await text_to(line.phone(), "Registration:name")
    *_, last = await _at_once(phone, *texts)
    at = await stands(phone)
    assert at.window == "Registration:name"
    assert at.answers is not None
    assert "name" not in at.answers
    assert question(line, "registration-name", "sms") in last


async def test_none_presses_a_number_of_the_menu_unseen(line: Line) -> None:
    phone = await text_to(line.phone(), "Menu:main")
    await _at_once(phone, "1", "1")
    assert (await stands(phone)).window == "Menu:main"


async def test_a_lettered_answer_waits_for_nothing(line: Line) -> None:
    phone = await text_to(line.phone(), "Registration:name")
    (told,) = await _at_once(phone, "K1")
    assert words(line, "answered-gone", "sms") in told


async def test_only_the_clock_of_the_database_counts(line: Line) -> None:
    """It may go an hour before or behind that of this process."""
    for number, away in enumerate((timedelta(hours=-1), timedelta(hours=1))):
        line.clock += away
        phone = line.phone(f"+8551234567{number}")
        for text in ("hello", "1", "1", "1", "សុខា", "32"):
            payload = {"From": phone.number, "Body": text}
            line.clock += timedelta(seconds=5)
            await line.take("sms", payload, received_at=line.clock)
        assert (await stands(phone)).window == "Registration:sex"
        line.clock -= away
