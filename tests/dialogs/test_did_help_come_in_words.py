"""Yes, no, the button's own words or a number alone, after "did help come?"."""

import pytest

from services import yes_no
from tests.dialogs.centre_staff import deliver, finish, only_code, reply, said_in, state_of
from tests.dialogs.walk import question, stands, text_to, walk_to, words
from tests.people import Line, SmsPerson, TelegramPerson

UNPAID = "ថៅកែមិនទាន់ឱ្យប្រាក់ខែខ្ញុំ"
DO_YOU = "តើបងនៅពោធិ៍សាត់ទេ?"


async def _finished(line: Line) -> tuple[TelegramPerson, str, int]:
    """Somebody who was just asked; the code and the number of the message."""
    person = await walk_to(line.person(), "Menu:main")
    await person.write(UNPAID)
    code = await only_code(line)
    await finish(line, code)
    return person, code, int(await deliver(line))


async def _finished_by_sms(line: Line) -> tuple[SmsPerson, str]:
    phone = await text_to(line.phone(), "Menu:main")
    await phone.send(UNPAID)
    code = await only_code(line)
    await finish(line, code)
    await deliver(line)
    return phone, code


SAID = [
    ("បានជួយហើយ", "done"),
    ("It helped.", "done"),
    ("បាទ", "done"),
    ("ចាសបង", "done"),
    ("បានហើយ", "done"),
    ("Yes", "done"),
    ("មិនទាន់", "reopened"),
    ("Not yet!", "reopened"),
    ("បាទ ទេបង", "reopened"),
    ("អត់ទាន់ទេបង", "reopened"),
    ("no", "reopened"),
]


@pytest.mark.parametrize(("text", "state"), SAID)
async def test_words_answer(line: Line, text: str, state: str) -> None:
    person, code, _ = await _finished(line)
    screen = await person.write(text)
    assert question(line, "answered-came" if state == "done" else "answered-not-came") in screen
    assert await state_of(line, code) == state
    assert await said_in(line, code) == [UNPAID]


@pytest.mark.parametrize(("text", "state"), SAID)
async def test_words_answer_by_sms(line: Line, text: str, state: str) -> None:
    phone, code = await _finished_by_sms(line)
    key = "answered-came" if state == "done" else "answered-not-came"
    assert words(line, key, "sms", code=code) in await phone.send(text)
    assert await state_of(line, code) == state
    assert await said_in(line, code) == [UNPAID]


@pytest.mark.parametrize("text", ["បាន?", "បានលុយហើយ តែមិនគ្រប់", "yes but not all", "ទេ គេមិនទាន់ឱ្យ"])
async def test_whoever_says_more_is_read_by_somebody(line: Line, text: str) -> None:
    person, code, _ = await _finished(line)
    await person.write(text)
    assert await state_of(line, code) == "reopened"
    assert await said_in(line, code) == [UNPAID, text]


async def test_a_second_answer_in_words_is_a_message(line: Line) -> None:
    person, code, _ = await _finished(line)
    await person.write("yes")
    assert await said_in(line, code) == [UNPAID]
    await person.write("no")
    assert await said_in(line, code) == [UNPAID, "no"]
    assert await state_of(line, code) == "reopened"


async def test_what_has_not_been_sent_is_not_answered(line: Line) -> None:
    person = await walk_to(line.person(), "Menu:main")
    await person.write(UNPAID)
    code = await only_code(line)
    await finish(line, code)
    await person.write("yes")
    assert await said_in(line, code) == [UNPAID, "yes"]


async def test_in_a_form_the_newer_question_is_answered(line: Line) -> None:
    person, code, _ = await _finished(line)
    await person.write("ម៉ឺនុយ")
    await person.press(words(line, "menu-register"), words(line, "consent-agree"))
    await person.write("yes")
    assert await said_in(line, code) == [UNPAID]
    at = await stands(person)
    assert at.answers is not None
    assert at.answers["name"] == "yes"
    await person.write("បានជួយហើយ")
    assert (await stands(person)).window == "Answered:said"
    await person.press(words(line, "button-back"))
    assert await stands(person) == at


async def test_when_the_centre_wrote_after_it_words_are_asked_about(line: Line) -> None:
    phone, code = await _finished_by_sms(line)
    await reply(line, code, DO_YOU)
    await deliver(line)
    await phone.send("ទេ")
    assert (await stands(phone)).window == "Talk:whose"
    assert await state_of(line, code) == "done"
    await phone.send("2", "ទេ")
    assert await state_of(line, code) == "reopened"
    assert await said_in(line, code) == [UNPAID]


async def test_words_that_quote_the_question_answer_it(line: Line) -> None:
    person, code, message = await _finished(line)
    await reply(line, code, DO_YOU)
    await deliver(line)
    await person.send(text="បាទ", reply_to_message={"message_id": message})
    assert (await stands(person)).window == "Answered:said"
    assert await said_in(line, code) == [UNPAID]


async def test_words_that_quote_something_else_do_not(line: Line) -> None:
    person, code, _ = await _finished(line)
    await reply(line, code, DO_YOU)
    message = int(await deliver(line))
    await person.send(text="បាទ", reply_to_message={"message_id": message})
    assert await said_in(line, code) == [UNPAID, "បាទ"]


# --- a number alone ---


@pytest.mark.parametrize(
    ("typed", "state"), [("1", "done"), ("1.", "done"), ("២", "reopened"), (" 2។", "reopened")]
)
@pytest.mark.parametrize("way", [(), ("*",), ("*", "1")])
async def test_a_number_answers_what_came_last(
    line: Line, way: tuple[str, ...], typed: str, state: str
) -> None:
    phone = await text_to(line.phone(), "Menu:main")
    await phone.send(UNPAID, *way)
    code = await only_code(line)
    await finish(line, code)
    await deliver(line)
    key = "answered-came" if state == "done" else "answered-not-came"
    assert words(line, key, "sms", code=code) in await phone.send(typed)
    assert await state_of(line, code) == state
    assert await said_in(line, code) == [UNPAID]


async def test_it_is_taken_once_although_it_comes_twice(line: Line) -> None:
    phone, code = await _finished_by_sms(line)
    item = next(line.ids)
    for _ in range(2):
        line.ids = iter([item])
        await line.take("sms", {"From": phone.number, "Body": "2"})
        await line.app.redis.flushdb()
    assert await state_of(line, code) == "reopened"
    assert await said_in(line, code) == [UNPAID]


async def test_a_number_that_was_sent_before_the_question_came_is_no_answer(line: Line) -> None:
    phone, _ = await _finished_by_sms(line)
    early = line.clock.replace(hour=1)
    await line.take("sms", {"From": phone.number, "Body": "1"}, received_at=early)
    assert (await stands(phone)).window != "Answered:said"


async def test_a_number_after_something_else_is_asked_about(line: Line) -> None:
    phone, code = await _finished_by_sms(line)
    await phone.send("*")
    await reply(line, code, DO_YOU)
    await deliver(line)
    await phone.send("1")
    assert (await stands(phone)).window == "Talk:whose"


async def test_a_number_answers_the_screen_that_was_shown_since(line: Line) -> None:
    phone, code = await _finished_by_sms(line)
    await phone.send("*", "1")
    assert (await stands(phone)).window == "Registration:consent"
    assert await said_in(line, code) == [UNPAID]


@pytest.mark.parametrize("text", ["", "?", "ok", "បាទ?", "thanks", "1", "សុខា", "បាទ លុយ"])
def test_what_is_neither(text: str) -> None:
    assert yes_no.read(text) is None
