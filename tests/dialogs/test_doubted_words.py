"""Words that are asked about are never lost: whoever does not answer has given them to the centre.

What is given must be said, once, and the question does not come back.
"""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from bot.jobs.work import Work
from db.models import Draft
from db.models.address import address_index
from services import addresses, drafts, my_data, pending_words, sms_text
from services.inbox import InboxItem
from tests.dialogs.centre_staff import (
    deliver,
    files_of,
    finish,
    only_code,
    reply,
    said_in,
    state_of,
)
from tests.dialogs.walk import address_of, question, stands, text_to, walk_to, words
from tests.people import NOW, Line, SmsPerson, TelegramPerson

UNPAID = "ថៅកែមិនទាន់ឱ្យប្រាក់ខែខ្ញុំ"
HOW_MANY = "តើប៉ុន្មានខែហើយ?"
THREE = "៣ខែ"
VOICE = {"voice": {"file_id": "V", "file_unique_id": "v", "duration": 3}}

Person = TelegramPerson | SmsPerson


async def asked_on_telegram(line: Line, window: str = "Registration:name") -> TelegramPerson:
    """Asked whose their "three months" are."""
    person = line.person()
    await person.write(UNPAID)
    code = await only_code(line)
    await walk_to(person, window)
    await reply(line, code, HOW_MANY)
    await deliver(line)
    await person.write(THREE)
    assert (await stands(person)).window == "Talk:whose"
    return person


async def asked_by_sms(line: Line, window: str = "Registration:name") -> SmsPerson:
    phone = await text_to(line.phone(), "Menu:main")
    await phone.send(UNPAID)
    code = await only_code(line)
    await phone.send("*", "1")
    if window == "Registration:name":
        await phone.send("1")
    assert (await stands(phone)).window == window
    await reply(line, code, HOW_MANY)
    await deliver(line)
    await phone.send(THREE)
    assert (await stands(phone)).window == "Talk:whose"
    return phone


async def said(line: Line) -> list[str]:
    return (await said_in(line, await only_code(line)))[1:]


async def given(line: Line, channel: str = "telegram") -> str:
    return words(line, "notice-given", channel, code=await only_code(line))


async def find_kept(person: Person) -> Draft | None:
    async with person.line.app.new_session() as session:
        address = await addresses.find(session, *address_of(person))
        assert address is not None
        return await drafts.find_draft(session, address.id, pending_words.FORM)


async def run_job(person: Person) -> None:
    """What the clock brings after half an hour."""
    work = Work(person.line.app, None, None, None)  # type: ignore[arg-type]
    async with person.line.app.new_session() as session:
        address = await addresses.find(session, *address_of(person))
    assert address is not None
    await work.give_words(address.id)


async def promised(line: Line) -> list[Any]:
    query = text("SELECT scheduled_at, args FROM procrastinate_jobs WHERE task_name = 'give_words'")
    async with line.app.new_session() as session:
        return list((await session.execute(query)).all())


# --- the question is left ---


@pytest.mark.parametrize(
    ("step", "window"),
    [
        ("button-back", "Registration:name"),
        ("button-menu", "Menu:main"),
    ],
)
async def test_buttons_leave_them_with_the_centre(line: Line, step: str, window: str) -> None:
    person = await asked_on_telegram(line)
    await person.press(words(line, step))
    assert (await stands(person)).window == window
    assert await said(line) == [THREE]
    assert person.screen.startswith(await given(line))
    assert await find_kept(person) is None
    assert await promised(line) == []


@pytest.mark.parametrize(
    ("typed", "window"),
    [
        ("ម៉ឺនុយ", "Menu:main"),
        ("STOP", "Messages:stopped"),
        ("/stop", "Messages:stopped"),
        ("/start", "Registration:name"),
        ("/help", "Menu:how_to_use"),
        ("/language", "Language:choose"),
        ("/talk", "Talk:write"),
        ("/requests", "Requests:list"),
        ("/mydata", "MyData:main"),
    ],
)
async def test_words_of_every_moment_too(line: Line, typed: str, window: str) -> None:
    person = await asked_on_telegram(line)
    await person.write(typed)
    assert (await stands(person)).window == window
    assert await said(line) == [THREE]
    assert person.screen.startswith(await given(line))
    await person.write("/menu")
    assert await given(line) not in person.screen
    assert await said(line) == [THREE]


