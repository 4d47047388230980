"""The question after the end, answered at once, months later, twice, or when all has changed."""

from dataclasses import replace
from datetime import timedelta

import pytest
from aiogram.types import Chat, InlineKeyboardMarkup, Message

from services import sms_text, threads
from tests.dialogs.centre_staff import finish, hire, kinds_said, last_sent, only_code, state_of
from tests.dialogs.walk import question, stands, text_to, walk_to, words
from tests.people import NOW, Line, SmsPerson, TelegramPerson

UNPAID = "ថៅកែមិនទាន់ឱ្យប្រាក់ខែខ្ញុំ"


async def _asked_on_telegram(line: Line) -> tuple[TelegramPerson, str, Message]:
    """Somebody with the question in the chat, as delivery sends it."""
    person = await walk_to(line.person(), "Menu:main")
    await person.write(UNPAID)
    code = await only_code(line)
    await finish(line, code)
    sent = await last_sent(line)
    asked = Message(
        message_id=next(line.memory.numbers),
        date=NOW,
        chat=Chat(id=person.id, type="private"),
        text=sent["text"],
        reply_markup=InlineKeyboardMarkup.model_validate(sent["reply_markup"]),
    )
    line.memory.messages[person.id][asked.message_id] = asked
    return person, code, asked


async def _asked_by_sms(line: Line) -> tuple[SmsPerson, str]:
    phone = await text_to(line.phone(), "Menu:main")
    await phone.send(UNPAID)
    code = await only_code(line)
    await finish(line, code)
    return phone, code


@pytest.mark.parametrize(
    ("pressed", "state", "said"),
    [("help-yes", "done", "answered-came"), ("help-no", "reopened", "answered-not-came")],
)
async def test_a_button_answers_also_months_later(
    line: Line, pressed: str, state: str, said: str
) -> None:
    person, code, asked = await _asked_on_telegram(line)
    await line.app.redis.flushdb()
    data, _ = person.data_of(words(line, pressed))
    await person.press_data(data, asked)
    assert await state_of(line, code) == state
    assert question(line, said) in person.screen
    assert code in person.screen


async def test_the_same_answer_once_more_is_told_how_things_stand(line: Line) -> None:
    person, code, asked = await _asked_on_telegram(line)
    no, _ = person.data_of(words(line, "help-no"))
    for _ in range(2):
        await person.press_data(no, asked)
        await person.write("ម៉ឺនុយ")
    await person.press_data(no, asked)
    assert await state_of(line, code) == "reopened"
    assert words(line, "stage-reopened") in person.screen
    assert await kinds_said(line, code) == ["reopened"]


async def test_an_answer_in_the_midst_of_a_form_leaves_the_form(line: Line) -> None:
    person, _, asked = await _asked_on_telegram(line)
    await person.write("ម៉ឺនុយ")
    await person.press(words(line, "menu-register"))
    before = await stands(person)
    await person.press_data(person.data_of(words(line, "help-yes"))[0], asked)
    assert (await stands(person)).window == "Answered:said"
    await person.write(words(line, "button-back"))
    assert await stands(person) == before


@pytest.mark.parametrize("data", ["?999999:1", "?1:9", "?0:1", "?1:", "?x:1"])
async def test_a_forged_answer_changes_nothing(line: Line, data: str) -> None:
    person, code, asked = await _asked_on_telegram(line)
    await person.press_data(data, asked)
    assert await state_of(line, code) == "done"
    assert person.screen


async def test_somebody_elses_question_is_not_answered(line: Line) -> None:
    person, code, asked = await _asked_on_telegram(line)
    data, _ = person.data_of(words(line, "help-no"))
    other = await walk_to(line.person(600), "Menu:main")
    await other.press_data(data, asked)
    assert await state_of(line, code) == "done"
    assert words(line, "answered-gone") in other.screen


async def test_the_sms_names_the_answers_in_one_or_two_parts(line: Line) -> None:
    _, code = await _asked_by_sms(line)
    text = (await last_sent(line))["text"]
    assert code in text
    assert f"K1 = {words(line, 'help-yes', 'sms')}" in text
    assert f"K2 = {words(line, 'help-no', 'sms')}" in text
    assert sms_text.count(text).parts <= 2, text


@pytest.mark.parametrize("typed", ["K1", "k 1", "K១", " k1. "])
async def test_by_sms_a_letter_and_a_number_answer(line: Line, typed: str) -> None:
    phone, code = await _asked_by_sms(line)
    told = await phone.send(typed)
    assert words(line, "answered-came", "sms", code=code) in told
    assert sms_text.count(told).parts == 1, told


async def test_a_double_tap_is_answered_once(line: Line) -> None:
    person, _, asked = await _asked_on_telegram(line)
    pressed, _ = person.data_of(words(line, "help-no"))
    await person.press_data(pressed, asked)
    shown = person.chat
    await person.press_data(pressed, asked)
    assert person.chat == shown


@pytest.mark.parametrize("typed", ["K9", "k 3"])
async def test_by_sms_an_answer_that_is_none_is_told_those_there_are(
    line: Line, typed: str
) -> None:
    phone, code = await _asked_by_sms(line)
    told = await phone.send(typed)
    for answer in ("K1 = ", "K2 = "):
        assert answer in told
    assert sms_text.count(told).parts == 1, told
    assert await state_of(line, code) == "done"
    await phone.send("K2")
    assert await state_of(line, code) == "reopened"
    assert words(line, "answered-gone", "sms") in await phone.send(typed)


