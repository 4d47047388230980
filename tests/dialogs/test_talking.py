"""Whatever people say outside a form reaches the centre, and they are told so."""

import pytest
from aiogram.exceptions import TelegramNetworkError
from aiogram.methods import SendMessage

from services import sms_text
from services.inbox import PassingFault
from services.request_queue import list_requests
from tests.dialogs.centre_staff import only_code, reply, said_in, state_of
from tests.dialogs.walk import question, stands, text_to, walk_to, words
from tests.people import Line, TelegramPerson

UNPAID = "ថៅកែមិនទាន់ឱ្យប្រាក់ខែខ្ញុំ"
AND_SO_ON = "ខ្ញុំធ្វើការនៅទីនោះ ២ ខែ"
DANGER = "មិនចង់រស់"


async def _topics(line: Line) -> list[str]:
    async with line.app.new_session.begin() as session:
        return [each.topic for each in await list_requests(session, state="new")]


async def test_from_the_menu_somebody_writes_and_is_told_the_code(line: Line) -> None:
    person = await walk_to(line.person(), "Menu:main")
    await person.press(words(line, "menu-talk"))
    assert (await stands(person)).window == "Talk:write"
    screen = await person.write(UNPAID)
    code = await only_code(line)
    assert code in screen
    assert await said_in(line, code) == [UNPAID]
    await person.press(words(line, "button-back"))
    assert (await stands(person)).window == "Menu:main"


async def test_the_same_by_sms_is_answered_in_one_part(line: Line) -> None:
    phone = await text_to(line.phone(), "Menu:main")
    await phone.send(words(line, "menu-talk", "sms"))
    receipt = await phone.send(UNPAID)
    code = await only_code(line)
    assert code in receipt
    assert sms_text.count(receipt).parts == 1, receipt
    assert await said_in(line, code) == [UNPAID]


async def test_what_is_written_at_rest_goes_to_the_centre_at_once(line: Line) -> None:
    for number, screen in enumerate(("Menu:main", "Registration:done")):
        person = await walk_to(line.person(500 + number), screen)
        await person.write(UNPAID)
        assert (await stands(person)).window == "Talk:sent", screen
    phone = await text_to(line.phone(), "Menu:main")
    await phone.send("*", UNPAID)
    assert (await stands(phone)).window == "Talk:sent"


async def test_several_texts_in_a_row_are_one_thread(line: Line) -> None:
    phone = await text_to(line.phone(), "Menu:main")
    for text in (UNPAID, AND_SO_ON, "012 345 678"):
        await phone.send(text)
    assert await said_in(line, await only_code(line)) == [UNPAID, AND_SO_ON, "012 345 678"]


async def test_the_very_first_words_are_kept_before_a_language_is_known(line: Line) -> None:
    person = line.person()
    asked = await person.write(UNPAID)
    code = await only_code(line)
    assert code in asked
    assert question(line, "language-choose") in asked
    await person.write(AND_SO_ON)
    await person.press("English")
    assert "We have received your message" in person.screen
    assert code in person.screen
    assert await said_in(line, code) == [UNPAID, AND_SO_ON]


async def test_so_are_the_first_words_by_sms(line: Line) -> None:
    phone = line.phone()
    asked = await phone.send(UNPAID)
    code = await only_code(line)
    assert code in asked
    assert sms_text.count(asked).parts <= 3
    assert code in await phone.send("1")
    assert (await stands(phone)).window == "Talk:sent"


@pytest.mark.parametrize("text", ["hello", "សួស្ដី", "hi", "5", "????", "👍", "/unknown", "\u200b"])
async def test_what_says_nothing_is_no_message(line: Line, text: str) -> None:
    person = await walk_to(line.person(), "Menu:main")
    assert await person.write(text)
    assert (await stands(person)).window == "Menu:main"
    assert await _topics(line) == []


async def test_a_word_of_danger_is_written_down_nowhere(line: Line) -> None:
    person = await walk_to(line.person(), "Menu:main")
    await person.press(words(line, "menu-talk"))
    await person.write(f"{UNPAID} {DANGER}")
    assert question(line, "call-offer") in person.screen
    photo = [{"file_id": "A", "file_unique_id": "u", "width": 1, "height": 1}]
    await person.send(photo=photo, caption=DANGER)
    assert await _topics(line) == []


async def test_words_within_a_form_stay_with_the_form(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:age")
    assert words(line, "notice-unclear") in await person.write(UNPAID)
    assert await _topics(line) == []


async def test_an_answer_to_the_centre_joins_what_the_centre_wrote_about(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:done")
    code = await only_code(line, "registration")
    await reply(line, code, "តើបងមកថ្ងៃចន្ទបានទេ?")
    assert code in await person.write("ខ្ញុំមកបាន")
    assert await said_in(line, code) == ["ខ្ញុំមកបាន"]
    assert await _topics(line) == []
    assert await state_of(line, code) == "taken"


async def test_a_turn_that_comes_again_writes_nothing_twice(line: Line) -> None:
    person = await walk_to(line.person(), "Menu:main")
    line.memory.failing[SendMessage] = TelegramNetworkError(
        SendMessage(chat_id=1, text=""), "cut off"
    )
    item = iter([5_000_000, 5_000_000])
    again = TelegramPerson(Line(line.app, line.conversation, line.memory, item), person.id)
    with pytest.raises(PassingFault):
        await again.write(UNPAID)
    line.memory.failing.clear()
    screen = await again.send(text=UNPAID, attempt=2)
    code = await only_code(line)
    assert code in screen
    assert await said_in(line, code) == [UNPAID]


# --- edited messages ---


async def _edit(person: TelegramPerson, message_id: int, text: str) -> None:
    edited = {
        "message_id": message_id,
        "date": 1,
        "edit_date": 2,
        "chat": {"id": person.id, "type": "private"},
        "from": {"id": person.id, "is_bot": False, "first_name": "S"},
        "text": text,
    }
    await person.line.take("telegram", {"update_id": 1, "edited_message": edited})


async def test_an_edited_message_is_noted_in_its_thread(line: Line) -> None:
    person = await walk_to(line.person(), "Menu:main")
    await person.send(text=UNPAID, message_id=90_001)
    calls = len(line.memory.calls)
    await _edit(person, 90_001, AND_SO_ON)
    corrected = words(line, "thread-corrected", text=AND_SO_ON)
    assert await said_in(line, await only_code(line)) == [UNPAID, corrected]
    assert len(line.memory.calls) == calls, "an edit is answered by nothing"


@pytest.mark.parametrize("text", ["STOP", "CALL", "/start"])
async def test_an_edit_presses_and_asks_for_nothing(line: Line, text: str) -> None:
    person = await walk_to(line.person(), "Menu:main")
    await person.send(text=UNPAID, message_id=90_001)
    await _edit(person, 90_001, text)
    await _edit(person, 5, "another one")
    assert (await stands(person)).window == "Talk:sent"
    assert await said_in(line, await only_code(line)) == [UNPAID]


async def test_an_edit_within_a_form_is_left_alone(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:age")
    await _edit(person, 90_001, "32")
    assert (await stands(person)).window == "Registration:age"
