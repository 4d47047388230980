"""What tells that something was done tells it once: later it may be true no more."""

import pytest

from tests.dialogs.centre_staff import only_code, state_of
from tests.dialogs.walk import CONTACT, question, stands, text_to, walk_to, words
from tests.people import Line, TelegramPerson

UNPAID = "ថៅកែមិនទាន់ឱ្យប្រាក់ខែខ្ញុំ"
PLACE = {"latitude": 12.5, "longitude": 103.9}


async def _with_a_receipt(line: Line) -> tuple[TelegramPerson, str]:
    person = await walk_to(line.person(), "Menu:main")
    await person.write(UNPAID)
    assert (await stands(person)).window == "Talk:sent"
    return person, await only_code(line)


async def _open(person: TelegramPerson, code: str) -> None:
    await person.write("សំណើ")
    await person.press(next(label for label in person.buttons if code in label))


async def test_what_was_taken_back_is_not_said_to_be_received(line: Line) -> None:
    person, code = await _with_a_receipt(line)
    await _open(person, code)
    await person.press(words(line, "request-withdraw"), words(line, "request-withdraw-yes"))
    await person.press(words(line, "button-back"), words(line, "button-back"))
    assert await state_of(line, code) == "withdrawn"
    assert (await stands(person)).window == "Menu:main"
    assert code not in person.screen


async def test_what_was_taken_back_is_not_said_to_be_received_by_sms(line: Line) -> None:
    phone = await text_to(line.phone(), "Menu:main")
    await phone.send(UNPAID, "STATUS", "1", words(line, "request-withdraw", "sms"), "1", "0")
    assert question(line, "talk-sent", "sms") not in await phone.send("0")
    assert (await stands(phone)).window == "Menu:main"


async def test_under_several_receipts_lies_the_question_that_stood(line: Line) -> None:
    phone = await text_to(line.phone(), "Registration:name")
    await phone.send("CALL", "ម៉ោង 3 រសៀលចាំទូរសព្ទ", "HELP", "0")
    assert (await stands(phone)).window == "Registration:name"


async def test_the_receipt_of_more_words_becomes_its_request(line: Line) -> None:
    person, code = await _with_a_receipt(line)
    await _open(person, code)
    await person.press(words(line, "request-add"))
    assert question(line, "requests-added") in await person.write("ពីរខែហើយ")
    await person.write("/help")
    await person.press(words(line, "button-back"))
    assert (await stands(person)).window == "Requests:one"
    assert question(line, "requests-added") not in person.screen


@pytest.mark.parametrize("content", [{"text": "😀😀"}, {"location": PLACE}])
async def test_what_is_not_understood_brings_no_older_receipt(
    line: Line, content: dict[str, object]
) -> None:
    person, _ = await _with_a_receipt(line)
    await person.write("/call")
    await person.send(contact=CONTACT | {"user_id": person.id})
    await person.send(**content)
    assert (await stands(person)).window == "Menu:main"
    assert question(line, "talk-sent") not in person.screen


async def test_under_a_registration_lies_the_menu(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:done")
    await person.write("/help")
    await person.press(words(line, "button-back"))
    assert (await stands(person)).window == "Menu:main"
