"""Whoever asks for a call, or says that help did not come, while the centre is closed."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from services import sms_text
from tests.dialogs.centre_staff import deliver, finish, only_code
from tests.dialogs.walk import text_to, walk_to, words
from tests.people import NOW, Line

UNPAID = "ថៅកែមិនទាន់ឱ្យប្រាក់ខែខ្ញុំ"
# The Water Festival follows: the next day on which a centre is open is Thursday.
SATURDAY = datetime(2026, 11, 21, 3, tzinfo=UTC)
LUNCH = datetime(2026, 11, 20, 5, 15, tzinfo=UTC)
ON_TELEGRAM = [
    (SATURDAY, "ថ្ងៃព្រហស្បតិ៍ 26 វិច្ឆិកា ម៉ោង 8 ព្រឹក"),
    (LUNCH, "ម៉ោង 1:30 រសៀល ថ្ងៃនេះ"),
]
BY_SMS = [(SATURDAY, "ពីថ្ងៃព្រហស្បតិ៍ ម៉ោង 8 ព្រឹក"), (LUNCH, "ពីម៉ោង 1:30 រសៀល ថ្ងៃនេះ")]


def _at(line: Line, moment: datetime) -> None:
    line.conversation = replace(line.conversation, now=lambda: moment)


@pytest.mark.parametrize(("moment", "said"), ON_TELEGRAM)
async def test_a_no_is_told_when(line: Line, moment: datetime, said: str) -> None:
    person = await walk_to(line.person(), "Menu:main")
    await person.write(UNPAID)
    code = await only_code(line)
    await finish(line, code)
    await deliver(line)
    _at(line, moment)
    await person.write("មិនទាន់")
    assert said in person.screen
    assert code in person.screen


@pytest.mark.parametrize(("moment", "said"), BY_SMS)
async def test_so_it_is_by_sms_in_one_part(line: Line, moment: datetime, said: str) -> None:
    phone = await text_to(line.phone(), "Menu:main")
    await phone.send(UNPAID)
    code = await only_code(line)
    await finish(line, code)
    _at(line, moment)
    told = await phone.send("K2")
    assert said in told
    assert code in told
    assert sms_text.count(told).parts == 1, told


@pytest.mark.parametrize(("moment", "said"), ON_TELEGRAM)
async def test_who_asks_for_a_call_is_told_when(line: Line, moment: datetime, said: str) -> None:
    person = await walk_to(line.person(), "Registration:done")
    _at(line, moment)
    assert said in await person.write("CALL")


@pytest.mark.parametrize(("moment", "said"), BY_SMS)
async def test_by_sms_it_costs_no_more(line: Line, moment: datetime, said: str) -> None:
    phone = await text_to(line.phone(), "Menu:main")
    open_told = await phone.send("CALL")
    _at(line, moment)
    told = await phone.send("CALL")
    assert said in told
    assert sms_text.count(told).parts == sms_text.count(open_told).parts


async def test_while_it_is_open_nothing_more_is_said(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:done")
    _at(line, NOW)
    code = (await person.write("CALL")).partition("លេខកូដ ")[2][:8]
    assert words(line, "call-done", code=code) in person.screen