async def test_by_sms_a_no_opens_it_again_also_after_a_flush(line: Line) -> None:
    phone, code = await _asked_by_sms(line)
    await line.app.redis.flushdb()
    told = await phone.send("k2")
    assert await state_of(line, code) == "reopened"
    assert words(line, "answered-not-came", "sms", code=code) in told


# --- answered otherwise later ---


async def test_a_no_after_a_yes_opens_it_again(line: Line) -> None:
    person, code, asked = await _asked_on_telegram(line)
    yes, no = (person.data_of(words(line, key))[0] for key in ("help-yes", "help-no"))
    await person.press_data(yes, asked)
    later = NOW + timedelta(days=3)
    line.conversation = replace(line.conversation, now=lambda: later)
    await person.press_data(no, asked)
    assert question(line, "answered-not-came") in person.screen
    assert await state_of(line, code) == "reopened"
    assert await kinds_said(line, code) == ["confirmed", "reopened"]


async def test_a_yes_after_a_no_is_noted_and_closes_nothing(line: Line) -> None:
    person, code, asked = await _asked_on_telegram(line)
    yes, no = (person.data_of(words(line, key))[0] for key in ("help-yes", "help-no"))
    for pressed in (no, yes):
        await person.press_data(pressed, asked)
    assert question(line, "answered-noted") in person.screen
    assert await state_of(line, code) == "reopened"
    await person.press_data(no, asked)
    assert await kinds_said(line, code) == ["reopened", "confirmed", "not_confirmed"]


def _has_buttons(person: TelegramPerson, asked: Message) -> bool:
    return person.line.memory.messages[person.id][asked.message_id].reply_markup is not None


async def _take(line: Line, code: str) -> None:
    by = await hire(line)
    async with line.app.new_session.begin() as session:
        await threads.take(session, code, staff=by, now=NOW)


async def test_the_buttons_stay_as_long_as_another_answer_would_count(line: Line) -> None:
    person, code, asked = await _asked_on_telegram(line)
    yes, no = (person.data_of(words(line, key))[0] for key in ("help-yes", "help-no"))
    await person.press_data(yes, asked)
    await person.write("ម៉ឺនុយ")
    await person.press_data(yes, asked)
    assert words(line, "stage-confirmed") in person.screen
    assert _has_buttons(person, asked)
    await person.press_data(no, asked)
    assert await state_of(line, code) == "reopened"
    await finish(line, code)  # which asks once more
    await person.press_data(yes, asked)
    assert not _has_buttons(person, asked)


async def test_a_no_about_what_staff_have_taken_up_again_is_noted(line: Line) -> None:
    person, code, asked = await _asked_on_telegram(line)
    yes, no = (person.data_of(words(line, key))[0] for key in ("help-yes", "help-no"))
    await person.press_data(no, asked)
    await _take(line, code)
    for pressed in (yes, no):
        await person.press_data(pressed, asked)
        assert question(line, "answered-noted") in person.screen
        assert _has_buttons(person, asked)
    assert await kinds_said(line, code) == ["reopened", "confirmed", "not_confirmed"]
    assert await state_of(line, code) == "taken"


async def test_so_it_is_by_sms(line: Line) -> None:
    phone, code = await _asked_by_sms(line)
    for typed, state, key in (
        ("K1", "done", "answered-came"),
        ("K2", "reopened", "answered-not-came"),
        ("K1", "reopened", "answered-noted"),
    ):
        told = await phone.send(typed)
        assert words(line, key, "sms", code=code) in told
        assert sms_text.count(told).parts == 1, told
        assert await state_of(line, code) == state
    assert await kinds_said(line, code) == ["confirmed", "reopened", "confirmed"]


async def test_a_second_answer_that_comes_twice_is_noted_once(line: Line) -> None:
    phone, code = await _asked_by_sms(line)
    await phone.send("K1")
    item = next(line.ids)
    for _ in range(2):
        line.ids = iter([item])
        await line.take("sms", {"From": phone.number, "Body": "K2"})
        await line.app.redis.flushdb()
    assert await state_of(line, code) == "reopened"
    assert await kinds_said(line, code) == ["confirmed", "reopened"]


async def test_an_older_question_is_answered_otherwise_no_more(line: Line) -> None:
    phone, code = await _asked_by_sms(line)
    await phone.send("K2")
    await finish(line, code)
    assert words(line, "stage-done", "sms") in await phone.send("K1")
    await phone.send("L1")
    assert words(line, "stage-confirmed", "sms") in await phone.send("K1")
    assert await kinds_said(line, code) == ["reopened", "confirmed"]


async def test_an_answer_after_it_was_taken_back(line: Line) -> None:
    phone, code = await _asked_by_sms(line)
    await phone.send("K2", "សំណើ", "1", words(line, "request-withdraw", "sms"), "1")
    assert await state_of(line, code) == "withdrawn"
    assert words(line, "stage-withdrawn", "sms") in await phone.send("K1")
    assert await state_of(line, code) == "withdrawn"


@pytest.mark.parametrize("typed", ["K1", "M2", "K9"])
async def test_a_letter_that_was_never_asked_is_answered_calmly(line: Line, typed: str) -> None:
    phone = await text_to(line.phone(), "Registration:name")
    assert words(line, "answered-gone", "sms") in await phone.send(typed)
    await phone.send("0")
    assert (await stands(phone)).window == "Registration:name"