@pytest.mark.parametrize(
    ("typed", "window"),
    [
        ("0", "Registration:name"),
        ("*", "Menu:main"),
        ("STOP", "Messages:stopped"),
        ("START", "Registration:name"),
        ("HELP", "Menu:how_to_use"),
        ("STATUS", "Requests:list"),
        ("MYDATA", "MyData:main"),
        ("CALL", "CallMe:done"),
        ("TALK", "Talk:write"),
    ],
)
async def test_by_sms_too(line: Line, typed: str, window: str) -> None:
    phone = await asked_by_sms(line)
    answer = await phone.send(typed)
    assert (await stands(phone)).window == window
    assert await said(line) == [THREE]
    assert await given(line, "sms") in answer
    assert sms_text.count(answer).parts <= 3, answer
    assert await find_kept(phone) is None


async def test_an_answer_to_a_question_asked_long_ago_leaves_them_too(line: Line) -> None:
    phone = await text_to(line.phone(), "Menu:main")
    await phone.send(UNPAID)
    await finish(line, await only_code(line))
    await deliver(line)
    await phone.send("*", "1", "1")
    await reply(line, await only_code(line), HOW_MANY)
    await deliver(line)
    await phone.send(THREE)
    assert (await stands(phone)).window == "Talk:whose"
    answer = await phone.send("K1")
    assert (await stands(phone)).window == "Answered:said"
    assert await said(line) == [THREE]
    assert await state_of(line, await only_code(line)) == "reopened"
    assert await given(line, "sms") in answer
    assert sms_text.count(answer).parts <= 3, answer


async def test_in_english_too(line: Line) -> None:
    phone = await asked_by_sms(line)
    await phone.send("EN")
    assert (await stands(phone)).window == "Talk:whose"
    answer = await phone.send("0")
    given_words = line.conversation.catalogue.text(
        "notice-given", "en", "sms", code=await only_code(line)
    )
    assert answer.startswith(given_words)
    assert sms_text.count(answer).parts == 1, answer
    assert await said(line) == [THREE]


async def test_behind_what_came_on_top_the_question_is_not_asked_again(line: Line) -> None:
    person = await asked_on_telegram(line)
    await person.write("/help")
    await person.press(words(line, "button-back"))
    assert (await stands(person)).window == "Registration:name"


async def test_a_voice_message_follows_them(line: Line) -> None:
    person = await asked_on_telegram(line)
    await person.send(**VOICE)
    assert (await stands(person)).window == "Talk:sent"
    assert person.screen.startswith(await given(line))
    assert await said(line) == [THREE]
    assert await files_of(line, await only_code(line)) == [("voice", "V")]
    await person.press(words(line, "button-back"))
    assert (await stands(person)).window == "Registration:name"
    assert question(line, "registration-name") in person.screen


async def test_words_of_danger_bring_what_they_always_bring(line: Line) -> None:
    phone = await asked_by_sms(line)
    calm = line.phone("+85598765432")
    await text_to(calm, "Registration:name")
    assert await phone.send("ជួយផង គេវាយខ្ញុំ") == await calm.send("ជួយផង គេវាយខ្ញុំ")
    assert (await stands(phone)).window == "CallMe:offer"
    await phone.send("*")
    assert await said(line) == [THREE]
    assert await given(line, "sms") in phone.received[-1]


# --- nobody answers ---


@pytest.mark.parametrize("channel", ["telegram", "sms"])
@pytest.mark.parametrize("is_flushed", [False, True])
async def test_never_answered_they_are_given_in_time(
    line: Line, channel: str, is_flushed: bool
) -> None:
    person: Person = await (asked_on_telegram if channel == "telegram" else asked_by_sms)(line)
    [(at, _)] = await promised(line)
    assert at == NOW + timedelta(minutes=30)
    assert await said(line) == []
    if is_flushed:
        await line.app.redis.flushdb()
    for _ in range(2):
        await run_job(person)
    assert await said(line) == [THREE]
    assert await find_kept(person) is None


@pytest.mark.parametrize("answer", ["whose-centre", "button-back"])
async def test_answered_too_late_they_are_not_given_twice(line: Line, answer: str) -> None:
    person = await asked_on_telegram(line)
    await run_job(person)
    await person.press(words(line, answer))
    assert await only_code(line) in person.screen
    assert await said(line) == [THREE]


async def test_after_a_flush_more_words_join_them(line: Line) -> None:
    phone = await asked_by_sms(line)
    await line.app.redis.flushdb()
    await phone.send("START")
    assert (await stands(phone)).window == "Registration:name"
    await reply(line, await only_code(line), HOW_MANY)
    await deliver(line)
    await phone.send("បីខែ")
    assert len(await promised(line)) == 1
    await phone.send("1")
    assert await said(line) == [f"{THREE}\nបីខែ"]


