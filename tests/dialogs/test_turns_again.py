"""A turn that failed after its COMMIT comes again: it writes nothing twice, and says the same.

Two people do the same; with the second one the carrier, Redis or the process fails on the way.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import regex
from aiogram.exceptions import TelegramNetworkError
from aiogram.methods import EditMessageText, SendMessage
from redis.exceptions import ConnectionError as RedisGone
from sqlalchemy import func, select

from bot.state_store import Standing, StateStore
from db.models import AuditRow, Consent, File, Request, RequestEvent
from services import addresses, questions
from services.inbox import InboxItem, PassingFault
from tests.dialogs.centre_staff import finish, reply
from tests.dialogs.walk import address_of, text_to, walk_to, words
from tests.people import NOW, Line, SmsPerson, TelegramPerson, open_line
from tests.served_app import make_app
from tests.support import Database

UNPAID = "ថៅកែមិនទាន់ឱ្យប្រាក់ខែខ្ញុំ"
AND_SO_ON = "ខ្ញុំធ្វើការនៅទីនោះ ២ ខែ"
PHOTO = {"photo": [{"file_id": "L", "file_unique_id": "l", "width": 9, "height": 9}]}
CARD = {"phone_number": "85512345678", "first_name": "S"}

Person = TelegramPerson | SmsPerson
Payload = dict[str, Any]
CUT_OFF = TelegramNetworkError(SendMessage(chat_id=1, text=""), "cut off")


# --- what a person does last: the update that will come again ---


def _message(person: TelegramPerson, **content: Any) -> Payload:
    message = {
        "message_id": next(person.line.memory.numbers),
        "date": 1,
        "chat": {"id": person.id, "type": "private"},
        "from": {"id": person.id, "is_bot": False, "first_name": "S"},
        **content,
    }
    return {"update_id": 1, "message": message}


def _press(person: TelegramPerson, key: str) -> Payload:
    return person.press_update(*person.data_of(words(person.line, key)))


async def _code(person: Person) -> str:
    async with person.line.app.new_session.begin() as session:
        address = await addresses.find(session, *address_of(person))
        assert address is not None
        query = select(Request.code).where(Request.address_id == address.id)
        return (await session.scalars(query.order_by(Request.id.desc()).limit(1))).one()


async def _at_the_request(person: TelegramPerson) -> None:
    await walk_to(person, "Menu:main")
    await person.write(UNPAID)
    await person.write("/requests")
    await person.press(person.buttons[0])


async def _very_first_words(person: TelegramPerson) -> Payload:
    return _message(person, text=UNPAID)


async def _words_at_rest(person: TelegramPerson) -> Payload:
    await walk_to(person, "Menu:main")
    return _message(person, text=UNPAID)


async def _more_words(person: TelegramPerson) -> Payload:
    await _words_at_rest(person)
    await person.write(UNPAID)
    return _message(person, text=AND_SO_ON)


async def _words_after_a_flush(person: TelegramPerson) -> Payload:
    await walk_to(person, "Registration:age")
    await person.line.app.redis.flushdb()
    return _message(person, text=UNPAID)


async def _addition(person: TelegramPerson) -> Payload:
    await _at_the_request(person)
    await person.press(words(person.line, "request-add"))
    return _message(person, text=AND_SO_ON)


async def _photo(person: TelegramPerson) -> Payload:
    await walk_to(person, "Menu:main")
    return _message(person, **PHOTO, caption=UNPAID)


async def _second_photo_of_an_album(person: TelegramPerson) -> Payload:
    await walk_to(person, "Menu:main")
    await person.send(**PHOTO, media_group_id="g")
    return _message(person, **PHOTO, media_group_id="g")


async def _call(person: TelegramPerson) -> Payload:
    await walk_to(person, "Menu:main")
    return _message(person, text="/call")


async def _call_again(person: TelegramPerson) -> Payload:
    await walk_to(person, "Menu:main")
    await person.write("/call")
    return _message(person, text="/call")


async def _number_to_call(person: TelegramPerson) -> Payload:
    await _call(person)
    await person.write("/call")
    return _message(person, contact={**CARD, "user_id": person.id})


async def _withdrawal(person: TelegramPerson) -> Payload:
    await _at_the_request(person)
    await person.press(words(person.line, "request-withdraw"))
    return _press(person, "request-withdraw-yes")


async def _done(person: TelegramPerson) -> None:
    await walk_to(person, "Menu:main")
    await person.write(UNPAID)
    await finish(person.line, await _code(person))


async def _help_came(person: TelegramPerson) -> Payload:
    await _done(person)
    await person.write("/requests")
    await person.press(person.buttons[0])
    return _press(person, "request-came")


async def _help_did_not_come(person: TelegramPerson) -> Payload:
    await _done(person)
    await person.write("/requests")
    await person.press(person.buttons[0])
    return _press(person, "request-not_came")


async def _question_id(person: TelegramPerson) -> int:
    async with person.line.app.new_session.begin() as session:
        address = await addresses.find(session, *address_of(person))
        assert address is not None
        of_address = questions.Question.address_id == address.id
        return (await session.scalars(select(questions.Question.id).where(of_address))).one()


async def _answer_yes(person: TelegramPerson) -> Payload:
    await _done(person)
    return person.press_update(f"?{await _question_id(person)}:1", person.chat[-1])


async def _answer_no(person: TelegramPerson) -> Payload:
    await _done(person)
    return person.press_update(f"?{await _question_id(person)}:2", person.chat[-1])


async def _correction(person: TelegramPerson) -> Payload:
    await walk_to(person, "Menu:main")
    first = _message(person, text=UNPAID)
    await person.line.take("telegram", first)
    edited = {**first["message"], "text": AND_SO_ON}
    return {"update_id": 2, "edited_message": edited}


async def _confirmed_form(person: TelegramPerson) -> Payload:
    await walk_to(person, "Registration:summary")
    return _press(person, "button-confirm")


ON_TELEGRAM = [
    _very_first_words,
    _words_at_rest,
    _more_words,
    _words_after_a_flush,
    _addition,
    _photo,
    _second_photo_of_an_album,
    _call,
    _call_again,
    _number_to_call,
    _withdrawal,
    _help_came,
    _help_did_not_come,
    _answer_yes,
    _answer_no,
    _correction,
    _confirmed_form,
]
SHOWS_NOTHING = (_correction, _second_photo_of_an_album)


async def _sms_words(phone: SmsPerson) -> str:
    await text_to(phone, "Menu:main")
    return UNPAID


async def _sms_call(phone: SmsPerson) -> str:
    await text_to(phone, "Menu:main")
    return "CALL"


async def _sms_answer(phone: SmsPerson) -> str:
    await text_to(phone, "Menu:main")
    await phone.send(UNPAID)
    await finish(phone.line, await _code(phone))
    return "K2"


async def _sms_withdrawal(phone: SmsPerson) -> str:
    await text_to(phone, "Menu:main")
    await phone.send(UNPAID, "សំណើ", "1", words(phone.line, "request-withdraw", "sms"))
    return "1"


BY_SMS = [_sms_words, _sms_call, _sms_answer, _sms_withdrawal]


# --- what goes wrong ---


@pytest.fixture
def save_fails(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Let the next keeping of a standing fail."""
    errors: list[BaseException] = []
    save = StateStore.save

    async def failing(store: StateStore, key: bytes, standing: Standing) -> None:
        if errors:
            raise errors.pop()
        await save(store, key, standing)

    monkeypatch.setattr(StateStore, "save", failing)
    return errors.append


