"""The question whether somebody may be referred, on both phones, and who was told what."""

import pytest
from aiogram.types import Chat, InlineKeyboardMarkup, Message
from sqlalchemy import select, update

from db.models import Recall, Referral
from services import addresses, sms_text
from services.referrals.fields import LONGEST_NEED_BY_SMS
from tests.dialogs.at_my_data import MY_DATA, address_known
from tests.dialogs.centre_staff import last_sent, only_code, state_of
from tests.dialogs.refer_somebody import hand_over, may_refer, state_of_referral
from tests.dialogs.walk import stands, text_to, walk_to, words
from tests.people import NOW, Line, SmsPerson, TelegramPerson
from tests.services.referred import NEED, TOLD


async def _registered(line: Line) -> TelegramPerson:
    return await walk_to(line.person(), "Registration:done")


async def _asked_on_telegram(line: Line) -> tuple[TelegramPerson, str, Message]:
    """The question in the chat, as delivery sends it."""
    person = await _registered(line)
    code = await only_code(line, "registration")
    await may_refer(line, code)
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
    phone = await text_to(line.phone(), "Registration:done")
    code = await only_code(line, "registration")
    await may_refer(line, code)
    return phone, code


async def test_the_message_says_who_what_for_and_what_is_told(line: Line) -> None:
    _, _, asked = await _asked_on_telegram(line)
    assert asked.text is not None
    told = ("refer-for-work", "refer-field-name", "refer-field-phone")
    for part in ("Job Centre (km)", NEED, *(words(line, key) for key in told)):
        assert part in asked.text
    assert words(line, "refer-field-age") not in asked.text


@pytest.mark.parametrize(
    ("pressed", "state", "said"),
    [
        ("consent-agree", "agreed", "answered-agreed"),
        ("consent-refuse", "refused", "answered-not-agreed"),
    ],
)
async def test_a_button_answers(line: Line, pressed: str, state: str, said: str) -> None:
    person, code, asked = await _asked_on_telegram(line)
    await line.app.redis.flushdb()
    data, _ = person.data_of(words(line, pressed))
    for _ in range(2):
        await person.press_data(data, asked)
    assert await state_of_referral(line) == state
    assert await state_of(line, code) == "taken"
    assert words(line, said, code=code) in person.screen


async def test_a_no_after_the_yes_takes_it_back(line: Line) -> None:
    person, code, asked = await _asked_on_telegram(line)
    agree, refuse = (
        person.data_of(words(line, key))[0] for key in ("consent-agree", "consent-refuse")
    )
    for pressed in (agree, refuse):
        await person.press_data(pressed, asked)
    assert await state_of_referral(line) == "ended"
    assert words(line, "answered-not-agreed", code=code) in person.screen, "nothing was told yet"


async def test_what_was_told_is_said_to_be_asked_back_also_after_staff_ended_it(line: Line) -> None:
    """A promise is made only where somebody is told to keep it."""
    person, code, asked = await _asked_on_telegram(line)
    agree, refuse = (
        person.data_of(words(line, key))[0] for key in ("consent-agree", "consent-refuse")
    )
    await person.press_data(agree, asked)
    async with line.app.new_session.begin() as session:
        await session.execute(update(Referral).values(state="ended", given_at=NOW))
    for _ in range(2):
        await person.press_data(refuse, asked)
    assert words(line, "answered-taken-back", code=code) in person.screen
    async with line.app.new_session() as session:
        assert [one.code for one in await session.scalars(select(Recall))] == [code]


async def test_the_sms_says_what_would_be_told_and_names_the_answers(line: Line) -> None:
    phone, code = await _asked_by_sms(line)
    text = (await last_sent(line))["text"]
    assert NEED in text
    assert f"K1 = {words(line, 'consent-agree', 'sms')}" in text
    assert f"K2 = {words(line, 'consent-refuse', 'sms')}" in text
    assert sms_text.count(text).parts <= 3, text
    told = await phone.send("k1")
    assert words(line, "answered-agreed", "sms", code=code) in told
    assert sms_text.count(told).parts == 1, told
    assert await state_of_referral(line) == "agreed"


async def test_by_sms_an_answer_that_is_none_is_told_those_there_are(line: Line) -> None:
    phone, _ = await _asked_by_sms(line)
    told = await phone.send("K3")
    assert f"K2 = {words(line, 'consent-refuse', 'sms')}" in told
    await phone.send("K2")
    assert await state_of_referral(line) == "refused"