async def test_after_a_job_that_was_given_up_there_is_another(line: Line) -> None:
    phone = await asked_by_sms(line)
    async with line.app.new_session.begin() as session:
        await session.execute(text("UPDATE procrastinate_jobs SET status = 'failed'"))
    await phone.send("បីខែ")
    assert len(await promised(line)) == 2
    await run_job(phone)
    assert await said(line) == [f"{THREE}\nបីខែ"]


async def test_the_job_has_nothing_to_do_when_they_were_given(line: Line) -> None:
    person = await asked_on_telegram(line)
    await person.press(words(line, "whose-centre"))
    await run_job(person)
    assert await said(line) == [THREE]


async def test_nor_when_they_were_an_answer(line: Line) -> None:
    person = await asked_on_telegram(line)
    await person.press(words(line, "whose-question"))
    assert await find_kept(person) is None
    await run_job(person)
    assert await said(line) == []


# --- a turn comes again ---


async def handle_twice(person: Person, payload: dict[str, Any]) -> list[str]:
    """Where they stand is not kept the first time; returns what they were shown each time."""
    line, key = person.line, address_index(*address_of(person))
    before = await line.conversation.store.load(key)
    channel = "telegram" if isinstance(person, TelegramPerson) else "sms"
    item = InboxItem(5_000_000, channel, payload, 1)
    shown = []
    for _ in range(2):
        await line.conversation.store.save(key, before)
        answers = await line.conversation.handle(item)
        shown += [one.text for one in answers] or [getattr(person, "screen", "")]
    return shown


@pytest.mark.parametrize("key", ["whose-centre", "button-back", "button-menu", "whose-question"])
async def test_a_press_that_comes_again(line: Line, key: str) -> None:
    person = await asked_on_telegram(line)
    press = person.press_update(*person.data_of(words(line, key)))
    first, second = await handle_twice(person, press)
    assert first == second
    assert await said(line) == ([] if key == "whose-question" else [THREE])


@pytest.mark.parametrize("body", ["1", "2", "0", "*", "STOP"])
async def test_an_sms_that_comes_again(line: Line, body: str) -> None:
    phone = await asked_by_sms(line)
    first, second = await handle_twice(phone, {"From": phone.number, "Body": body})
    assert first == second
    assert await said(line) == ([] if body == "2" else [THREE])


async def test_more_words_that_come_again(line: Line) -> None:
    phone = await asked_by_sms(line)
    first, second = await handle_twice(phone, {"From": phone.number, "Body": "៣ខែកន្លះ"})
    assert first == second
    await phone.send("1")
    assert await said(line) == [f"{THREE}\n៣ខែកន្លះ"]


async def test_answered_twice(line: Line) -> None:
    person = await asked_on_telegram(line)
    press = person.press_update(*person.data_of(words(line, "whose-centre")))
    await line.take("telegram", press)
    await line.take("telegram", press)
    assert (await stands(person)).window == "Talk:sent"
    assert await said(line) == [THREE]


# --- whose they are ---


async def test_an_edited_message_waits_with_its_new_words(line: Line) -> None:
    person = await asked_on_telegram(line)
    (sent,) = [one["message_id"] for one in await _pieces(person)]
    edited = {
        "message_id": sent,
        "date": 1,
        "edit_date": 2,
        "chat": {"id": person.id, "type": "private"},
        "from": {"id": person.id, "is_bot": False, "first_name": "S"},
        "text": "៤ខែ",
    }
    await line.take("telegram", {"update_id": 1, "edited_message": edited})
    await person.press(words(line, "whose-centre"))
    assert await said(line) == ["៤ខែ"]


async def _pieces(person: Person) -> Any:
    kept = await find_kept(person)
    assert kept is not None
    return kept.answers["pieces"]


async def test_they_are_sealed_and_are_seen_and_deleted_with_all_the_rest(line: Line) -> None:
    person = await asked_on_telegram(line)
    async with line.app.new_session.begin() as session:
        stored = await session.scalar(text("SELECT answers::text FROM draft WHERE form = 'whose'"))
        assert stored is not None
        assert THREE not in stored
        address = await addresses.find(session, *address_of(person))
        assert address is not None
        held = await my_data.collect(session, address)
        assert THREE in [pending_words.get_words(one) for one in held.drafts if one.form == "whose"]
        await my_data.delete_everything(session, address, now=NOW)
    assert await find_kept(person) is None
    await run_job(person)
    await person.press(words(line, "whose-centre"))
    assert (await stands(person)).window == "Menu:main"