async def _fails(line: Line, item: InboxItem) -> None:
    with pytest.raises((PassingFault, asyncio.CancelledError)):
        await line.conversation.handle(item)


def _same(text: str) -> str:
    """Codes are by chance."""
    return regex.sub(r"[0-9]{8}|[០-៩]{8}", "CODE", text)


async def _written(person: Person) -> list[tuple[str, Any]]:
    """What stands in the threads of the person."""
    async with person.line.app.new_session() as session:
        address = await addresses.find(session, *address_of(person))
        assert address is not None
        query = select(RequestEvent).join(Request, Request.id == RequestEvent.request_id)
        own = query.where(Request.address_id == address.id).order_by(RequestEvent.id)
        events = [
            (event.kind, (event.body or {}).get("text")) for event in await session.scalars(own)
        ]
        files = select(func.count()).select_from(File).where(File.address_id == address.id)
        return [*events, ("files", await session.scalar(files))]


def _shown(person: TelegramPerson) -> tuple[str, list[str]]:
    """The last message, with its buttons."""
    markup = person.chat[-1].reply_markup
    rows = markup.inline_keyboard if markup else []
    return _same(person.screen), [button.text for row in rows for button in row]


@pytest.mark.parametrize(
    ("act", "fault"),
    [
        (act, fault)
        for act in ON_TELEGRAM
        for fault in ("refused", "cut off", "not kept", "ended before it was kept")
        if act not in SHOWS_NOTHING or fault not in ("refused", "cut off")
    ],
)
async def test_on_telegram(
    line: Line,
    save_fails: Callable[[BaseException], None],
    act: Callable[[TelegramPerson], Awaitable[Payload]],
    fault: str,
) -> None:
    lucky, unlucky = line.person(500), line.person(600)
    await line.take("telegram", await act(lucky))
    item = InboxItem(5_000_000, "telegram", await act(unlucky), 1)
    if fault == "not kept":
        save_fails(RedisGone("gone"))
    elif fault == "ended before it was kept":
        save_fails(asyncio.CancelledError())
    else:
        error = CUT_OFF if fault == "refused" else asyncio.CancelledError()
        line.memory.failing = {SendMessage: error, EditMessageText: error}
    await _fails(line, item)
    line.memory.failing = {}
    await line.conversation.handle(item)
    assert await _written(unlucky) == await _written(lucky)
    assert _shown(unlucky) == _shown(lucky)