async def test_it_can_be_answered_where_the_request_is(line: Line) -> None:
    phone, code = await _asked_by_sms(line)
    shown = await phone.send("សំណើ", "1")
    assert words(line, "request-answer", "sms") in shown
    asked = await phone.send("1")
    assert (await stands(phone)).window == "PassingOn:one"
    assert "Job Centre (km)" in asked
    assert sms_text.count(asked).parts <= 3, asked
    await phone.send("1")
    assert await state_of_referral(line) == "agreed"
    assert await state_of(line, code) == "taken"


async def test_on_a_phone_that_others_read_a_yes_comes_after_reading(line: Line) -> None:
    person = await _registered(line)
    address = await address_known(person)
    async with line.app.new_session.begin() as session:
        await addresses.set_shared(session, address.id, True)
    await may_refer(line, await only_code(line, "registration"))
    sent = await last_sent(line)
    assert "Job Centre" not in str(sent)
    assert "reply_markup" not in sent
    await person.write("សំណើ")
    await person.press(person.buttons[0])
    await person.press(words(line, "request-answer"))
    assert "Job Centre (km)" in person.screen
    await person.press(words(line, "consent-agree"))
    assert await state_of_referral(line) == "agreed"


async def test_by_sms_too_a_yes_comes_after_all_of_it_was_read(line: Line) -> None:
    phone = await text_to(line.phone(), "Registration:done")
    async with line.app.new_session.begin() as session:
        await addresses.set_shared(session, (await address_known(phone)).id, True)
    need = "ក" * LONGEST_NEED_BY_SMS
    await may_refer(line, await only_code(line, "registration"), need=need)
    assert need not in (await last_sent(line))["text"]
    await phone.send("សំណើ", "1")
    assert need in await phone.send("1")
    await phone.send("1")
    assert await state_of_referral(line) == "agreed"


async def test_what_became_known_meanwhile_keeps_a_yes_from_counting(line: Line) -> None:
    person, _, asked = await _asked_on_telegram(line)
    address = await address_known(person)
    async with line.app.new_session.begin() as session:
        await addresses.set_shared(session, address.id, True)
    await person.press_data(person.data_of(words(line, "consent-agree"))[0], asked)
    assert await state_of_referral(line) == "asked"
    assert (await stands(person)).window == "PassingOn:one"
    await person.press(words(line, "consent-agree"))
    assert await state_of_referral(line) == "agreed"


async def test_who_was_told_is_seen_and_taken_back(line: Line) -> None:
    person = await _registered(line)
    code = await only_code(line, "registration")
    await person.write(MY_DATA)
    assert words(line, "data-passed-on") not in person.buttons
    await may_refer(line, code, told=TOLD)
    await hand_over(line, code)
    await person.write(MY_DATA)
    await person.press(words(line, "data-passed-on"))
    await person.press(person.buttons[0])
    assert words(line, "refer-field-phone") in person.screen
    await person.press(words(line, "passing-take-back"))
    assert await state_of_referral(line) == "given"
    await person.press(words(line, "passing-take-back-yes"))
    assert await state_of_referral(line) == "ended"
    assert await state_of(line, code) == "taken"


@pytest.mark.parametrize("word", ["STOP", "ឈប់"])
async def test_stop_ends_it_and_back_answers_change_nothing(line: Line, word: str) -> None:
    person, _, asked = await _asked_on_telegram(line)
    await person.write(word)
    assert await state_of_referral(line) == "ended"
    await person.press_data(person.data_of(words(line, "consent-agree"))[0], asked)
    assert await state_of_referral(line) == "ended"


async def test_no_longer_agreeing_to_be_passed_on_ends_it(line: Line) -> None:
    person, _, _ = await _asked_on_telegram(line)
    await person.write(MY_DATA)
    await person.press(words(line, "data-agreements"), words(line, "purpose-sharing"))
    await person.press(words(line, "consent-refuse"))
    assert await state_of_referral(line) == "ended"


@pytest.mark.parametrize("data", ["passing_act:agree", "passing_act:take_back", "?999999:1"])
async def test_a_forged_press_answers_nothing(line: Line, data: str) -> None:
    person, _, asked = await _asked_on_telegram(line)
    await person.press_data(data, asked)
    assert await state_of_referral(line) == "asked"


async def test_whoever_blocks_us_is_referred_to_nobody(line: Line) -> None:
    """It means STOP: an agency would call somebody who wants no contact."""
    person, _, _ = await _asked_on_telegram(line)
    chat = {"id": person.id, "type": "private"}
    change = {"chat": chat, "new_chat_member": {"status": "kicked"}}
    await line.take("telegram", {"update_id": 1, "my_chat_member": change})
    assert await state_of_referral(line) == "ended"
