"""All that the centre wrote can be read under "my requests", whatever became of the messages."""

import pytest

from services import addresses, sms_text
from tests.dialogs.centre_staff import last_sent, only_code, reply
from tests.dialogs.walk import text_to, walk_to, words
from tests.people import NOW, Line, TelegramPerson

UNPAID = "ថៅកែមិនទាន់ឱ្យប្រាក់ខែខ្ញុំ"
MY_REQUESTS = "សំណើ"


async def _on_telegram(line: Line, *replies: str) -> str:
    person = await walk_to(line.person(), "Menu:main")
    await person.write(UNPAID)
    code = await only_code(line)
    for text in replies:
        await reply(line, code, text)
    await person.write(MY_REQUESTS)
    return await person.press(next(label for label in person.buttons if code in label))


async def _by_sms(line: Line, *replies: str) -> str:
    phone = await text_to(line.phone(), "Menu:main")
    await phone.send(UNPAID)
    code = await only_code(line)
    for text in replies:
        await reply(line, code, text)
    return await phone.send(MY_REQUESTS, "1")


@pytest.mark.parametrize("read", [_on_telegram, _by_sms])
async def test_every_message_since_the_person_wrote_stands_there(line: Line, read: object) -> None:
    assert callable(read)
    screen = await read(line, "ទីមួយ", "ទីពីរ", "ទីបី")
    assert -1 < screen.index("ទីមួយ") < screen.index("ទីពីរ") < screen.index("ទីបី")


async def test_the_oldest_go_where_all_are_too_long_for_a_message(line: Line) -> None:
    screen = await _on_telegram(line, "ទីមួយ", "ទីពីរ " + "ក" * 1500, "ទីបី " + "ខ" * 1900)
    assert "ទីមួយ" not in screen
    assert "ទីពីរ" in screen
    assert len(screen) <= 4096


async def test_the_oldest_go_where_all_are_too_long_for_an_sms(line: Line) -> None:
    screen = await _by_sms(line, "ទីមួយ " + "ក" * 700, "ទីពីរ " + "ខ" * 700)
    assert "ទីមួយ" not in screen
    assert "ទីពីរ" in screen
    assert sms_text.units(screen) <= sms_text.CARRIER_LIMIT


@pytest.mark.parametrize("answered", [True, False])
async def test_start_tells_of_answers_that_wait(line: Line, answered: bool) -> None:
    person = await walk_to(line.person(), "Menu:main")
    await person.write(UNPAID)
    await person.write("ឈប់")
    if answered:
        await reply(line, await only_code(line), "សូមមក")
    screen = await person.write("/start")
    assert words(line, "notice-messages-again") in screen
    assert (words(line, "notice-answers-wait") in screen) is answered
    assert words(line, "notice-answers-wait") not in await person.write("/start")


async def test_start_tells_of_answers_that_wait_by_sms(line: Line) -> None:
    phone = await text_to(line.phone(), "Menu:main")
    await phone.send(UNPAID, "STOP")
    await reply(line, await only_code(line), "សូមមក")
    said = await phone.send("START")
    assert words(line, "notice-answers-wait", "sms") in said
    assert sms_text.count(said).parts <= 3
    assert "សូមមក" in await phone.send("សំណើ", "1")


async def _change(person: TelegramPerson, status: str) -> None:
    change = {"chat": {"id": person.id, "type": "private"}, "new_chat_member": {"status": status}}
    await person.line.take("telegram", {"update_id": 1, "my_chat_member": change})


async def test_who_unblocks_us_learns_of_answers_that_wait(line: Line) -> None:
    person = await walk_to(line.person(), "Menu:main")
    await person.write(UNPAID)
    await _change(person, "kicked")
    await reply(line, await only_code(line), "សូមមក")
    await _change(person, "member")
    assert (await last_sent(line))["text"] == words(line, "notice-answers-wait")


async def test_who_writes_again_learns_of_answers_that_did_not_arrive(line: Line) -> None:
    phone = await text_to(line.phone(), "Menu:main")
    await phone.send(UNPAID)
    async with line.app.new_session.begin() as session:
        address = await addresses.find(session, "sms", phone.number)
        assert address is not None
        await addresses.mark_blocked(session, address.id, now=NOW)
    await reply(line, await only_code(line), "សូមមក")
    assert words(line, "notice-answers-wait", "sms") in await phone.send("ម៉ឺនុយ")
    assert words(line, "notice-answers-wait", "sms") not in await phone.send("ម៉ឺនុយ")
