"""The centre asks something while a question of ours stands: whose are the words that come then?"""

from datetime import timedelta

import pytest

from services import sms_text
from tests.dialogs.centre_staff import deliver, finish, only_code, reply, said_in, state_of
from tests.dialogs.walk import question, stands, text_to, walk_to, words
from tests.people import Line, SmsPerson, TelegramPerson

UNPAID = "ថៅកែមិនទាន់ឱ្យប្រាក់ខែខ្ញុំ"
HOW_MANY = "តើប៉ុន្មានខែហើយ?"
OFFICE = "ខ្ញុំនៅពោធិ៍សាត់"


async def _asked_on_telegram(line: Line, window: str) -> tuple[TelegramPerson, str, str]:
    """Somebody in the midst of something; the code and the number of the centre's message."""
    person = line.person()
    await person.write(UNPAID)
    code = await only_code(line)
    await walk_to(person, window)
    await reply(line, code, HOW_MANY)
    return person, code, await deliver(line)


async def _asked_by_sms(line: Line, window: str, *more: str) -> tuple[SmsPerson, str]:
    phone = await text_to(line.phone(), "Menu:main")
    await phone.send(UNPAID)
    code = await only_code(line)
    await phone.send("*")
    if window != "Menu:main":
        await phone.send("1")
    for step in more:
        await phone.send(step)
    assert (await stands(phone)).window == window
    await reply(line, code, HOW_MANY)
    await deliver(line)
    return phone, code


# --- a message that is quoted ---


@pytest.mark.parametrize(
    "window", ["Registration:name", "Registration:sex", "Registration:phone", "Menu:main"]
)
async def test_what_quotes_the_centre_is_for_the_centre(line: Line, window: str) -> None:
    person, code, message = await _asked_on_telegram(line, window)
    before = await stands(person)
    await person.send(text="3", reply_to_message={"message_id": int(message)})
    assert await said_in(line, code) == [UNPAID, "3"]
    assert code in person.screen
    if window != "Menu:main":
        assert await stands(person) == before
        assert question(line, f"registration-{window.partition(':')[2]}") in person.screen


async def test_a_voice_that_quotes_the_centre_too(line: Line) -> None:
    person, code, message = await _asked_on_telegram(line, "Registration:name")
    voice = {"file_id": "V", "file_unique_id": "v", "duration": 3}
    await person.write("ម៉ឺនុយ")
    await person.write("CALL")
    assert code in await person.send(voice=voice, reply_to_message={"message_id": int(message)})


async def test_words_of_every_moment_work_also_when_they_quote(line: Line) -> None:
    person, code, message = await _asked_on_telegram(line, "Registration:name")
    await person.send(text="STOP", reply_to_message={"message_id": int(message)})
    assert (await stands(person)).window == "Messages:stopped"
    assert await said_in(line, code) == [UNPAID]


