"""A double tap never answers a question that nobody has seen yet."""

import asyncio

import pytest
from aiogram.methods import AnswerCallbackQuery
from sqlalchemy import select

from db.models import Consent
from services.request_queue import list_requests
from tests.dialogs.walk import TELEGRAM_WINDOWS, clone, question, stands, walk_to, words
from tests.people import Line, TelegramPerson

# Pressing one of these again is a second wish, seen and meant: a tick, a page.
SEEN_AGAIN = ("Registration:wanted", "Registration:sectors", "Registration:purposes")


def _sample_of_buttons(person: TelegramPerson) -> list[str]:
    """The data of the screen's buttons; of a long list of places the first two."""
    markup = person.chat[-1].reply_markup
    rows = markup.inline_keyboard if markup else []
    found = [button.callback_data or "" for row in rows for button in row]
    return [*found[:2], *[data for data in found[2:] if not data[-2:].isdecimal()]]


def _answered(line: Line) -> int:
    return sum(isinstance(call, AnswerCallbackQuery) for call in line.memory.calls)


@pytest.mark.parametrize("window", TELEGRAM_WINDOWS)
async def test_the_second_tap_answers_nothing_more(line: Line, window: str) -> None:
    person = await walk_to(line.person(), window)
    await _tap_everything_twice(person, window)


@pytest.mark.parametrize(
    ("word", "window"),
    [
        ("help", "Menu:how_to_use"),
        ("STOP", "Messages:stopped"),
        ("CALL", "CallMe:phone"),
        ("មិនចង់រស់", "CallMe:offer"),
    ],
)
async def test_nor_does_it_beside_the_form(line: Line, word: str, window: str) -> None:
    person = await walk_to(line.person(), "Registration:age")
    await person.write(word)
    assert (await stands(person)).window == window
    await _tap_everything_twice(person, window)


async def _tap_everything_twice(person: TelegramPerson, window: str) -> None:
    line = person.line
    for number, data in enumerate(_sample_of_buttons(person)):
        twice = await clone(person, 10_000 + number)
        pressed = person.chat[-1]
        await twice.press_data(data, pressed)
        after_one, screen, answered = await stands(twice), twice.screen, _answered(line)
        await twice.press_data(data, pressed)
        assert _answered(line) == answered + 1
        after_two = await stands(twice)
        assert after_two.window == after_one.window, data
        if after_one.window != window or window not in SEEN_AGAIN:
            assert after_two == after_one
            # Where the first tap replaced the message, the second one's is explained.
            assert twice.screen.endswith(screen)


async def test_two_taps_at_once_begin_one_form(line: Line) -> None:
    person = await walk_to(line.person(), "Menu:main")
    data, menu = person.data_of(words(line, "menu-register"))
    await person.press_data(data, menu)
    await person.press_data(data, menu)
    assert question(line, "registration-consent") in person.screen
    assert len(person.chat) == 1


async def test_one_double_tap_gives_one_consent(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:consent")
    data, asked = person.data_of(words(line, "consent-agree"))
    await person.press_data(data, asked)
    await person.press_data(data, asked)
    async with line.app.new_session.begin() as session:
        given = (await session.scalars(select(Consent.given))).all()
    assert given == [True]
    assert question(line, "registration-name") in person.screen


async def test_a_refusal_behind_an_agreement_was_not_seen_either(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:consent")
    agree, asked = person.data_of(words(line, "consent-agree"))
    refuse, _ = person.data_of(words(line, "consent-refuse"))
    await person.press_data(agree, asked)
    await person.press_data(refuse, asked)
    async with line.app.new_session.begin() as session:
        given = (await session.scalars(select(Consent.given))).all()
    assert given == [True]


async def test_a_button_of_no_window_in_hand_is_answered_and_does_nothing(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:sex")
    before = await stands(person)
    sex, screen = person.data_of(words(line, "sex-male"))
    intent = sex.partition("\x1d")[0]
    for forged in ("choice:confirm", "consent:refuse", "wanted:", "salary_skip", "sex:robot", ""):
        answered = _answered(line)
        await person.press_data(f"{intent}\x1d{forged}", screen)
        assert _answered(line) == answered + 1
        assert await stands(person) == before
    await person.press(words(line, "sex-male"))
    assert (await stands(person)).window == "Registration:province"


async def test_a_hundred_hands_on_confirm_make_one_request(line: Line) -> None:
    """Not even without the inbox, which would let them in one by one."""
    person = await walk_to(line.person(), "Registration:summary")
    data, summary = person.data_of(words(line, "button-confirm"))
    await asyncio.gather(*(person.press_data(data, summary) for _ in range(100)))
    async with line.app.new_session.begin() as session:
        waiting = await list_requests(session)
    assert [each.topic for each in waiting] == ["registration"]
    assert (await stands(person)).window == "Registration:purposes"
