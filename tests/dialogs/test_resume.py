"""A form goes on after a flush, a crash or a carrier that fails; nothing is handled twice."""

from dataclasses import replace

import pytest
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.methods import AnswerCallbackQuery, SendMessage
from sqlalchemy import select
from structlog.testing import capture_logs

from db.models import Consent
from db.models.address import address_index
from services import addresses
from services.inbox import MAX_ATTEMPTS, InboxItem, PassingFault
from services.request_queue import list_requests
from tests.dialogs.walk import (
    CONTACT,
    FORM_WINDOWS,
    SMS_WAY,
    TELEGRAM_WAY,
    act,
    question,
    stands,
    text_to,
    walk_to,
    words,
)
from tests.people import Line

METHOD = SendMessage(chat_id=1, text="")
# Between consent and the end; what else may be done is asked when the form is sent already.
SMS_FORM = [state for state in FORM_WINDOWS[1:] if state in dict(SMS_WAY)]


async def _topics(line: Line) -> list[str]:
    async with line.app.new_session.begin() as session:
        return [each.topic for each in await list_requests(session)]


# --- Redis is lost ---


@pytest.mark.parametrize("window", FORM_WINDOWS[1:])
async def test_on_telegram_a_form_goes_on_after_a_flush(line: Line, window: str) -> None:
    person = await walk_to(line.person(), window)
    before = await stands(person)
    await line.app.redis.flushdb()
    await person.write("32")
    assert person.screen.startswith(words(line, "notice-going-on"))
    assert await stands(person) == before
    at = [state for state, _ in TELEGRAM_WAY].index(window)
    for _, acts in TELEGRAM_WAY[at + 1 :]:
        for kind, what in acts:
            await act(person, kind, what)
    assert (await stands(person)).window == "Registration:done"
    assert await _topics(line) == ["registration"]


async def test_words_after_a_flush_are_kept_and_the_form_goes_on(line: Line) -> None:
    """They may have meant the lost question, or be for the centre: nothing typed is lost."""
    person = await walk_to(line.person(), "Registration:age")
    before = await stands(person)
    await line.app.redis.flushdb()
    screen = await person.write("ខ្ញុំមិនទាន់បានប្រាក់ខែ")
    assert screen.startswith(question(line, "notice-kept-going-on"))
    assert question(line, "registration-age") in screen
    assert await stands(person) == before
    assert await _topics(line) == ["talk"]


@pytest.mark.parametrize("window", SMS_FORM)
async def test_by_sms_a_form_goes_on_after_a_flush(line: Line, window: str) -> None:
    """A number that answered a lost screen is not taken for an answer; the question comes again."""
    phone = await text_to(line.phone(), window)
    before = await stands(phone)
    await line.app.redis.flushdb()
    assert words(line, "notice-going-on", "sms") in await phone.send("1")
    assert await stands(phone) == before
    at = [state for state, _ in SMS_WAY].index(window)
    for _, text in SMS_WAY[at + 1 :]:
        await phone.send(text)
    assert (await stands(phone)).window == "Registration:done"
    assert await _topics(line) == ["registration"]


# --- the process dies between the answer and the mark on the row ---


