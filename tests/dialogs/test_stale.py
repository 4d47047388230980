"""Buttons, states and things that are gone: an explanation, and a living screen, every time."""

from typing import Any

import pytest
from aiogram.methods import AnswerCallbackQuery

from db.crypto import Keyring, derive_key
from db.models.address import address_index
from services import addresses, drafts, registration
from services.direct import direct_connection
from tests.dialogs.walk import (
    TELEGRAM_WINDOWS,
    Stands,
    address_of,
    clone,
    question,
    stands,
    text_to,
    walk_to,
    words,
)
from tests.people import Line, SmsPerson, TelegramPerson

THREE_MONTHS_AGO = {"message_id": 1, "date": 0}
FORGED = [
    "",
    "\x1d",
    "\x1d\x1d",
    "choice:confirm",
    "consent:agree",
    "zzzzzz\x1dconsent:agree",
    "aiogd:stack:\x1dchoice",
    "province:>" + "9" * 5000,
    "\u1781" * 500,
    "x" * 65,
]


def _answered(line: Line) -> int:
    return sum(isinstance(call, AnswerCallbackQuery) for call in line.memory.calls)


async def _press_raw(person: TelegramPerson, data: str | None, message: dict[str, Any]) -> str:
    press = {
        "id": str(next(person.line.memory.numbers)),
        "from": {"id": person.id, "is_bot": False, "first_name": "Sok"},
        "chat_instance": "1",
        "message": {"chat": {"id": person.id, "type": "private"}, **message},
        **({"game_short_name": "x"} if data is None else {"data": data}),
    }
    await person.line.take("telegram", {"update_id": 1, "callback_query": press})
    return person.screen


@pytest.mark.parametrize("window", TELEGRAM_WINDOWS)
async def test_an_old_button_is_explained_and_the_question_stands(line: Line, window: str) -> None:
    person = await walk_to(line.person(), window)
    before, screen = await stands(person), person.screen
    answered = _answered(line)
    await _press_raw(person, "old\x1dlanguage:en", THREE_MONTHS_AGO)
    assert person.screen == words(line, "notice-old-button") + "\n" + screen
    assert await stands(person) == before
    assert _answered(line) == answered + 1


@pytest.mark.parametrize("data", [*FORGED, None])
async def test_forged_data_changes_nothing(line: Line, data: str | None) -> None:
    person = await walk_to(line.person(), "Registration:district")
    before, screen, living = await stands(person), person.screen, person.chat[-1].message_id
    answered = _answered(line)
    await _press_raw(person, data, {"message_id": living, "date": 1, "text": screen})
    assert await stands(person) == before
    assert _answered(line) == answered + 1
    await person.press("បាកាន")
    assert (await stands(person)).window == "Registration:commune"


async def test_somebody_unknown_presses_an_old_button(line: Line) -> None:
    person = line.person()
    await _press_raw(person, "old\x1dchoice:confirm", THREE_MONTHS_AGO)
    assert question(line, "language-choose") in person.screen
    assert _answered(line) == 1