@pytest.mark.parametrize("error", [RedisGone("gone"), asyncio.CancelledError()])
@pytest.mark.parametrize("act", BY_SMS)
async def test_by_sms(
    line: Line,
    save_fails: Callable[[BaseException], None],
    act: Callable[[SmsPerson], Awaitable[str]],
    error: BaseException,
) -> None:
    lucky, unlucky = line.phone("+85512345678"), line.phone("+85512345679")
    told = await lucky.send(await act(lucky))
    payload = {"From": unlucky.number, "Body": await act(unlucky)}
    item = InboxItem(5_000_000, "sms", payload, 1)
    save_fails(error)
    await _fails(line, item)
    (again,) = await line.conversation.handle(item)
    assert await _written(unlucky) == await _written(lucky)
    assert _same(again.text) == _same(told)


@pytest.fixture
async def one_way(db: Database, redis_url: str) -> AsyncIterator[Line]:
    async with make_app(db.engine, redis_url, database_url=db.url, sms_two_way=False) as app:
        yield open_line(app)


@pytest.mark.parametrize("text", [UNPAID, "CALL"])
async def test_where_no_sms_can_be_answered(one_way: Line, text: str) -> None:
    item = InboxItem(5_000_000, "sms", {"From": "+85512345678", "Body": text}, 1)
    first = await one_way.conversation.handle(item)
    once = await _written(one_way.phone())
    assert await one_way.conversation.handle(item) == first
    assert await _written(one_way.phone()) == once


async def test_words_that_staff_answered_meanwhile_are_not_taken_for_new(line: Line) -> None:
    person = line.person()
    item = InboxItem(5_000_000, "telegram", await _words_at_rest(person), 1)
    line.memory.failing[SendMessage] = CUT_OFF
    await _fails(line, item)
    line.memory.failing.clear()
    await reply(line, await _code(person), "តើបងនៅណា?")
    once = await _written(person)
    await line.conversation.handle(item)
    assert await _written(person) == once


async def test_a_second_answer_of_another_message_is_not_the_first_one(line: Line) -> None:
    person = line.person()
    payload = await _answer_yes(person)
    await line.take("telegram", payload)
    await person.write("ម៉ឺនុយ")
    await line.take("telegram", payload)
    assert words(line, "stage-confirmed") in person.screen
    assert [kind for kind, _ in await _written(person)].count("confirmed") == 1


async def test_everything_is_deleted_once(
    line: Line, save_fails: Callable[[BaseException], None]
) -> None:
    person = await walk_to(line.person(), "Registration:done")
    await person.write("/mydata")
    await person.press(words(line, "data-delete"))
    item = InboxItem(5_000_000, "telegram", _press(person, "button-delete-all"), 1)
    save_fails(RedisGone("gone"))
    await _fails(line, item)
    told = person.screen
    await line.conversation.handle(item)
    assert person.screen == told
    async with line.app.new_session() as session:
        address = await addresses.find(session, *address_of(person))
        assert address is not None
        assert address.forget_at == NOW
        assert await session.scalar(select(func.count()).select_from(AuditRow)) == 1


@pytest.mark.parametrize("answer", ["agree", "refuse"])
async def test_an_answer_to_the_question_of_consent_is_kept_once(
    line: Line, save_fails: Callable[[BaseException], None], answer: str
) -> None:
    person = await walk_to(line.person(), "Registration:consent")
    item = InboxItem(5_000_000, "telegram", _press(person, f"consent-{answer}"), 1)
    save_fails(RedisGone("gone"))
    await _fails(line, item)
    told = person.screen
    await line.conversation.handle(item)
    assert person.screen == told
    async with line.app.new_session() as session:
        answers = (await session.scalars(select(Consent))).all()
    assert [(one.purpose, one.given) for one in answers] == [("service", answer == "agree")]
