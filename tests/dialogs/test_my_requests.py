"""My requests: how far each has come, more words for it, taking it back, on both phones."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from db.models import Request
from services import sms_text
from tests.dialogs.centre_staff import finish, only_code, reply, said_in, state_of
from tests.dialogs.walk import question, stands, text_to, walk_to, words
from tests.people import NOW, Line, SmsPerson, TelegramPerson

UNPAID = "ថៅកែមិនទាន់ឱ្យប្រាក់ខែខ្ញុំ"
MOST_PARTS = 3


async def _with_a_talk(line: Line) -> tuple[TelegramPerson, str]:
    person = await walk_to(line.person(), "Menu:main")
    await person.write(UNPAID)
    return person, await only_code(line)


async def _open(person: TelegramPerson, code: str) -> str:
    await person.write("សំណើរបស់ខ្ញុំ")
    await person.press(next(label for label in person.buttons if code in label))
    return person.screen


async def test_the_menu_offers_requests_to_whoever_has_any(line: Line) -> None:
    person = await walk_to(line.person(), "Menu:main")
    assert words(line, "menu-requests") not in person.buttons
    await person.write(UNPAID)
    await person.press(words(line, "button-menu"))
    keys = ("register", "requests", "talk", "call", "my_data", "help", "language")
    assert person.buttons == [words(line, f"menu-{key}") for key in keys]


async def test_whoever_has_none_is_told_so(line: Line) -> None:
    person = await walk_to(line.person(), "Menu:main")
    assert words(line, "requests-none") in await person.write("សំណើ")


async def test_a_request_says_how_far_it_is_and_until_when_somebody_answers(line: Line) -> None:
    person, code = await _with_a_talk(line)
    screen = await _open(person, code)
    assert words(line, "stage-received") in screen
    assert "មុនថ្ងៃ" in screen or "ថ្ងៃនេះ" in screen


async def test_a_time_that_has_passed_is_promised_no_longer(line: Line) -> None:
    person, code = await _with_a_talk(line)
    late = update(Request).values(due_at=NOW - timedelta(hours=1))
    async with line.app.new_session.begin() as session:
        await session.execute(late)
    assert words(line, "promise-late") in await _open(person, code)


async def test_what_the_centre_wrote_last_stands_there_in_full(line: Line) -> None:
    person, code = await _with_a_talk(line)
    long = "តើបងមកថ្ងៃចន្ទបានទេ? " * 60
    await reply(line, code, long)
    screen = await _open(person, code)
    assert long.strip() in screen
    assert words(line, "stage-in_progress") in screen
    assert "Theary" in screen


async def test_the_longest_message_of_the_centre_still_fits_a_message(line: Line) -> None:
    person, code = await _with_a_talk(line)
    await reply(line, code, "ក" * 4000)
    screen = await _open(person, code)
    assert len(screen) <= 4096
    assert words(line, "request-add") in person.buttons


async def test_more_is_added_and_the_thread_goes_on_there(line: Line) -> None:
    person, code = await _with_a_talk(line)
    await _open(person, code)
    await person.press(words(line, "request-add"))
    assert question(line, "requests-added") in await person.write("ពីរខែហើយ")
    assert question(line, "requests-added") in await person.write("នៅរោងចក្រ")
    await person.press(words(line, "button-back"))
    await person.write("ខ្ញុំឈ្មោះសុខា")
    assert await said_in(line, code) == [UNPAID, "ពីរខែហើយ", "នៅរោងចក្រ", "ខ្ញុំឈ្មោះសុខា"]


async def test_taking_it_back_needs_two_presses_and_one_double_tap_does_it_once(line: Line) -> None:
    person, code = await _with_a_talk(line)
    await _open(person, code)
    data, screen = person.data_of(words(line, "request-withdraw"))
    await person.press_data(data, screen)
    await person.press_data(data, screen)
    assert await state_of(line, code) == "new"
    data, screen = person.data_of(words(line, "request-withdraw-yes"))
    await person.press_data(data, screen)
    await person.press_data(data, screen)
    assert await state_of(line, code) == "withdrawn"
    assert words(line, "notice-request-withdrawn") in person.screen
    assert words(line, "request-withdraw") not in person.buttons
    assert words(line, "request-add") not in person.buttons


async def test_words_to_what_was_taken_back_begin_another_thread(line: Line) -> None:
    person, code = await _with_a_talk(line)
    await _open(person, code)
    await person.press(words(line, "request-withdraw"), words(line, "request-withdraw-yes"))
    screen = await person.write("ខ្ញុំត្រូវការវិញ")
    assert code not in screen
    assert (await stands(person)).window == "Talk:sent"
    assert await state_of(line, code) == "withdrawn"


@pytest.mark.parametrize(("pressed", "state"), [("came", "done"), ("not_came", "reopened")])
async def test_whether_help_came_can_be_said_there(line: Line, pressed: str, state: str) -> None:
    person, code = await _with_a_talk(line)
    await finish(line, code)
    assert words(line, "next-done") in await _open(person, code)
    await person.press(words(line, f"request-{pressed}"))
    assert await state_of(line, code) == state
    assert words(line, f"request-{pressed}") not in person.buttons


async def _every_step_by_sms(phone: SmsPerson, code: str) -> list[str]:
    line = phone.line
    steps = [await phone.send("សំណើ"), await phone.send("1")]
    steps.append(await phone.send(words(line, "request-add", "sms")))
    steps.append(await phone.send("ពីរខែហើយ"))
    await phone.send("0")
    steps.append(await phone.send(words(line, "request-withdraw", "sms")))
    steps.append(await phone.send("1"))
    return steps


async def test_the_same_by_sms(line: Line) -> None:
    phone = await text_to(line.phone(), "Menu:main")
    await phone.send(UNPAID)
    code = await only_code(line)
    await reply(line, code, "តើបងមកថ្ងៃចន្ទបានទេ?")
    steps = await _every_step_by_sms(phone, code)
    assert "តើបងមកថ្ងៃចន្ទបានទេ?" in steps[1]
    assert sms_text.count(steps[3]).parts == 1, steps[3]
    assert max(sms_text.count(step).parts for step in steps) <= MOST_PARTS, steps
    assert await said_in(line, code) == [UNPAID, "ពីរខែហើយ"]
    assert await state_of(line, code) == "withdrawn"


async def test_somebody_elses_request_is_shown_to_nobody(line: Line) -> None:
    _, code = await _with_a_talk(line)
    other = await walk_to(line.person(600), "Menu:main")
    await other.write("សំណើ")
    assert words(line, "requests-none") in other.screen
    assert code not in str(other.buttons)