async def test_a_button_of_the_last_month_leads_back_into_the_form(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:sex")
    await line.app.redis.flushdb()
    await person.press(words(line, "sex-male"))
    assert person.screen.startswith(words(line, "notice-old-button"))
    assert question(line, "registration-sex") in person.screen
    assert (await stands(person)).answers == {
        "consent": "registration-1",
        "name": "សុខា",
        "age": 32,
    }


# --- what is kept about a conversation, spoilt ---


async def _spoil_state(line: Line, person: TelegramPerson | SmsPerson, **changed: str) -> None:
    store = line.conversation.store
    key = address_index(*address_of(person))
    standing = await store.load(key)
    for part in standing.parts.values():
        if "state" in part:
            part.update(changed)
    await store.save(key, standing)


@pytest.mark.parametrize("renamed", ["Registration:how_old", "Signing:age", "", "::"])
async def test_a_renamed_state_is_picked_up_from_the_draft(line: Line, renamed: str) -> None:
    person = await walk_to(line.person(), "Registration:age")
    name, screen = person.data_of(words(line, "button-skip"))
    await _spoil_state(line, person, state=renamed)
    await person.press_data(name, screen)
    assert question(line, "registration-age") in person.screen
    await _spoil_state(line, person, state=renamed)
    await person.write("32")
    assert person.screen.startswith(words(line, "notice-going-on"))
    await person.write("32")
    assert (await stands(person)).window == "Registration:sex"


async def test_a_renamed_state_by_sms(line: Line) -> None:
    phone = await text_to(line.phone(), "Registration:age")
    await _spoil_state(line, phone, state="Registration:how_old")
    assert question(line, "registration-age", "sms") in await phone.send("32")
    await phone.send("32")
    assert (await stands(phone)).window == "Registration:sex"


async def test_a_draft_at_a_step_that_is_gone_begins_anew(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:sex")
    await line.app.redis.flushdb()
    await _edit_draft(line, person, {}, step="Registration:shoe_size")
    await person.write("/start")
    assert (await stands(person)).window == "Registration:consent"


@pytest.mark.parametrize("blob", [b"", b"\x00" * 40, b"{}", b'{"parts": [], "shown": 3}', b"[]"])
async def test_an_unreadable_state_is_picked_up_from_the_draft(line: Line, blob: bytes) -> None:
    person = await walk_to(line.person(), "Registration:age")
    [key] = [key async for key in line.app.redis.scan_iter("c:*")]
    sealed = line.app.keyring.encrypt(blob) if blob.startswith(b"{") else blob
    await line.app.redis.set(key, sealed)
    await person.write("/start")
    assert (await stands(person)).window == "Registration:age"


async def test_a_state_under_a_lost_key_is_picked_up_from_the_draft(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:age")
    [key] = [key async for key in line.app.redis.scan_iter("c:*")]
    lost = Keyring([b"l" * 32], derive_key("lost", b"blind-index"))
    await line.app.redis.set(key, lost.encrypt(b"{}"))
    await person.press(words(line, "button-back"))
    assert (await stands(person)).window == "Registration:age"


# --- things that are gone ---


async def _edit_draft(
    line: Line,
    person: TelegramPerson | SmsPerson,
    answers: dict[str, Any],
    step: str | None = None,
) -> None:
    async with line.app.new_session.begin() as session:
        address = await addresses.find(session, *address_of(person))
        assert address is not None
    async with direct_connection(line.app.engine) as connection:
        await drafts.save_answers(connection, address.id, registration.FORM, answers, step=step)


async def _discard_draft(line: Line, person: TelegramPerson | SmsPerson) -> None:
    async with line.app.new_session.begin() as session:
        address = await addresses.find(session, *address_of(person))
        assert address is not None
        await drafts.discard(session, address.id, registration.FORM)


async def test_confirming_a_form_that_was_deleted_asks_again(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:summary")
    await _discard_draft(line, person)
    await person.press(words(line, "button-confirm"))
    assert person.screen.startswith(words(line, "notice-incomplete"))
    assert await stands(person) == Stands("Registration:consent", None)


@pytest.mark.parametrize("window", TELEGRAM_WINDOWS)
async def test_going_on_in_a_form_that_was_deleted(line: Line, window: str) -> None:
    """Whatever is pressed there, a living screen answers."""
    person = await walk_to(line.person(), window)
    await _discard_draft(line, person)
    markup = person.chat[-1].reply_markup
    buttons = [button for row in markup.inline_keyboard for button in row] if markup else []
    for number, button in enumerate(buttons[:3] + buttons[-3:]):
        other = await clone(person, 10_000 + number)
        calls = len(line.memory.calls)
        await other.press_data(button.callback_data or "", other.chat[-1])
        assert len(line.memory.calls) > calls
        assert (await stands(other)).window is not None


@pytest.mark.parametrize(
    ("window", "vanished"),
    [
        ("Registration:district", {"province": "99"}),
        ("Registration:commune", {"district": "9999", "province": "99"}),
        ("Registration:wanted", {"province": "99", "wanted_provinces": ["99", "98"]}),
        ("Registration:summary", {"commune": "999999"}),
        ("Registration:summary", {"province": "99", "district": "9999", "commune": "999999"}),
        ("Registration:summary", {"wanted_provinces": ["99"]}),
        ("Registration:summary", {"sectors": ["alchemy"], "sex": "yes", "salary": {}}),
    ],
)
async def test_a_place_that_vanished_is_asked_for_again(
    line: Line, window: str, vanished: dict[str, Any]
) -> None:
    person = await walk_to(line.person(), window)
    await _edit_draft(line, person, vanished)
    await person.write(words(line, "notice-unclear"))  # fits nothing: the screen is drawn again
    assert (await stands(person)).window == window
    await line.app.redis.flushdb()
    await person.write("/start")
    gone = window in ("Registration:district", "Registration:commune")
    assert (await stands(person)).window == ("Registration:province" if gone else window)
    if window == "Registration:summary":
        await person.press(words(line, "button-confirm"))
        assert person.screen.startswith(words(line, "notice-incomplete"))
        assert (await stands(person)).window != window


async def test_hits_that_vanished_give_way_to_the_list(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:province")
    key = address_index(*address_of(person))
    standing = await line.conversation.store.load(key)
    for part in standing.parts.values():
        if "dialog_data" in part:
            part["dialog_data"] = {"found": ["999999"]}
    await line.conversation.store.save(key, standing)
    await person.write(words(line, "notice-unclear"))
    assert (await stands(person)).window == "Registration:province"
