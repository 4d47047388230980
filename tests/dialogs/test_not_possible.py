"""Where the centre could not help, it does not ask as if it had."""

from services import sms_text
from tests.dialogs.centre_staff import finish, last_sent, only_code, state_of
from tests.dialogs.walk import text_to, walk_to, words
from tests.people import Line

UNPAID = "ថៅកែមិនទាន់ឱ្យប្រាក់ខែខ្ញុំ"


async def test_what_was_not_possible_is_said_to_be_so(line: Line) -> None:
    person = await walk_to(line.person(), "Menu:main")
    await person.write(UNPAID)
    code = await only_code(line)
    await finish(line, code, "not_possible")
    assert (await last_sent(line))["text"] == words(line, "message-not-possible", code=code)


async def test_by_sms_it_is_as_short_and_a_no_opens_it_again(line: Line) -> None:
    phone = await text_to(line.phone(), "Menu:main")
    await phone.send(UNPAID)
    code = await only_code(line)
    await finish(line, code, "not_possible")
    text = (await last_sent(line))["text"]
    assert text.startswith(words(line, "message-not-possible", "sms", code=code))
    assert sms_text.count(text).parts <= 2, text
    await phone.send("K2")
    assert await state_of(line, code) == "reopened"
