"""What staff do with cards in their own chat, through the real dispatcher."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from aiogram.exceptions import TelegramForbiddenError
from aiogram.methods import AnswerCallbackQuery, EditMessageText, SendMessage
from aiogram.types import Chat, InlineKeyboardMarkup, Message
from sqlalchemy import select

from bot.staff_cards.words import CatalogueCardWords, find_desk_url
from db.models import Address, OutboxRow, Request, Staff, StaffChat
from services import staff, threads
from services.inbox import InboxItem
from services.staff_cards import linking, notices
from services.staff_cards.linking import NewLink
from services.staff_cards.sending import send_due
from services.staff_cards.words import Counted, Told
from tests.dialogs.walk import stands, walk_to, words
from tests.people import NOW, Line, TelegramPerson, open_line
from tests.served_app import make_app, make_settings
from tests.services.desk_visitors import at_desk
from tests.services.staff_chats import ask_urgently, employ
from tests.support import Database

DESK = "https://desk.example/desk"
WORDS = CatalogueCardWords(DESK)


@pytest.fixture
async def line(db: Database, redis_url: str) -> AsyncIterator[Line]:
    settings = {"public_url": "https://desk.example", "database_url": db.url}
    async with make_app(db.engine, redis_url, **settings) as app:
        yield open_line(app)


async def _link_for(line: Line, name: str = "Sok", role: str = "case_worker") -> NewLink:
    async with line.app.new_session.begin() as session:
        person = await staff.find_by_name(session, name)
        person = person or await employ(session, name, role)
        return await linking.new_link(session, at_desk(person), now=NOW)


async def _linked(line: Line, name: str = "Sok", chat: int = 500) -> TelegramPerson:
    person, made = line.person(chat), await _link_for(line, name)
    await person.write(f"/start {made.start}")
    return person


async def _urgent(line: Line) -> Request:
    async with line.app.new_session.begin() as session:
        return await ask_urgently(session, "9000", now=NOW)


async def _deliver(line: Line, person: TelegramPerson) -> Message:
    """The last card, as delivery puts it into the chat."""
    async with line.app.new_session.begin() as session:
        await send_due(session, WORDS, NOW)
        row = (
            await session.scalars(
                select(OutboxRow)
                .where(OutboxRow.purpose == "staff_card")
                .order_by(OutboxRow.id.desc())
                .limit(1)
            )
        ).one()
        assert row.body is not None
        sent = json.loads(line.app.keyring.decrypt(row.body))
        number = next(line.memory.numbers)
        row.state, row.provider_id = "sent", str(number)
    card = Message(
        message_id=number,
        date=NOW,
        chat=Chat(id=person.id, type="private"),
        text=sent["text"],
        reply_markup=InlineKeyboardMarkup.model_validate(sent["reply_markup"]),
    )
    line.memory.messages.setdefault(person.id, {})[number] = card
    return card


def _alerts(line: Line) -> list[str]:
    """What stood over the chat after a press."""
    answers = [call for call in line.memory.calls if isinstance(call, AnswerCallbackQuery)]
    return [answer.text or "" for answer in answers if answer.show_alert]


async def _owner(line: Line, request: Request) -> str | None:
    async with line.app.new_session.begin() as session:
        now = await session.get_one(Request, request.id)
        return None if now.owner_id is None else (await session.get_one(Staff, now.owner_id)).name


@pytest.mark.parametrize("way", ["start", "bot", "code", "grouped", "khmer"])
async def test_link_or_number_links_the_chat(line: Line, way: str) -> None:
    person, made = line.person(), await _link_for(line)
    said = {
        "start": f"/start {made.start}",
        "bot": f"/start@tralob_bot {made.start}",
        "code": made.code,
        "grouped": f"{made.code[:4]} {made.code[4:8]} {made.code[8:]}",
        "khmer": "".join("០១២៣៤៥៦៧៨៩"[int(digit)] for digit in made.code),
    }[way]
    assert await person.write(said) == words(line, "desk-card-linked", username="sok")
    async with line.app.new_session.begin() as session:
        chat = (await session.scalars(select(StaffChat))).one()
        address = await session.get_one(Address, chat.address_id)
    assert address.value == str(person.id)


async def test_a_link_that_another_used_says_so(line: Line) -> None:
    made = await _link_for(line)
    await line.person(500).write(f"/start {made.start}")
    told = await line.person(600).write(f"/start {made.start}")
    assert told == words(line, "desk-card-link-over")


async def test_a_start_that_names_something_else_begins_as_ever(line: Line) -> None:
    person = await walk_to(line.person(), "Menu:main")
    await person.write("/start poster")
    assert (await stands(person)).window == "Menu:main"


async def test_digits_that_are_no_link_go_where_they_always_went(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:phone")
    await person.write("855961234567")
    assert (await stands(person)).window == "Registration:wanted"


@pytest.mark.parametrize("typed", ["500000000001", "5000 0000 0001", "៥០០០ ០០០០ ០០០១"])
async def test_a_mistyped_number_is_no_request_while_somebody_links(line: Line, typed: str) -> None:
    await _link_for(line)
    told = await line.person().write(typed)
    assert told == words(line, "desk-card-link-over")
    async with line.app.new_session() as session:
        assert (await session.scalars(select(Request.id))).all() == []


async def test_while_nobody_links_such_digits_are_for_the_centre(line: Line) -> None:
    made = await _link_for(line)
    await line.person(600).write(f"/start {made.start}")
    person = await walk_to(line.person(), "Menu:main")
    await person.write("500000000001")
    async with line.app.new_session() as session:
        assert len((await session.scalars(select(Request.id))).all()) == 1


async def test_a_phone_number_is_one_while_somebody_links_too(line: Line) -> None:
    await _link_for(line)
    person = await walk_to(line.person(), "Registration:phone")
    await person.write("855961234567")
    assert (await stands(person)).window == "Registration:wanted"


async def test_linking_in_the_midst_of_a_form_leaves_the_form(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:name")
    before = await stands(person)
    made = await _link_for(line)
    await person.write(f"/start {made.start}")
    assert await stands(person) == before


async def test_the_card_is_taken_with_one_press(line: Line) -> None:
    person, request = await _linked(line), await _urgent(line)
    card = await _deliver(line, person)
    assert person.buttons[:3] == [
        words(line, f"desk-card-{key}") for key in ("take", "open", "seen")
    ]
    await person.press_data(person.data_of(words(line, "desk-card-take"))[0], card)
    assert await _owner(line, request) == "Sok"
    assert words(line, "desk-card-taken") in person.screen
    assert person.buttons == [words(line, "desk-card-open")]
    assert _alerts(line) == []


async def test_taken_twice_the_card_stays_as_it_is(line: Line) -> None:
    person = await _linked(line)
    await _urgent(line)
    card = await _deliver(line, person)
    data, _ = person.data_of(words(line, "desk-card-take"))
    await person.press_data(data, card)
    shown = person.chat
    await person.press_data(data, card)
    assert person.chat == shown


async def test_too_late_a_colleague_has_it(line: Line) -> None:
    person, request = await _linked(line), await _urgent(line)
    card = await _deliver(line, person)
    async with line.app.new_session.begin() as session:
        other = await employ(session, "Dara")
        await threads.take(session, request.code, staff=other, now=NOW)
    await person.press_data(person.data_of(words(line, "desk-card-take"))[0], card)
    assert _alerts(line) == [words(line, "desk-card-colleague")]
    assert "Dara" not in person.screen
    assert await _owner(line, request) == "Dara"


async def test_seen_leaves_it_to_be_taken(line: Line) -> None:
    person, request = await _linked(line), await _urgent(line)
    card = await _deliver(line, person)
    await person.press_data(person.data_of(words(line, "desk-card-seen"))[0], card)
    assert await _owner(line, request) is None
    assert person.buttons == [words(line, f"desk-card-{key}") for key in ("take", "open")]


async def test_a_chat_that_was_unlinked_is_told_how_to_link_again(line: Line) -> None:
    person, request = await _linked(line), await _urgent(line)
    card = await _deliver(line, person)
    async with line.app.new_session.begin() as session:
        await staff.end(session, await staff.get_by_name(session, "Sok"), now=NOW)
    await person.press_data(person.data_of(words(line, "desk-card-take"))[0], card)
    assert person.screen == words(line, "desk-card-unlinked")
    assert person.buttons == []
    assert await _owner(line, request) is None


@pytest.mark.parametrize("data", ["!999999:t", "!1:x", "!:t", "!1:t:1", "!0:t"])
async def test_a_forged_press_changes_nothing(line: Line, data: str) -> None:
    person, request = await _linked(line), await _urgent(line)
    card = await _deliver(line, person)
    await person.press_data(data, card)
    assert await _owner(line, request) is None


async def test_who_never_linked_presses_in_vain(line: Line) -> None:
    person, request = await _linked(line), await _urgent(line)
    card = await _deliver(line, person)
    data, _ = person.data_of(words(line, "desk-card-take"))
    await line.person(600).press_data(data, card)
    assert await _owner(line, request) is None


@pytest.mark.parametrize(
    "said",
    [
        {"text": "ខ្ញុំទៅ"},
        {"voice": {"file_id": "v", "file_unique_id": "v", "duration": 2}},
    ],
    ids=["words", "voice"],
)
async def test_what_answers_a_card_reaches_nobody_and_is_told_so(
    line: Line, said: dict[str, Any]
) -> None:
    person = await walk_to(await _linked(line), "Menu:main")
    await _urgent(line)
    card = await _deliver(line, person)
    quoted = {"message_id": card.message_id, "chat": {}, "date": 0}
    told = await person.send(**said, reply_to_message=quoted)
    assert told == words(line, "desk-card-unheard")
    async with line.app.new_session.begin() as session:
        asked = (await session.scalars(select(Request).where(Request.topic == "talk"))).all()
    assert len(asked) == 1


async def test_a_staff_member_may_ask_for_help_as_anybody(line: Line) -> None:
    person = await walk_to(await _linked(line), "Menu:main")
    await person.write("ថៅកែមិនទាន់ឱ្យប្រាក់ខែខ្ញុំ")
    async with line.app.new_session.begin() as session:
        (request,) = (await session.scalars(select(Request))).all()
    assert request.topic == "talk"


async def test_a_press_is_answered_again_after_a_crash_before_the_edit(line: Line) -> None:
    person, request = await _linked(line), await _urgent(line)
    card = await _deliver(line, person)
    data, _ = person.data_of(words(line, "desk-card-take"))
    line.memory.failing[EditMessageText] = ConnectionResetError()
    with pytest.raises(Exception):  # noqa: B017
        await person.press_data(data, card)
    assert await _owner(line, request) == "Sok"
    line.memory.failing.clear()
    await person.press_data(data, card)
    assert words(line, "desk-card-taken") in person.screen


async def test_who_blocks_us_while_linking_counts_as_unreachable(line: Line) -> None:
    made = await _link_for(line)
    blocked = TelegramForbiddenError(SendMessage(chat_id=1, text=""), "bot was blocked")
    line.memory.failing[SendMessage] = blocked
    await line.take(
        "telegram",
        {
            "update_id": 1,
            "message": {
                "message_id": 1,
                "date": int(NOW.timestamp()),
                "chat": {"id": 500, "type": "private"},
                "from": {"id": 500, "is_bot": False, "first_name": "Sok"},
                "text": f"/start {made.start}",
            },
        },
    )
    async with line.app.new_session.begin() as session:
        chat = (await session.scalars(select(StaffChat))).one()
        assert await linking.find_chat(session, chat.staff_id) is not None
        assert (await session.get_one(Address, chat.address_id)).blocked_at == NOW


async def test_a_test_card_is_answered(line: Line) -> None:
    person = await _linked(line)
    async with line.app.new_session.begin() as session:
        me = await staff.get_by_name(session, "Sok")
        await notices.send_test(session, me.id, WORDS, now=NOW)
    card = await _deliver(line, person)
    await person.press_data(person.data_of(words(line, "desk-card-seen"))[0], card)
    assert person.screen == words(line, "desk-card-test")
    assert person.buttons == []


async def test_a_card_pressed_long_ago_and_tried_again_takes_nothing(line: Line) -> None:
    person, request = await _linked(line), await _urgent(line)
    card = await _deliver(line, person)
    data, _ = person.data_of(words(line, "desk-card-take"))
    old = InboxItem(
        next(line.ids), "telegram", person.press_update(data, card), 1, NOW - timedelta(hours=2)
    )
    await line.conversation.handle(replace(old, has_failed=True))
    assert await _owner(line, request) is None


# Words


@pytest.mark.parametrize("language", ["km", "en"])
def test_a_card_has_no_word_of_a_topic_that_it_may_not_name(language: str) -> None:
    told = Told(7, "12345674", "overdue", "urgent", None, NOW, may_take=True)
    card = WORDS.card(language, told)
    assert "1234 5674" in card.text
    assert card.text.count("·") == 3
    assert card.reply_markup is not None
    (take,), (opens, seen) = card.reply_markup["inline_keyboard"]
    assert (take["callback_data"], seen["callback_data"]) == ("!7:t", "!7:s")
    assert opens["url"] == f"{DESK}/requests/12345674"


def test_who_may_not_take_it_is_led_to_the_list() -> None:
    told = Told(7, "12345674", "urgent", "urgent", "talk", NOW, may_take=False)
    markup = WORDS.card("en", told).reply_markup
    assert markup is not None
    ((opens, _),) = markup["inline_keyboard"]
    assert opens["url"] == f"{DESK}/queue"


@pytest.mark.parametrize(
    ("counted", "said"),
    [
        (Counted(1, 3, 0), "🔴 3 urgent requests wait"),
        (Counted(1, 0, 2), "🟠 2 overdue requests wait"),
        (Counted(1, 3, 2), "🔴 Requests wait: 3 urgent, 2 overdue"),
    ],
)
def test_several_are_counted(counted: Counted, said: str) -> None:
    assert WORDS.cards("en", counted).text == said


@pytest.mark.parametrize(
    ("public_url", "simulator", "found"),
    [
        ("https://desk.example", False, "https://desk.example/desk"),
        ("http://192.168.1.5:8000", False, "http://192.168.1.5:8000/desk"),
        ("http://127.0.0.1:8000", False, None),
        ("http://[::1]:8000", False, None),
        ("http://localhost:8000", False, None),
        ("http://desk.localhost", False, None),
        ("http://127.0.0.1:8000", True, "http://127.0.0.1:8000/desk"),
    ],
)
def test_open_is_offered_where_a_phone_could_open_it(
    public_url: str, simulator: bool, found: str | None
) -> None:
    settings = make_settings(public_url=public_url, simulator=simulator)
    assert find_desk_url(settings) == found


def test_without_an_address_there_is_nothing_to_open() -> None:
    told = Told(7, "12345674", "urgent", "urgent", "talk", NOW, may_take=True)
    markup = CatalogueCardWords(None).card("en", told).reply_markup
    assert markup is not None
    assert [len(row) for row in markup["inline_keyboard"]] == [1, 1]
