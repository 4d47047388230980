"""All that the centre wrote can be read under "my requests", whatever became of the messages."""

import pytest

from services import addresses, sms_text
from tests.dialogs.centre_staff import last_sent, only_code, reply, said_in
from tests.dialogs.walk import text_to, walk_to, words
from tests.people import NOW, Line, SmsPerson, TelegramPerson

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


LONG = ["ទីមួយ " + "ក" * 700, "ទីពីរ " + "ខ" * 700, "ទីបី " + "គ" * 700]


async def _waiting_by_sms(line: Line, *replies: str) -> SmsPerson:
    phone = await text_to(line.phone(), "Menu:main")
    await phone.send(UNPAID, "STOP")
    for text in replies:
        await reply(line, await only_code(line), text)
    await phone.send("START")
    return phone


async def test_long_answers_are_read_one_after_the_other_by_sms(line: Line) -> None:
    phone = await _waiting_by_sms(line, *LONG)
    summary = await phone.send("STATUS", "1")
    assert words(line, "request-read", "sms", count=3) in summary
    assert sms_text.count(summary).parts <= 3, summary
    pages = [await phone.send(sent) for sent in ("1", "99", "99")]
    for n, (page, text) in enumerate(zip(pages, LONG, strict=True), 1):
        assert f"{n}/3" in page
        assert text in page
        assert sms_text.units(page) <= sms_text.CARRIER_LIMIT
    assert ["99 " in page for page in pages] == [True, True, False]
    assert words(line, "request-read", "sms", count=3) in await phone.send("0")


async def test_english_says_which_of_how_many(line: Line) -> None:
    phone = await _waiting_by_sms(line, *LONG)
    await phone.send("english", "STATUS", "1")
    assert "2 of 3, today:" in await phone.send("1", "99")


async def test_a_message_longer_than_an_sms_is_read_in_pieces(line: Line) -> None:
    phone = await text_to(line.phone(), "Menu:main")
    await phone.send(UNPAID)
    long = " ".join(f"ពាក្យ{n}" for n in range(180))
    await reply(line, await only_code(line), long)
    pages = [await phone.send("STATUS", "1", "1"), await phone.send("99")]
    for page in pages:
        assert sms_text.units(page) <= sms_text.CARRIER_LIMIT
    assert all(word in "\n".join(pages).split() for word in long.split())


async def test_words_written_while_reading_belong_to_the_request(line: Line) -> None:
    phone = await _waiting_by_sms(line, *LONG)
    await phone.send("STATUS", "1", "1", "ខ្ញុំយល់ហើយ នឹងទៅ")
    code = await only_code(line)
    assert await said_in(line, code) == [UNPAID, "ខ្ញុំយល់ហើយ នឹងទៅ"]


async def test_what_is_too_long_for_one_message_is_paged_on_telegram(line: Line) -> None:
    long = ["ទីមួយ", "ទីពីរ " + "ក" * 1500, "ទីបី " + "ខ" * 3900]
    person = await walk_to(line.person(), "Menu:main")
    await person.write(UNPAID)
    code = await only_code(line)
    for text in long:
        await reply(line, code, text)
    await person.write(MY_REQUESTS)
    await person.press(next(label for label in person.buttons if code in label))
    await person.press(words(line, "request-read", count=3))
    seen = [person.screen]
    while words(line, "button-more") in person.buttons:
        seen.append(await person.press(words(line, "button-more")))
    assert all(len(screen) <= 4096 for screen in seen)
    assert long[0] in seen[0]
    assert long[1] in seen[1]
    assert sum(screen.count("ខ") for screen in seen[2:]) >= 3900
    assert "ទីមួយ" in (await person.press(*[words(line, "button-fewer")] * (len(seen) - 1)))


@pytest.mark.parametrize("replies", [["សូមមក"], LONG])
async def test_who_read_what_waited_is_told_of_it_no_more(line: Line, replies: list[str]) -> None:
    phone = await text_to(line.phone(), "Menu:main")
    await phone.send(UNPAID, "STOP")
    for text in replies:
        await reply(line, await only_code(line), text)
    await phone.send("STATUS", "1")
    if len(replies) > 1:
        await phone.send("1", "99", "99")
    assert words(line, "notice-answers-wait", "sms") not in await phone.send("START")


async def test_who_read_only_the_first_is_told_that_others_wait(line: Line) -> None:
    phone = await text_to(line.phone(), "Menu:main")
    await phone.send(UNPAID, "STOP")
    for text in LONG:
        await reply(line, await only_code(line), text)
    await phone.send("STATUS", "1", "1")
    assert words(line, "notice-answers-wait", "sms") in await phone.send("START")


@pytest.mark.parametrize("answered", [True, False])
async def test_start_tells_of_answers_that_wait(line: Line, answered: bool) -> None:
    person = await walk_to(line.person(), "Menu:main")
    await person.write(UNPAID)
    await person.write("ឈប់")
    if answered:
        await reply(line, await only_code(line), "សូមមក")
    screen = await person.write("/start")
    assert words(line, "notice-messages-again") in screen
    assert (words(line, "notice-answers-wait") in screen) is answered
    assert words(line, "notice-answers-wait") not in await person.write("/start")


async def test_start_tells_of_answers_that_wait_by_sms(line: Line) -> None:
    phone = await text_to(line.phone(), "Menu:main")
    await phone.send(UNPAID, "STOP")
    await reply(line, await only_code(line), "សូមមក")
    said = await phone.send("START")
    assert words(line, "notice-answers-wait", "sms") in said
    assert sms_text.count(said).parts <= 3
    assert "សូមមក" in await phone.send("សំណើ", "1")


async def _change(person: TelegramPerson, status: str) -> None:
    change = {"chat": {"id": person.id, "type": "private"}, "new_chat_member": {"status": status}}
    await person.line.take("telegram", {"update_id": 1, "my_chat_member": change})


async def test_who_unblocks_us_learns_of_answers_that_wait(line: Line) -> None:
    person = await walk_to(line.person(), "Menu:main")
    await person.write(UNPAID)
    await _change(person, "kicked")
    await reply(line, await only_code(line), "សូមមក")
    await _change(person, "member")
    assert (await last_sent(line))["text"] == words(line, "notice-answers-wait")


async def test_who_writes_again_learns_of_answers_that_did_not_arrive(line: Line) -> None:
    phone = await text_to(line.phone(), "Menu:main")
    await phone.send(UNPAID)
    async with line.app.new_session.begin() as session:
        address = await addresses.find(session, "sms", phone.number)
        assert address is not None
        await addresses.mark_blocked(session, address.id, now=NOW)
    await reply(line, await only_code(line), "សូមមក")
    assert words(line, "notice-answers-wait", "sms") in await phone.send("ម៉ឺនុយ")
    assert words(line, "notice-answers-wait", "sms") not in await phone.send("ម៉ឺនុយ")
