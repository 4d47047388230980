"""AskDate: a day as people write it, within bounds, else asked again."""

from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiogram.types import Chat, Message
from aiogram_dialog import DialogManager
from aiogram_dialog.api.protocols import DialogProtocol

from dialogs.buttons import Answer
from dialogs.screen import Screen
from dialogs.states import Registration
from dialogs.texts import Tr
from dialogs.turn import TURN_KEY, Turn
from dialogs.widgets import AskDate
from locales.catalogue import load_catalogue
from services.places import load_gazetteer

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def _turn() -> Turn:
    return Turn(
        address=cast(Any, SimpleNamespace(id=1)),
        channel="sms",
        language="km",
        now=NOW,
        new_session=cast(Any, None),
        connect=cast(Any, None),
        catalogue=load_catalogue(),
        gazetteer=load_gazetteer(),
    )


async def _answer(text: str) -> tuple[list[date], Turn]:
    taken: list[date] = []

    async def on_date(_: DialogManager, day: date) -> None:
        taken.append(day)

    ask = AskDate("born", on_date, earliest=date(1930, 1, 1), latest=date(2026, 11, 20))
    turn = _turn()
    manager = cast(DialogManager, SimpleNamespace(middleware_data={TURN_KEY: turn}))
    message = Message(message_id=1, date=NOW, chat=Chat(id=1, type="private"), text=text)
    await ask.process_message(message, cast(DialogProtocol, None), manager)
    return taken, turn


@pytest.mark.parametrize("text", ["15 3 1990", "15/3/1990", "១៥ ៣ ១៩៩០", "១៥/៣/១៩៩០", "15-03-1990"])
async def test_a_day_is_understood_and_repeated(text: str) -> None:
    taken, turn = await _answer(text)
    assert taken == [date(1990, 3, 15)]
    assert turn.heard == "15/3/1990"
    assert not turn.unclear


@pytest.mark.parametrize("text", ["31 2 1990", "1 1 1900", "1 1 2030", "hello", "15", ""])
async def test_anything_else_is_asked_again(text: str) -> None:
    taken, turn = await _answer(text)
    assert not taken
    assert turn.unclear


def test_its_digits_press_no_button_by_sms() -> None:
    async def on_date(_: DialogManager, day: date) -> None:
        raise AssertionError(day)

    ask = AskDate("born", on_date, earliest=date(1930, 1, 1), latest=date(2026, 11, 20))
    assert Screen(Tr("registration-age"), ask, state=Registration.age).answer is Answer.NUMBER
