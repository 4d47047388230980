"""The same limits where a person has given the most that the form takes, or never goes back."""

import pytest
from aiogram_dialog.api.entities import stack

from dialogs.states import Registration
from services import sms_text
from tests.dialogs.walk import stands, text_to
from tests.people import Line

MOST_PARTS = 3
LONGEST_NAME = "ស" * 80
MOST_OF_EVERYTHING = ("32", "1", "2", "1", "1", "1 2 3 4 5", "1 2 3 4 5 6", "1000000")


async def test_the_fullest_summary_is_at_most_three_parts(line: Line) -> None:
    phone = await text_to(line.phone(), str(Registration.name.state))
    summary = await phone.send(LONGEST_NAME, *MOST_OF_EVERYTHING)
    assert (await stands(phone)).window == Registration.summary.state
    assert sms_text.count(summary).parts <= MOST_PARTS, summary
    correcting = await phone.send("2")
    assert sms_text.count(correcting).parts <= MOST_PARTS, correcting


async def test_choosing_what_to_correct_is_at_most_three_parts(line: Line) -> None:
    phone = await text_to(line.phone(), str(Registration.summary.state))
    correcting = await phone.send("2")
    assert sms_text.count(correcting).parts <= MOST_PARTS, correcting


async def test_asking_again_and_again_never_ends_in_a_fault(line: Line) -> None:
    """Each CALL and HELP lies on top of what was there; a stack holds a hundred."""
    phone = await text_to(line.phone(), "Menu:main")
    for _ in range(60):
        await phone.send("CALL", "HELP")
    assert (await stands(phone)).window == "Menu:how_to_use"
    await phone.send("0")
    assert await phone.send("*")


async def test_two_conversations_begun_in_one_second_are_told_apart(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library's ids are the second and one of a hundred numbers: made to be equal here."""
    monkeypatch.setattr(stack, "new_int_id", lambda: 1)
    phone = await text_to(line.phone(), "Menu:main")
    await phone.send("CALL")
    await phone.send("0")
    assert (await stands(phone)).window == "Menu:main"
