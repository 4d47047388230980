"""The words of an answer to "may we refer you?", typed instead of its letter or button."""

from sqlalchemy import select

from db.models import Request
from services import addresses, sms_text
from tests.dialogs.at_my_data import address_known
from tests.dialogs.centre_staff import deliver, only_code, reply, said_in
from tests.dialogs.refer_somebody import hand_over, may_refer, state_of_referral
from tests.dialogs.walk import stands, text_to, walk_to, words
from tests.people import Line, SmsPerson, TelegramPerson

AGREE = "យល់ព្រម"


async def _asked_by_sms(line: Line) -> tuple[SmsPerson, str]:
    phone = await text_to(line.phone(), "Registration:done")
    code = await only_code(line, "registration")
    await may_refer(line, code)
    await deliver(line)
    return phone, code


async def _asked_on_telegram(line: Line) -> tuple[TelegramPerson, str, int]:
    person = await walk_to(line.person(), "Registration:done")
    code = await only_code(line, "registration")
    await may_refer(line, code)
    return person, code, int(await deliver(line))


async def _talks(line: Line) -> list[str]:
    async with line.app.new_session.begin() as session:
        query = select(Request.code).order_by(Request.id)
        return [text for code in await session.scalars(query) for text in await said_in(line, code)]


async def test_by_sms_the_word_of_the_question_answers_it(line: Line) -> None:
    phone, code = await _asked_by_sms(line)
    told = await phone.send("យល់\u200bព្រម។")
    assert words(line, "answered-agreed", "sms", code=code) in told
    assert await state_of_referral(line) == "agreed"
    assert await _talks(line) == []


async def test_so_does_the_no_and_it_is_taken_once_although_it_comes_twice(line: Line) -> None:
    phone, code = await _asked_by_sms(line)
    item = next(line.ids)
    for _ in range(2):
        line.ids = iter([item])
        (told,) = await line.take("sms", {"From": phone.number, "Body": "i do not AGREE"})
        assert words(line, "answered-not-agreed", "sms", code=code) in told.text
        await line.app.redis.flushdb()
    assert await state_of_referral(line) == "refused"
    assert await _talks(line) == []


async def test_on_telegram_the_words_of_its_button_do(line: Line) -> None:
    person, code, _ = await _asked_on_telegram(line)
    await person.write(AGREE)
    assert words(line, "answered-agreed", code=code) in person.screen
    assert await state_of_referral(line) == "agreed"


async def test_more_words_and_words_before_it_came_are_for_the_centre(line: Line) -> None:
    phone = await text_to(line.phone(), "Registration:done")
    await may_refer(line, await only_code(line, "registration"))
    for text in (AGREE, f"{AGREE} តែមិនប្រាប់លេខ"):
        await phone.send(text)
        await deliver(line)
    assert await state_of_referral(line) == "asked"
    assert await _talks(line) == [AGREE, f"{AGREE} តែមិនប្រាប់លេខ"]


async def test_on_a_phone_that_others_read_it_is_read_in_full_first(line: Line) -> None:
    phone, _ = await _asked_by_sms(line)
    async with line.app.new_session.begin() as session:
        await addresses.set_shared(session, (await address_known(phone)).id, True)
    assert "Job Centre" in await phone.send(AGREE)
    assert (await stands(phone)).window == "PassingOn:one"
    assert await state_of_referral(line) == "asked"
    await phone.send(AGREE)
    assert await state_of_referral(line) == "agreed"


async def test_after_other_words_of_the_centre_the_letter_is_asked_for(line: Line) -> None:
    phone, code = await _asked_by_sms(line)
    await reply(line, code, "យើងទៅជួបបងថ្ងៃចន្ទ យល់ព្រមទេ?")
    await deliver(line)
    told = await phone.send(AGREE)
    assert "K1 ឬ K2" in told
    assert sms_text.count(told).parts <= 2, told
    assert await _talks(line) == [AGREE]
    assert await state_of_referral(line) == "asked"
    await phone.send("K1")
    assert await state_of_referral(line) == "agreed"


async def test_on_telegram_it_is_quoted_or_its_button_pressed(line: Line) -> None:
    person, code, asked = await _asked_on_telegram(line)
    await reply(line, code, "យើងទៅជួបបងថ្ងៃចន្ទ យល់ព្រមទេ?")
    await deliver(line)
    await person.write(AGREE)
    assert "ប៊ូតុង" in person.screen
    assert await state_of_referral(line) == "asked"
    await person.send(text=AGREE, reply_to_message={"message_id": asked})
    assert await state_of_referral(line) == "agreed"


async def test_of_two_questions_either_letter_is_named(line: Line) -> None:
    phone, _ = await _asked_by_sms(line)
    await phone.send("CALL")
    await may_refer(line, await only_code(line, "call"), shared=(), through_us=True)
    await deliver(line)
    assert "K1 ឬ L1" in await phone.send(AGREE)
    assert await _talks(line) == [AGREE]


async def test_a_screen_that_asks_in_the_same_words_is_answered(line: Line) -> None:
    person = await walk_to(line.person(), "Menu:main")
    await person.write("ទូរសព្ទមកខ្ញុំ")
    await may_refer(line, await only_code(line, "call"), shared=(), through_us=True)
    await deliver(line)
    await person.write("ម៉ឺនុយ")
    await person.press(words(line, "menu-register"))
    await person.write(AGREE)
    assert (await stands(person)).window == "Registration:name"
    assert await state_of_referral(line) == "asked"


async def test_what_is_asked_after_it_may_be_meant_as_well(line: Line) -> None:
    person = await walk_to(line.person(), "Menu:main")
    await person.write("ទូរសព្ទមកខ្ញុំ")
    await person.write("ម៉ឺនុយ")
    await person.press(words(line, "menu-register"))
    await may_refer(line, await only_code(line, "call"), shared=(), through_us=True)
    await deliver(line)
    await person.write(AGREE)
    assert (await stands(person)).window == "Registration:consent"
    assert await _talks(line) == [AGREE]
    assert await state_of_referral(line) == "asked"


async def test_the_sms_after_handing_over_says_how_to_take_it_back(line: Line) -> None:
    phone, code = await _asked_by_sms(line)
    await phone.send("K1")
    await hand_over(line, code)
    await deliver(line)
    assert words(line, "data-passed-on", "sms") in await phone.send("MYDATA", "99")