async def test_quoting_a_question_of_ours_answers_it(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:name")
    asked = person.chat[-1].message_id
    await person.send(text="សុខា", reply_to_message={"message_id": asked})
    assert (await stands(person)).window == "Registration:age"


async def test_it_does_also_when_the_centre_wrote_since(line: Line) -> None:
    person, code, _ = await _asked_on_telegram(line, "Registration:name")
    asked = person.chat[-1].message_id
    await person.send(text="សុខា", reply_to_message={"message_id": asked})
    at = await stands(person)
    assert at.window == "Registration:age"
    assert at.answers is not None
    assert at.answers["name"] == "សុខា"
    assert await said_in(line, code) == [UNPAID]


async def test_quoting_an_older_message_of_ours_is_asked_about(line: Line) -> None:
    person, _, _ = await _asked_on_telegram(line, "Registration:name")
    older = person.chat[0].message_id
    assert older != person.chat[-1].message_id
    await person.send(text="សុខា", reply_to_message={"message_id": older})
    assert (await stands(person)).window == "Talk:whose"


async def test_somebody_elses_message_cannot_be_quoted(line: Line) -> None:
    _, code, message = await _asked_on_telegram(line, "Registration:name")
    other = await walk_to(line.person(600), "Registration:name")
    await other.send(text="សុខា", reply_to_message={"message_id": int(message)})
    assert (await stands(other)).window == "Registration:age"
    assert await said_in(line, code) == [UNPAID]


# --- a question ---


@pytest.mark.parametrize("window", ["Registration:name", "Registration:phone", "Registration:sex"])
async def test_in_a_form_words_are_asked_about(line: Line, window: str) -> None:
    person, code, _ = await _asked_on_telegram(line, window)
    before = await stands(person)
    screen = await person.write("៣ខែ")
    assert (await stands(person)).window == "Talk:whose"
    assert "៣ខែ" in screen
    await person.press(words(line, "whose-centre"))
    assert (await stands(person)).window == "Talk:sent"
    assert await said_in(line, code) == [UNPAID, "៣ខែ"]
    await person.press(words(line, "button-back"))
    assert await stands(person) == before


async def test_for_the_question_it_is_asked_once_more_and_then_taken(line: Line) -> None:
    person, code, _ = await _asked_on_telegram(line, "Registration:name")
    await person.write("សុខា")
    await person.press(words(line, "whose-question"))
    assert person.screen.startswith(words(line, "notice-once-more"))
    assert question(line, "registration-name") in person.screen
    await person.write("សុខា")
    at = await stands(person)
    assert at.window == "Registration:age"
    assert at.answers is not None
    assert at.answers["name"] == "សុខា"
    assert await said_in(line, code) == [UNPAID]


async def test_a_screen_that_is_edited_above_the_message_is_not_the_last_one(line: Line) -> None:
    person, _, _ = await _asked_on_telegram(line, "Registration:name")
    await person.press(words(line, "button-back"), words(line, "consent-agree"))
    assert (await stands(person)).window == "Registration:name"
    await person.write("៣ខែ")
    assert (await stands(person)).window == "Talk:whose"


async def test_buttons_and_words_of_every_moment_are_not_asked_about(line: Line) -> None:
    person, _, _ = await _asked_on_telegram(line, "Registration:sex")
    await person.write(words(line, "button-back"))
    assert (await stands(person)).window == "Registration:age"
    await reply(line, await only_code(line), HOW_MANY)
    await deliver(line)
    await person.write("ម៉ឺនុយ")
    assert (await stands(person)).window == "Menu:main"
    person, _ = line.person(700), None
    await walk_to(person, "Registration:sex")
    await person.press(words(line, "sex-female"))
    assert (await stands(person)).window == "Registration:province"


async def test_more_words_are_asked_about_together(line: Line) -> None:
    person, code, _ = await _asked_on_telegram(line, "Registration:name")
    for text in ("៣", "៣ខែ", "៣ខែ"):
        await person.write(text)
    assert (await stands(person)).window == "Talk:whose"
    await person.press(words(line, "whose-centre"))
    assert (await said_in(line, code))[-1] == "៣\n៣ខែ"


# --- by SMS ---


async def test_by_sms_a_number_on_the_menu_is_asked_about(line: Line) -> None:
    phone, code = await _asked_by_sms(line, "Menu:main")
    asked = await phone.send("3")
    assert (await stands(phone)).window == "Talk:whose"
    assert "3" in asked
    assert sms_text.count(asked).parts <= 2, asked
    told = await phone.send("1")
    assert code in told
    assert sms_text.count(told).parts == 1, told
    assert await said_in(line, code) == [UNPAID, "3"]
    await phone.send("0")
    assert (await stands(phone)).window == "Menu:main"


async def test_by_sms_the_question_comes_again_and_is_answered(line: Line) -> None:
    phone, code = await _asked_by_sms(line, "Registration:age", "1", "សុខា")
    await phone.send("32")
    again = await phone.send("2")
    assert question(line, "registration-age", "sms") in again
    assert words(line, "notice-once-more", "sms") in again
    await phone.send("32")
    assert (await stands(phone)).window == "Registration:sex"
    assert await said_in(line, code) == [UNPAID]


@pytest.mark.parametrize("typed", ["*", "STOP", "CALL", "K1", "menu"])
async def test_by_sms_keys_letters_and_words_are_not_asked_about(line: Line, typed: str) -> None:
    phone, _ = await _asked_by_sms(line, "Registration:name", "1")
    await phone.send(typed)
    assert (await stands(phone)).window != "Talk:whose"


@pytest.mark.parametrize("typed", ["0", "០", "0.", "00", "99"])
@pytest.mark.parametrize("way", [("Menu:main",), ("Registration:name", "1")])
async def test_by_sms_a_key_that_is_a_number_is_asked_about(
    line: Line, way: tuple[str, ...], typed: str
) -> None:
    phone, code = await _asked_by_sms(line, *way)
    assert typed in await phone.send(typed)
    assert (await stands(phone)).window == "Talk:whose"
    await phone.send("1")
    assert await said_in(line, code) == [UNPAID, typed]


async def test_so_it_is_on_a_receipt_and_from_whoever_stands_nowhere(line: Line) -> None:
    phone, code = await _asked_by_sms(line, "Menu:main")
    await phone.send(OFFICE)
    await reply(line, code, HOW_MANY)
    await deliver(line)
    await phone.send("0", "1")
    assert await said_in(line, code) == [UNPAID, OFFICE, "0"]
    await line.app.redis.flushdb()
    await phone.send("0", "1")
    assert await said_in(line, code) == [UNPAID, OFFICE, "0", "0"]


async def test_by_sms_keys_are_keys_when_the_centre_has_not_written_since(line: Line) -> None:
    phone, code = await _asked_by_sms(line, "Registration:name", "1")
    await phone.send("*", "1", "0")
    assert (await stands(phone)).window != "Talk:whose"
    await phone.send("MYDATA", "0")
    assert (await stands(phone)).window != "Talk:whose"
    assert await said_in(line, code) == [UNPAID]


async def test_what_waits_to_be_sent_raises_no_question(line: Line) -> None:
    phone, code = await _asked_by_sms(line, "Menu:main")
    await phone.send("*")
    await reply(line, code, HOW_MANY)
    await phone.send("1")
    assert (await stands(phone)).window == "Registration:consent"


async def test_another_message_while_it_is_asked_is_asked_about_too(line: Line) -> None:
    phone, code = await _asked_by_sms(line, "Menu:main")
    await phone.send("3")
    await reply(line, code, "មែនទេ? 1 ឬ 2")
    await deliver(line)
    await phone.send("2")
    assert (await stands(phone)).window == "Talk:whose"
    await phone.send("1")
    assert await said_in(line, code) == [UNPAID, "3\n2"]


# --- what cannot be undone ---


async def _registered(line: Line) -> tuple[SmsPerson, str]:
    phone = await text_to(line.phone(), "Registration:done")
    return phone, await only_code(line, "registration")


async def _is_registered(phone: SmsPerson) -> bool:
    return "សុខា" in await phone.send("MYDATA", "1")


async def test_an_answer_to_the_centre_deletes_nothing(line: Line) -> None:
    phone, code = await _registered(line)
    await phone.send("MYDATA", words(line, "data-delete", "sms"))
    assert (await stands(phone)).window == "MyData:delete"
    await reply(line, code, HOW_MANY)
    await deliver(line)
    await phone.send("1")
    assert (await stands(phone)).window == "Talk:whose"
    await phone.send("1")
    assert await said_in(line, code) == ["1"]
    assert await _is_registered(phone)


async def test_nor_when_the_centre_wrote_before_the_last_step(line: Line) -> None:
    phone, code = await _registered(line)
    await reply(line, code, HOW_MANY)
    await deliver(line)
    await phone.send("MYDATA", words(line, "data-delete", "sms"), "1")
    assert (await stands(phone)).window == "Talk:whose"
    await phone.send("2")
    assert (await stands(phone)).window == "MyData:delete"
    await phone.send("1")
    assert (await stands(phone)).window == "MyData:deleted"


async def test_a_question_with_a_letter_that_lay_there_before_asks_nothing_more(
    line: Line,
) -> None:
    phone, code = await _registered(line)
    await finish(line, code)
    await deliver(line)
    line.clock += timedelta(minutes=15)
    await phone.send("MYDATA", words(line, "data-delete", "sms"), "1")
    assert (await stands(phone)).window == "MyData:deleted"


async def test_one_that_the_carrier_may_bring_only_now_does(line: Line) -> None:
    phone, code = await _registered(line)
    await finish(line, code)
    await deliver(line)
    await phone.send("MYDATA", words(line, "data-delete", "sms"), "1")
    assert (await stands(phone)).window == "Talk:whose"
    assert await state_of(line, code) == "done"


async def test_unless_it_is_known_to_have_arrived(line: Line) -> None:
    phone, code = await _registered(line)
    await finish(line, code)
    await deliver(line, state="delivered")
    await phone.send("MYDATA", words(line, "data-delete", "sms"), "1")
    assert (await stands(phone)).window == "MyData:deleted"


async def test_nor_when_it_is_sent_twice(line: Line) -> None:
    phone, code = await _registered(line)
    await phone.send("MYDATA", words(line, "data-delete", "sms"))
    await reply(line, code, HOW_MANY)
    await deliver(line)
    payload = {"From": phone.number, "Body": "1"}
    await line.take("sms", payload, received_at=line.clock)
    await line.take("sms", payload, received_at=line.clock)
    assert (await stands(phone)).window == "Talk:whose"
    assert await said_in(line, code) == []


async def test_an_answer_to_the_centre_withdraws_nothing(line: Line) -> None:
    phone, code = await _asked_by_sms(line, "Menu:main")
    await phone.send("STATUS", "1", words(line, "request-withdraw", "sms"))
    assert (await stands(phone)).window == "Requests:withdraw"
    await reply(line, code, HOW_MANY)
    await deliver(line)
    await phone.send("1")
    assert await state_of(line, code) == "taken"
    assert (await stands(phone)).window == "Talk:whose"
    await phone.send("2", "1")
    assert await state_of(line, code) == "withdrawn"


async def test_who_went_there_after_the_centre_wrote_withdraws_at_once(line: Line) -> None:
    phone, code = await _asked_by_sms(line, "Menu:main")
    await phone.send("STATUS", "1", words(line, "request-withdraw", "sms"), "1")
    assert await state_of(line, code) == "withdrawn"


async def test_also_the_question_whether_help_came_counts(line: Line) -> None:
    phone, code = await _registered(line)
    await phone.send("MYDATA", words(line, "data-delete", "sms"))
    await finish(line, code)
    await deliver(line)
    await phone.send("1")
    assert (await stands(phone)).window == "Answered:said"
    assert await _is_registered(phone)
