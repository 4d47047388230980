"""A digit is an answer when the centre has asked; what was told is not told again as if new."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from db.models import Request
from services import addresses, consent, sms_text
from tests.dialogs.centre_staff import (
    deliver,
    files_of,
    finish,
    only_code,
    reply,
    said_in,
    state_of,
)
from tests.dialogs.walk import question, stands, text_to, walk_to, words
from tests.people import NOW, Line, TelegramPerson

UNPAID = "ថៅកែមិនទាន់ឱ្យប្រាក់ខែខ្ញុំ"
HOW_MANY = "តើប៉ុន្មានខែហើយ?"
LOCATION: dict[str, Any] = {"location": {"latitude": 12.5, "longitude": 104.9}}
VOICE: dict[str, Any] = {"voice": {"file_id": "V", "file_unique_id": "v", "duration": 3}}


async def _asked(line: Line) -> tuple[TelegramPerson, str]:
    person = await walk_to(line.person(), "Menu:main")
    await person.write(UNPAID)
    code = await only_code(line)
    await reply(line, code, HOW_MANY)
    await deliver(line)
    return person, code


@pytest.mark.parametrize("text", ["3", "250$", "1", "👍", "?"])
async def test_a_short_answer_to_the_centre_is_kept(line: Line, text: str) -> None:
    person, code = await _asked(line)
    assert code in await person.write(text)
    assert await said_in(line, code) == [UNPAID, text]


@pytest.mark.parametrize("text", ["3", "250$"])
async def test_so_it_is_by_sms_where_it_presses_nothing(line: Line, text: str) -> None:
    phone = await text_to(line.phone(), "Menu:main")
    await phone.send(UNPAID)
    code = await only_code(line)
    await reply(line, code, HOW_MANY)
    await deliver(line)
    assert code in await phone.send(text)
    assert await said_in(line, code) == [UNPAID, text]


async def test_and_from_whoever_stands_nowhere(line: Line) -> None:
    person, code = await _asked(line)
    await line.app.redis.flushdb()
    await person.write("3")
    assert await said_in(line, code) == [UNPAID, "3"]


@pytest.mark.parametrize("text", ["hello", "/unknown", "\u200b"])
async def test_a_greeting_is_no_answer(line: Line, text: str) -> None:
    person, code = await _asked(line)
    await person.write(text)
    assert await said_in(line, code) == [UNPAID]


async def test_after_two_weeks_a_digit_says_nothing(line: Line) -> None:
    person, code = await _asked(line)
    async with line.app.new_session.begin() as session:
        long_ago = NOW - timedelta(days=15)
        await session.execute(update(Request).values(last_staff_at=long_ago))
    await person.write("3")
    assert await said_in(line, code) == [UNPAID]


# --- what was told once ---


@pytest.mark.parametrize("content", [{"text": "3"}, LOCATION], ids=["digit", "location"])
async def test_a_receipt_is_not_shown_as_if_new(line: Line, content: dict[str, Any]) -> None:
    person = await walk_to(line.person(), "Menu:main")
    await person.write(UNPAID)
    screen = await person.send(**content)
    assert (await stands(person)).window == "Menu:main"
    notice = "notice-unclear" if "text" in content else "notice-unreadable"
    assert screen.startswith(words(line, notice))
    assert question(line, "talk-sent") not in screen


async def test_behind_a_receipt_within_a_form_stands_its_question(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:age")
    await person.send(**VOICE)
    screen = await person.send(**LOCATION)
    assert (await stands(person)).window == "Registration:age"
    assert question(line, "registration-age") in screen


async def test_behind_what_was_added_stands_its_request(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:done")
    await person.write("my requests")
    await person.press(person.buttons[0], words(line, "request-add"))
    await person.write(UNPAID)
    shown = len(person.chat)
    for content in ({"text": "3"}, LOCATION):
        await person.send(**content)
        assert (await stands(person)).window == "Requests:one"
        assert question(line, "requests-added") not in person.screen
        shown += 1
        assert len(person.chat) == shown


async def test_by_sms_the_receipt_is_left_out(line: Line) -> None:
    phone = await text_to(line.phone(), "Menu:main")
    receipt = await phone.send(UNPAID)
    code = await only_code(line)
    assert code in receipt
    unclear = await phone.send("3")
    assert unclear.startswith(words(line, "notice-unclear", "sms"))
    assert words(line, "promise-open", "sms") not in unclear
    assert code not in unclear
    assert sms_text.count(unclear).parts == 1


# --- a voice in the midst ---


async def test_a_voice_while_agreeing_loses_no_tick(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:purposes")
    await person.press(words(line, "purpose-news"), words(line, "purpose-statistics"))
    ticks = [label.startswith("✓") for label in person.buttons]
    await person.send(**VOICE)
    await person.write(UNPAID)
    await person.press(words(line, "button-back"))
    assert (await stands(person)).window == "Registration:purposes"
    assert [label.startswith("✓") for label in person.buttons] == ticks
    assert sum(ticks) == 2
    await person.press(words(line, "button-done"))
    async with line.app.new_session.begin() as session:
        address = await addresses.find(session, "telegram", str(person.id))
        assert address is not None
        state = await consent.get_state(session, address)
    given = {purpose for purpose, answer in state.items() if answer is not None and answer.given}
    assert given >= {consent.NEWS, consent.STATISTICS}


# --- small things ---


async def test_words_after_asking_for_a_call_are_one_conversation(line: Line) -> None:
    phone = await text_to(line.phone(), "Menu:main")
    await phone.send("CALL", UNPAID)
    code = await only_code(line, "call")
    assert await said_in(line, code) == [UNPAID]


async def test_a_voice_after_asking_for_a_call_too(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:done")
    await person.write("CALL")
    await person.send(**VOICE)
    assert await files_of(line, await only_code(line, "call")) == [("voice", "V")]


@pytest.mark.parametrize("text", ["អរគុណ", "អរគុណច្រើនបង!", "Thanks", "orkun bong", "🙏🏽", "❤️"])
async def test_thanks_open_nothing_again(line: Line, text: str) -> None:
    person, code = await _asked(line)
    await finish(line, code)
    await deliver(line)
    screen = await person.write(text)
    assert await state_of(line, code) == "done"
    assert await said_in(line, code) == [UNPAID, text]
    assert code in screen
    assert words(line, "promise-none") in screen


@pytest.mark.parametrize("text", ["អរគុណ តែមិនទាន់បានលុយទេ", "thanks but no money", "🙏?"])
async def test_thanks_and_more_do(line: Line, text: str) -> None:
    person, code = await _asked(line)
    await finish(line, code)
    await deliver(line)
    await person.write(text)
    assert await state_of(line, code) == "reopened"


@pytest.mark.parametrize("text", ["ask staff", "សួរបុគ្គលិក", "Ask Staff please"])
async def test_asking_staff_leads_to_writing(line: Line, text: str) -> None:
    person = await walk_to(line.person(), "Registration:age")
    await person.write(text)
    assert (await stands(person)).window == "Talk:write"


async def test_a_stop_that_is_a_name_too(line: Line) -> None:
    person = await walk_to(line.person(), "Menu:main")
    await person.write("Chob")
    assert (await stands(person)).window == "Messages:stopped"
    other = await walk_to(line.person(600), "Registration:name")
    await other.write("Chob")
    assert (await stands(other)).window == "Registration:age"


async def test_my_data_without_a_question_takes_words(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:done")
    for number, key in enumerate(("data-agreements", "data-download"), 1):
        await person.write("/mydata")
        await person.press(words(line, key))
        await person.write(f"{UNPAID} {number}")
        assert (await stands(person)).window == "Talk:sent", key
    assert len(await said_in(line, await only_code(line))) == 2
