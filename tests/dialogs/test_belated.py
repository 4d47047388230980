"""What failed and is tried again weeks later: the centre gets it, and nobody is startled."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from db.models import Address, Request
from services import addresses
from services.inbox import InboxItem
from tests.dialogs.centre_staff import files_of, finish, only_code, said_in, state_of
from tests.dialogs.walk import address_of, stands, text_to, walk_to, words
from tests.people import NOW, Line, SmsPerson, TelegramPerson

BOSS = "ថៅកែមិនទាន់ឱ្យប្រាក់ខែខ្ញុំ"
DANGER = "មិនចង់រស់"
PHOTO = {"photo": [{"file_id": "L", "file_unique_id": "l", "width": 9, "height": 9}]}
LONG_AGO = NOW - timedelta(days=20)


async def _come_late(
    person: TelegramPerson | SmsPerson,
    *,
    at: datetime = LONG_AGO,
    has_failed: bool = True,
    **content: Any,
) -> list[Any]:
    line = person.line
    if isinstance(person, SmsPerson):
        payload = {"From": person.number, "Body": content["text"]}
    else:
        message = {
            "message_id": 90_001,
            "date": 1,
            "chat": {"id": person.id, "type": "private"},
            "from": {"id": person.id, "is_bot": False, "first_name": "S"},
            **content,
        }
        payload = {"update_id": 1, "message": message}
    return await _take_late(line, address_of(person)[0], payload, at, has_failed=has_failed)


async def _take_late(
    line: Line, channel: str, payload: dict[str, Any], at: datetime, *, has_failed: bool = True
) -> list[Any]:
    item = InboxItem(next(line.ids), channel, payload, 1, at, has_failed)
    return list(await line.conversation.handle(item))


async def _address(person: TelegramPerson | SmsPerson) -> Address:
    async with person.line.app.new_session() as session:
        address = await addresses.find(session, *address_of(person))
        assert address is not None
        return address


async def _topics(line: Line) -> list[str]:
    async with line.app.new_session() as session:
        return list(await session.scalars(select(Request.topic)))


async def test_old_words_answer_no_screen_but_reach_the_centre(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:name")
    before, calls = await stands(person), len(line.memory.calls)
    await _come_late(person, text=BOSS)
    assert await stands(person) == before
    assert len(line.memory.calls) == calls
    code = await only_code(line)
    assert await said_in(line, code) == [BOSS]
    async with line.app.new_session() as session:
        request = (await session.scalars(select(Request).where(Request.code == code))).one()
    assert request.last_person_at == LONG_AGO
    assert request.due_at is not None
    assert request.due_at < NOW


async def test_so_do_old_words_by_sms(line: Line) -> None:
    phone = await text_to(line.phone(), "Registration:name")
    assert await _come_late(phone, text=BOSS) == []
    assert (await stands(phone)).window == "Registration:name"
    assert await said_in(line, await only_code(line)) == [BOSS]


async def test_tried_again_once_more_they_are_written_once(line: Line) -> None:
    person = await walk_to(line.person(), "Menu:main")
    chat = {"id": person.id, "type": "private"}
    message = {"message_id": 90_001, "date": 1, "chat": chat, "text": BOSS}
    sender = {"from": {"id": person.id, "is_bot": False, "first_name": "S"}}
    payload = {"update_id": 1, "message": message | sender}
    item = InboxItem(5_000_000, "telegram", payload, 1, LONG_AGO, has_failed=True)
    await line.conversation.handle(item)
    await line.conversation.handle(item)
    assert await said_in(line, await only_code(line)) == [BOSS]


@pytest.mark.parametrize("text", ["/start", "5", "hello", "ម៉ឺនុយ", DANGER, "EN", "/help"])
async def test_what_was_for_the_screen_of_then_is_too_late(line: Line, text: str) -> None:
    person = await walk_to(line.person(), "Registration:age")
    before, calls = await stands(person), len(line.memory.calls)
    await _come_late(person, text=text)
    assert await stands(person) == before
    assert len(line.memory.calls) == calls
    assert await _topics(line) == []


async def test_an_old_press_is_too_late(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:sex")
    before = await stands(person)
    payload = person.press_update(*person.data_of(words(line, "sex-female")))
    await _take_late(line, "telegram", payload, LONG_AGO)
    assert await stands(person) == before


async def test_an_old_answer_to_a_question_still_counts(line: Line) -> None:
    person = await walk_to(line.person(), "Menu:main")
    await person.write(BOSS)
    code = await only_code(line)
    await finish(line, code)
    calls = len(line.memory.calls)
    payload = person.press_update("?1:2", person.chat[-1])
    await _take_late(line, "telegram", payload, LONG_AGO)
    assert await state_of(line, code) == "reopened"
    assert len(line.memory.calls) == calls


async def test_an_old_photo_is_kept_and_an_old_wish_to_be_called(line: Line) -> None:
    person = await walk_to(line.person(), "Menu:main")
    await _come_late(person, **PHOTO, caption=BOSS)
    await _come_late(person, text="/call")
    assert await files_of(line, await only_code(line)) == [("photo", "L")]
    assert await _topics(line) == ["talk", "call"]


@pytest.mark.parametrize("at", [LONG_AGO, NOW - timedelta(minutes=5)])
async def test_an_old_start_lifts_no_later_stop(line: Line, at: datetime) -> None:
    person = await walk_to(line.person(), "Menu:main")
    await person.write("STOP")
    calls = len(line.memory.calls)
    await _come_late(person, text="/start", at=at)
    assert (await _address(person)).stopped_at == NOW
    assert len(line.memory.calls) == calls


async def test_a_start_after_the_stop_counts_also_when_it_failed_first(line: Line) -> None:
    person = await walk_to(line.person(), "Menu:main")
    await person.write("STOP")
    await _come_late(person, text="/start", at=NOW + timedelta(seconds=5))
    assert (await _address(person)).stopped_at is None


async def test_an_old_stop_is_obeyed(line: Line) -> None:
    person = await walk_to(line.person(), "Menu:main")
    await _come_late(person, text="STOP")
    assert (await _address(person)).stopped_at == LONG_AGO


async def test_old_words_say_nothing_about_where_somebody_is_reached_now(line: Line) -> None:
    person = await walk_to(line.person(), "Menu:main")
    before = await _address(person)
    async with line.app.new_session.begin() as session:
        await addresses.mark_blocked(session, before.id, now=NOW)
    later = replace(line.conversation, now=lambda: NOW + timedelta(days=1))
    await _come_late(replace(person, line=replace(line, conversation=later)), text=BOSS)
    after = await _address(person)
    assert (after.blocked_at, after.last_in_at) == (NOW, before.last_in_at)
    blocked = {"chat": {"id": 500}, "new_chat_member": {"status": "member"}}
    await _take_late(line, "telegram", {"update_id": 1, "my_chat_member": blocked}, LONG_AGO)
    assert (await _address(person)).blocked_at == NOW


async def test_what_failed_a_moment_ago_is_handled_like_anything_else(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:name")
    await _come_late(person, text="សុខា", at=NOW - timedelta(minutes=5))
    assert (await stands(person)).window == "Registration:age"


async def test_so_is_what_waited_for_long_without_having_failed(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:name")
    await _come_late(person, text="សុខា", has_failed=False)
    assert (await stands(person)).window == "Registration:age"
