"""STOP and START, from any step of both channels: what they say is what happens."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from db.models import Request
from services import addresses, contact_policy, sms_text
from services.contact_policy import STOPPED, Allowed, Forbidden, Purpose
from tests.dialogs.walk import (
    SMS_WINDOWS,
    TELEGRAM_WINDOWS,
    address_of,
    again,
    question,
    stands,
    text_to,
    walk_to,
    words,
)
from tests.people import NOW, Line, SmsPerson, TelegramPerson

MY_DATA = "ព័ត៌មានរបស់ខ្ញុំ"


async def _may(
    person: TelegramPerson | SmsPerson, purpose: Purpose, *, asked_before_stop: bool = False
) -> contact_policy.Decision:
    """What the policy says a minute after the person last wrote."""
    asked_at = NOW - timedelta(hours=1) if asked_before_stop else NOW + timedelta(seconds=30)
    async with person.line.app.new_session.begin() as session:
        address = await addresses.find(session, *address_of(person))
        assert address is not None
        return await contact_policy.may_contact(
            session, address, purpose, NOW + timedelta(minutes=1), asked_at=asked_at
        )


@pytest.mark.parametrize("window", TELEGRAM_WINDOWS)
async def test_stop_is_heard_at_every_step_on_telegram(line: Line, window: str) -> None:
    person = await walk_to(line.person(), window)
    before = await stands(person)
    await person.write("ឈប់")
    assert words(line, "messages-stopped") in person.screen
    assert await _may(person, Purpose.NEWS) == Forbidden(STOPPED)
    await person.write(words(line, "button-back"))
    assert await stands(person) == again(before)


@pytest.mark.parametrize("window", SMS_WINDOWS)
@pytest.mark.parametrize("word", ["STOP", "ឈប់"])
async def test_stop_is_heard_at_every_step_by_sms(line: Line, window: str, word: str) -> None:
    phone = await text_to(line.phone(), window)
    before = await stands(phone)
    told = await phone.send(word)
    assert question(line, "messages-stopped", "sms") in told
    assert await _may(phone, Purpose.NEWS) == Forbidden(STOPPED)
    await phone.send("0")
    assert await stands(phone) == again(before)


async def test_after_stop_only_answers_come(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:done")
    await person.write("ឈប់")
    assert await _may(person, Purpose.NEWS) == Forbidden(STOPPED)
    assert await _may(person, Purpose.REPLY, asked_before_stop=True) == Forbidden(STOPPED)
    assert isinstance(await _may(person, Purpose.REPLY), Allowed)
    assert isinstance(await _may(person, Purpose.DIALOG), Allowed)


async def test_after_stop_everything_can_still_be_used(line: Line) -> None:
    person = await walk_to(line.person(), "Menu:main")
    await person.write("ឈប់")
    await person.press(words(line, "button-menu"), words(line, "menu-register"))
    assert question(line, "registration-name") in await person.press(words(line, "consent-agree"))
    await person.write(MY_DATA)
    listed = await person.press(words(line, "data-agreements"))
    assert words(line, "agreements-stopped") in listed
    assert await _may(person, Purpose.NEWS) == Forbidden(STOPPED)


WE_WRITE = ("promise-open", "promise-late", "next-in_progress", "next-waiting_others")


async def test_after_stop_no_receipt_promises_a_message(line: Line) -> None:
    person = await walk_to(line.person(), "Menu:main")
    await person.write("ឈប់")
    stopped = words(line, "promise-stopped")
    assert stopped in await person.write("ខ្ញុំចង់សួរអំពីប្រាក់ខែ")
    await person.write("សំណើ")
    await person.press(person.buttons[0], words(line, "request-add"))
    assert stopped in await person.write("ពីរខែហើយ")
    await person.write("ចាប់ផ្ដើម")
    assert stopped not in await person.write("ខ្ញុំចង់សួរទៀត")


@pytest.mark.parametrize("state", ["new", "taken", "waiting_others", "reopened"])
async def test_after_stop_my_request_promises_no_message(line: Line, state: str) -> None:
    person = await walk_to(line.person(), "Menu:main")
    await person.write("ខ្ញុំចង់សួរអំពីប្រាក់ខែ")
    async with line.app.new_session.begin() as session:
        await session.execute(update(Request).values(state=state, due_at=None))
    await person.write("ឈប់")
    await person.write("សំណើ")
    screen = await person.press(person.buttons[0])
    assert words(line, "promise-stopped") in screen
    assert not [key for key in WE_WRITE if words(line, key) in screen]


async def test_after_stop_a_receipt_by_sms_promises_no_message(line: Line) -> None:
    phone = await text_to(line.phone(), "Menu:main")
    await phone.send("STOP")
    told = await phone.send("ខ្ញុំចង់សួរអំពីប្រាក់ខែ")
    assert words(line, "promise-stopped", "sms") in told
    assert sms_text.count(told).parts == 1


async def test_start_brings_messages_back_on_telegram(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:age")
    await person.write("ឈប់")
    await person.write("/start")
    assert words(line, "notice-messages-again") in person.screen
    assert (await stands(person)).window == "Registration:age"
    assert await _may(person, Purpose.NEWS) != Forbidden(STOPPED)


@pytest.mark.parametrize("word", ["START", "ចាប់ផ្ដើម"])
async def test_start_brings_messages_back_by_sms(line: Line, word: str) -> None:
    phone = await text_to(line.phone(), "Registration:age")
    await phone.send("STOP")
    assert words(line, "notice-messages-again", "sms") in await phone.send(word)
    assert (await stands(phone)).window == "Registration:age"
    assert await _may(phone, Purpose.NEWS) != Forbidden(STOPPED)


async def test_deleting_ends_a_stop_with_everything_else(line: Line) -> None:
    """Whoever comes back is somebody new, of whom nothing is known, not even that."""
    person = await walk_to(line.person(), "Registration:done")
    await person.write("ឈប់")
    await person.write(MY_DATA)
    await person.press(words(line, "data-delete"), words(line, "button-delete-all"))
    assert await _may(person, Purpose.NEWS) != Forbidden(STOPPED)