async def test_a_finished_turn_is_not_handled_again_on_telegram(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:sectors")
    data, screen = person.data_of(words(line, "sector-garment"))
    await person.press_data(data, screen)
    before, calls = await stands(person), len(line.memory.calls)
    again = replace(line, ids=iter([(await _handled(line, person.id))]))
    await again.person(person.id).press_data(data, screen, attempt=2)
    assert await stands(person) == before
    assert len(line.memory.calls) == calls


async def _handled(line: Line, chat_id: int) -> int:
    standing = await line.conversation.store.load(address_index("telegram", str(chat_id)))
    assert standing.handled is not None
    return standing.handled


async def test_a_finished_turn_by_sms_only_shows_its_answer_again(line: Line) -> None:
    phone = await text_to(line.phone(), "Registration:name")
    payload = {"From": phone.number, "Body": "សុខា"}
    first = await line.conversation.handle(InboxItem(900, "sms", payload, 1))
    before = await stands(phone)
    second = await line.conversation.handle(InboxItem(900, "sms", payload, 2))
    assert await stands(phone) == before
    assert question(line, "registration-age", "sms") in second[0].text
    assert [answer.dedup_key for answer in first] == [answer.dedup_key for answer in second]


async def test_a_turn_whose_end_was_lost_has_the_same_outcome(line: Line) -> None:
    """The screen was shown, the state was not kept: the same press comes once more."""
    person = await walk_to(line.person(), "Registration:consent")
    data, screen = person.data_of(words(line, "consent-agree"))
    key, *_ = [key async for key in line.app.redis.scan_iter("c:*")]
    before = await line.app.redis.get(key)
    await person.press_data(data, screen)
    after = await stands(person)
    assert before is not None
    await line.app.redis.set(key, before)
    await person.press_data(data, screen, attempt=2)
    assert await stands(person) == after
    assert question(line, "registration-name") in person.screen


# --- Telegram fails in the middle ---


@pytest.mark.parametrize(
    "failure",
    [
        TelegramNetworkError(METHOD, "cut off"),
        TelegramServerError(METHOD, "Bad Gateway"),
        TelegramRetryAfter(METHOD, "Too Many Requests", 17),
    ],
)
@pytest.mark.parametrize("attempt", [1, MAX_ATTEMPTS])
async def test_a_passing_fault_is_tried_again_and_loses_no_answer(
    line: Line, failure: Exception, attempt: int
) -> None:
    person = await walk_to(line.person(), "Registration:sex")
    data, screen = person.data_of(words(line, "sex-male"))
    line.memory.failures = [failure]
    with pytest.raises(PassingFault) as passing:
        await person.press_data(data, screen, attempt)
    if isinstance(failure, TelegramRetryAfter):
        assert passing.value.after_s == 17
    await person.press_data(data, screen, attempt)
    assert question(line, "registration-province") in person.screen
    assert ((await stands(person)).answers or {})["sex"] == "male"


async def test_a_fault_after_confirming_makes_no_second_request(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:summary")
    data, screen = person.data_of(words(line, "button-confirm"))
    line.memory.failures = [TelegramNetworkError(METHOD, "cut off")]
    with pytest.raises(PassingFault):
        await person.press_data(data, screen)
    await person.press_data(data, screen, attempt=2)
    assert await _topics(line) == ["registration"]
    assert (await stands(person)).window == "Registration:purposes"
    assert question(line, "registration-purposes") in person.screen


async def test_a_fault_while_agreeing_leaves_one_agreement_that_counts(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:consent")
    data, screen = person.data_of(words(line, "consent-agree"))
    line.memory.failures = [TelegramServerError(METHOD, "Bad Gateway")]
    with pytest.raises(PassingFault):
        await person.press_data(data, screen)
    await person.press_data(data, screen, attempt=2)
    async with line.app.new_session.begin() as session:
        given = (await session.scalars(select(Consent.given))).all()
    assert set(given) == {True}


async def test_whoever_blocks_us_is_left_alone_until_they_write(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:sex")
    line.memory.failures = [TelegramForbiddenError(METHOD, "Forbidden: bot was blocked")]
    await person.press(words(line, "sex-male"))
    assert await _blocked(line, person.id)
    await person.write("/start")
    assert not await _blocked(line, person.id)
    assert (await stands(person)).window == "Registration:province"


async def _blocked(line: Line, chat_id: int) -> bool:
    async with line.app.new_session.begin() as session:
        address = await addresses.find(session, "telegram", str(chat_id))
        assert address is not None
        return address.blocked_at is not None


async def test_a_screen_that_stands_already_is_no_trouble(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:age")
    data, screen = person.data_of(words(line, "button-skip"))
    line.memory.failures = [
        TelegramBadRequest(METHOD, "Bad Request: message is not modified: exactly the same"),
    ]
    await person.press_data(data, screen)
    assert (await stands(person)).window == "Registration:sex"
    await person.write(words(line, "sex-female"))
    assert (await stands(person)).window == "Registration:province"


async def test_too_late_to_answer_a_press_is_no_trouble(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:age")
    late = TelegramBadRequest(
        METHOD,
        "Bad Request: query is too old and response timeout expired or query ID is invalid",
    )
    line.memory.failing[AnswerCallbackQuery] = late
    await person.press(words(line, "button-skip"))
    assert question(line, "registration-sex") in person.screen


async def test_our_own_mistake_is_admitted_at_the_last_attempt(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await walk_to(line.person(), "Registration:salary")

    def broken(_: str) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("services.salary.parse", broken)
    with pytest.raises(ZeroDivisionError):
        await person.write("250$")
    with capture_logs() as logged:
        await person.send(text="250$", attempt=MAX_ATTEMPTS)
    assert [entry["kind"] for entry in logged] == ["ZeroDivisionError"]
    assert words(line, "notice-our-mistake") in person.screen
    assert question(line, "registration-salary") in person.screen
    monkeypatch.undo()
    await person.write("250$")
    assert (await stands(person)).window == "Registration:summary"


async def test_a_number_shared_in_the_fault_is_kept(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:phone")
    contact = CONTACT | {"user_id": person.id}
    line.memory.failures = [TelegramNetworkError(METHOD, "cut off")]
    with pytest.raises(PassingFault):
        await person.send(contact=contact)
    await person.send(contact=contact, attempt=2)
    assert ((await stands(person)).answers or {})["phone_e164"] == "+85512345678"
