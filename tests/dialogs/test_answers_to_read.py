"""All that the centre wrote can be read under "my requests", whatever became of the messages."""

import pytest

from services import sms_text
from tests.dialogs.centre_staff import only_code, reply
from tests.dialogs.walk import text_to, walk_to
from tests.people import Line

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
