"""What words of danger are answered with: an offer that says nothing of them, and is no receipt."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from db.models import Request, RequestEvent
from locales.catalogue import load_catalogue
from services import keywords, sms_text
from services.request_queue import list_requests
from tests.dialogs.walk import stands, text_to, walk_to, words
from tests.people import Line
from tests.services.staff_chats import told_to, work_with_chat

DANGER = "គេដកលិខិតឆ្លងដែនខ្ញុំ"


@pytest.mark.parametrize("language", ["km", "en"])
@pytest.mark.parametrize("channel", ["telegram", "sms"])
def test_it_claims_nothing_and_names_nothing(language: str, channel: str) -> None:
    for key in ("call-offer", "sms-one-way-neutral"):
        offer = load_catalogue().text(key, language, channel)
        assert not keywords.scan(offer)
        assert "បានទទួល" not in offer
        assert "received" not in offer
        assert channel != "sms" or sms_text.count(offer).parts == 1


async def _asked(line: Line) -> Request:
    async with line.app.new_session.begin() as session:
        (row,) = await list_requests(session)
        return (await session.scalars(select(Request).where(Request.code == row.code))).one()


async def _is_told(line: Line, request: Request) -> bool:
    async with line.app.new_session.begin() as session:
        events = select(RequestEvent.kind, RequestEvent.body)
        said = (await session.execute(events.where(RequestEvent.request_id == request.id))).all()
        assert [(kind, body) for kind, body in said if kind != "phone_number"] == [("opened", None)]
        return await told_to(session, request) == [("urgent", "worker", "Sok")]


async def test_who_presses_it_is_called_soon_and_nothing_says_why(line: Line) -> None:
    async with line.app.new_session.begin() as session:
        await work_with_chat(session)
    person = await walk_to(line.person(), "Menu:main")
    await person.write(DANGER)
    await person.press(words(line, "menu-call"))
    request = await _asked(line)
    assert (request.topic, request.urgency) == ("call", "urgent")
    assert await _is_told(line, request)


@pytest.mark.parametrize("said", ["1", "CALL"])
async def test_by_sms_its_number_and_the_word_say_yes_to_it(line: Line, said: str) -> None:
    phone = await text_to(line.phone(), "Menu:main")
    assert "ផ្ញើ 1" in await phone.send(DANGER)
    assert "លេខកូដ" in await phone.send(said)
    assert ((await _asked(line)).topic, (await _asked(line)).urgency) == ("call", "urgent")


async def test_a_call_asked_for_elsewhere_waits_its_turn(line: Line) -> None:
    phone = await text_to(line.phone(), "Menu:main")
    await phone.send(DANGER, "*", "CALL")
    assert (await _asked(line)).urgency == "normal"
    assert (await stands(phone)).window == "CallMe:done"


async def test_after_hours_it_is_said_when_somebody_calls(line: Line) -> None:
    in_the_evening = datetime(2026, 11, 20, 12, tzinfo=UTC)
    line.conversation = replace(line.conversation, now=lambda: in_the_evening)
    phone = await text_to(line.phone(), "Menu:main")
    await phone.send(DANGER)
    assert "ពីថ្ងៃព្រហស្បតិ៍ ម៉ោង 8 ព្រឹក" in await phone.send("1")
