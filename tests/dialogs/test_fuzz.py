"""Random updates by the whole way in: the webhook, the inbox, the conversation.

Nothing that comes in may be answered with 5xx or fail for good, and whoever writes gets an answer.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from aiogram.methods import AnswerCallbackQuery, EditMessageText, SendMessage

from bot.consumer import InboxConsumer
from bot.web import create_web
from services import inbox, sms_text
from services.direct import direct_connection
from tests.dialogs.walk import SMS_WAY, TELEGRAM_WAY, act
from tests.people import NOW, Line
from tests.served_app import SECRET, Carrier, served, until

Update = dict[str, Any]
_MOST_PARTS = 10
_PEOPLE = range(700, 720)
_TEXTS = [
    "សុខា", "៣២", "32", "1", "2", "1 3", "0", "00", "99", "*", "ពោធិ៍សាត់", "បាកាន", "250$",
    "250 ដុល្លារ", "012 345 678", "+66812345678", "hello", "help", "CALL", "STOP", "/start", "/menu",
    "/unknown", "/", "ទូរសព្ទមកខ្ញុំ", "រំលង", "បន្ត", "ភាសា", "យល់ព្រម", "ត្រឹមត្រូវហើយ", "កែ",
    "\u200b", "\u200c\u200d", "សុខា\u200c\u200c", "x\u2060\u2061\u2062", "\u202eabc\u202c",
    "\u200cᅠ\u00ad", "\x00", "a\x00b", "\ud83d", "😀" * 50, "م" * 300, "{name}", "{0}", "%s",
    "<b>x</b>", "&amp;", "'; DROP TABLE inbox; --", "ក" * 4096, "1" * 4096, "្" * 200, "\n" * 50,
    "9" * 400, "-1", "1e9", "٣", "\u17ff\u17d2", "\uffff", "null", "[]", "\\u0000",
]  # fmt: skip
_LETTERS = "កខគ្រាិុំ។០១ abc019.,*/\u200b\u200c\u200d\u2060\u00ad\u202e\ufeff😀\n\t\x00\x1d"
_DATA = [
    "", "x", "\x1d", "abc\x1dlanguage:km", "zz\x1dchoice:confirm", "language:km", "way:register",
    "consent:agree", "province:>1", "province:<999999", "wanted:=12,15", "sex:robot",
    "ក" * 30, "x" * 200, "done_menu", "aiogd:stack:", "\u200c\u200c",
]  # fmt: skip
_FILE = {"file_id": "AgAC", "file_unique_id": "u", "file_size": 1}
_MEDIA: list[Update] = [
    {"photo": [{**_FILE, "width": 1, "height": 1}], "caption": "សុខា"},
    {"voice": {**_FILE, "duration": 2}},
    {"audio": {**_FILE, "duration": 2}},
    {"video": {**_FILE, "duration": 2, "width": 1, "height": 1}},
    {"video_note": {**_FILE, "duration": 2, "length": 1}},
    {"document": _FILE},
    {"animation": {**_FILE, "duration": 2, "width": 1, "height": 1}},
    {
        "sticker": {
            **_FILE,
            "type": "regular",
            "width": 1,
            "height": 1,
            "is_animated": False,
            "is_video": False,
        }
    },
    {"location": {"latitude": 12.5, "longitude": 104.9}},
    {
        "venue": {
            "location": {"latitude": 12.5, "longitude": 104.9},
            "title": "t",
            "address": "a",
        }
    },
    {"contact": {"phone_number": "85512345678", "first_name": "S"}},
    {"contact": {"phone_number": "", "first_name": "S", "user_id": 1}},
    {"contact": {"phone_number": "+1", "first_name": "\u202e"}},
    {"contact": {"phone_number": "9" * 200, "first_name": "S"}},
    {"dice": {"emoji": "🎲", "value": 4}},
    {"game": {"title": "t", "description": "d", "photo": []}},
    {"story": {"chat": {"id": 1, "type": "private"}, "id": 1}},
    {
        "poll": {
            "id": "1",
            "question": "?",
            "options": [],
            "total_voter_count": 0,
            "is_closed": False,
            "is_anonymous": True,
            "type": "regular",
            "allows_multiple_answers": False,
        }
    },
    {"pinned_message": {"message_id": 1, "date": 0, "chat": {"id": 700, "type": "private"}}},
    {"message_auto_delete_timer_changed": {"message_auto_delete_time": 86400}},
    {"write_access_allowed": {}},
    {"users_shared": {"request_id": 1, "users": [{"user_id": 1}]}},
    {"web_app_data": {"data": "x" * 4096, "button_text": "x"}},
    {"new_kind_of_message": {"nobody": "knows"}},
    {},
]


class Fuzz:
    """Makes updates and posts them as Telegram would; `seed` makes a failure repeatable."""

    def __init__(self, line: Line, seed: int) -> None:
        self.line = line
        self.random = random.Random(seed)
        self.next_id = 1

    def text(self) -> str:
        if self.random.random() < 0.7:
            return self.random.choice(_TEXTS)
        return "".join(self.random.choices(_LETTERS, k=self.random.randint(1, 60)))

    def update(self) -> Update:
        kinds: list[Callable[[], Update]] = [self._message] * 5 + [self._press] * 5
        kinds += [self._elsewhere, self._edited, self._membership, self._odd]
        self.next_id += 1
        return {"update_id": self.next_id, **self.random.choice(kinds)()}

    def _base(self) -> Update:
        person = self.random.choice(_PEOPLE)
        return {
            "message_id": 100_000 + self.next_id,
            "date": int(NOW.timestamp()),
            "chat": {"id": person, "type": "private", "first_name": "S"},
            "from": {"id": person, "is_bot": False, "first_name": "S\u202e", "language_code": "km"},
        }

    def _message(self) -> Update:
        message = self._base()
        if self.random.random() < 0.75:
            message["text"] = self.text()
        else:
            message |= self.random.choice(_MEDIA)
        if self.random.random() < 0.1:
            message["media_group_id"] = "album"
        if self.random.random() < 0.1:
            message["reply_to_message"] = self._quoted(message)
        return {"message": message}

    def _quoted(self, message: Update) -> Update:
        markup = {"inline_keyboard": [[{"text": "x", "callback_data": self._data()}]]}
        sender = {"id": 42, "is_bot": True, "first_name": "T"}
        quoted = {**message, "message_id": 1, "from": sender, "reply_markup": markup}
        if self.random.random() < 0.3:
            del quoted["from"]
        return quoted

    def _data(self) -> str:
        living = [
            button.callback_data or ""
            for chat in self.line.memory.messages.values()
            for message in chat.values()
            if message.reply_markup
            for row in message.reply_markup.inline_keyboard
            for button in row
        ]
        return self.random.choice(living if living and self.random.random() < 0.7 else _DATA)

    def _press(self) -> Update:
        base = self._base()
        chat = self.line.memory.messages.get(base["chat"]["id"], {})
        message: Update = {"message_id": 1, "date": 0, "chat": base["chat"]}
        if chat and self.random.random() < 0.8:
            pressed = self.random.choice(list(chat.values()))
            message = {**base, "message_id": pressed.message_id, "text": pressed.text}
            data = [
                button.callback_data
                for row in (pressed.reply_markup.inline_keyboard if pressed.reply_markup else [])
                for button in row
            ]
            if data and self.random.random() < 0.8:
                return self._query(base, message, self.random.choice(data))
        return self._query(base, message, self._data())

    def _query(self, base: Update, message: Update, data: str | None) -> Update:
        query = {"id": str(self.next_id), "from": base["from"], "chat_instance": "1"}
        return {"callback_query": {**query, "message": message, "data": data}}

    def _elsewhere(self) -> Update:
        kind = self.random.choice(["group", "supergroup", "channel"])
        message = {**self._base(), "chat": {"id": -100, "type": kind, "title": "g"}, "text": "x"}
        where = self.random.choice(["message", "channel_post", "edited_channel_post"])
        if where != "message":
            del message["from"]
        return {where: message}

    def _edited(self) -> Update:
        return {"edited_message": {**self._base(), "edit_date": 1, "text": self.text()}}

    def _membership(self) -> Update:
        base = self._base()
        bot = {"id": 42, "is_bot": True, "first_name": "T"}
        new = self.random.choice(["kicked", "member", "left"])
        change = {
            "old_chat_member": {"user": bot, "status": "member"},
            "new_chat_member": {"user": bot, "status": new, "until_date": 0},
        }
        return {"my_chat_member": {**base, **change}}

    def _odd(self) -> Update:
        base = self._base()
        return self.random.choice(
            [
                {"business_message": {**base, "text": "x", "business_connection_id": "b"}},
                {"message": {k: v for k, v in base.items() if k != "from"} | {"text": "x"}},
                {"poll": _MEDIA[17]["poll"]},
                {"poll_answer": {"poll_id": "1", "option_ids": []}},
                {"inline_query": {"id": "1", "from": base["from"], "query": "", "offset": ""}},
                {"message_reaction": {**base, "old_reaction": [], "new_reaction": []}},
                {"callback_query": {"id": "1", "from": base["from"], "chat_instance": "1"}},
                {"message": None},
                {"message": []},
                {"something_new": {"chat": base["chat"]}},
                {},
            ]
        )


def _expects_answer(update: Update) -> int | None:
    """The chat in which something must be shown or answered for this update.

    An album is answered once, whatever else comes between its parts.
    """
    message = update.get("message")
    if message and "media_group_id" in message:
        return None
    if message and message["chat"]["type"] == "private" and "from" in message:
        return int(message["chat"]["id"])
    query = update.get("callback_query")
    if query and "message" in query:
        return int(query["message"]["chat"]["id"])
    return None


@contextlib.asynccontextmanager
async def _whole_way(line: Line) -> AsyncIterator[Callable[[Update], Any]]:
    """The web application and the consumer, running; yields how to post an update."""
    stopping = asyncio.Event()
    consumer = InboxConsumer(line.app.engine, line.conversation.handle)
    async with (
        served(create_web(line.app)) as url,
        aiohttp.ClientSession() as http,
        asyncio.TaskGroup() as group,
    ):
        group.create_task(consumer.run(stopping))

        async def post(update: Update) -> int:
            async with http.post(
                f"{url}/telegram/webhook",
                json=update,
                headers={"X-Telegram-Bot-Api-Secret-Token": SECRET},
            ) as response:
                return response.status

        try:
            yield post
        finally:
            stopping.set()


async def _all_handled(line: Line) -> bool:
    async with direct_connection(line.app.engine) as connection:
        errors = await connection.fetchval("SELECT count(*) FROM inbox WHERE error_id IS NOT NULL")
        assert errors == 0, "an update failed: see the log"
        return await inbox.depth(connection) == 0


def _answers(line: Line, chat: int) -> int:
    """What was sent to a chat, or to its presses."""
    return sum(
        isinstance(call, AnswerCallbackQuery)
        or (isinstance(call, SendMessage | EditMessageText) and call.chat_id == chat)
        for call in line.memory.calls
    )


async def _fuzz(line: Line, updates: int, seed: int) -> None:
    fuzz = Fuzz(line, seed)
    for number, chat in enumerate(_PEOPLE):
        person = line.person(chat)
        for _, acts in TELEGRAM_WAY[: number % len(TELEGRAM_WAY)]:
            for kind, what in acts:
                await act(person, kind, what)
    line.ids = iter(())  # from here on the inbox numbers them
    async with _whole_way(line) as post:
        for _ in range(updates):
            update = fuzz.update()
            chat = _expects_answer(update)
            line.memory.calls.clear()
            assert await post(update) in (200, 400), update
            await until(lambda: _all_handled(line))
            if chat:
                assert _answers(line, chat) > 0, update


async def test_random_updates(line: Line) -> None:
    await _fuzz(line, 200, seed=1)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2, 12))
async def test_ten_thousand_random_updates(line: Line, seed: int) -> None:
    await _fuzz(line, 1000, seed)


async def test_updates_that_are_none_are_refused_in_few_words(line: Line) -> None:
    bodies = [b"", b"{", b"[]", b"null", b"1", b'"x"', b"\xff\xfe", b'{"update_id": "1"}']
    bodies += [b'{"update_id": true}', b'{"update_id": ' + b"9" * 40 + b"}", b"[" * 100_000]
    headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
    async with served(create_web(line.app)) as url, aiohttp.ClientSession() as http:
        for body in bodies:
            async with http.post(f"{url}/telegram/webhook", data=body, headers=headers) as response:
                assert response.status == 400, body
                assert len(await response.text()) < 40


async def _fuzz_sms(line: Line, messages: int, seed: int) -> None:
    fuzz = Fuzz(line, seed)
    for number in range(messages // 10):
        phone = line.phone(f"+85512{345000 + number}")
        for _, text in SMS_WAY[: fuzz.random.randrange(len(SMS_WAY))]:
            await phone.send(text)
        for _ in range(10):
            body = fuzz.text()
            answered = len(phone.received)
            await phone.send(body)
            assert len(phone.received) <= answered + 1
            for answer in phone.received[answered:]:
                assert sms_text.count(answer).parts <= _MOST_PARTS, body


async def test_random_sms(line: Line) -> None:
    await _fuzz_sms(line, 150, seed=1)


@pytest.mark.soak
async def test_three_thousand_random_sms(line: Line) -> None:
    await _fuzz_sms(line, 3000, seed=2)


async def test_odd_forms_never_break_the_door_of_sms(line: Line) -> None:
    carrier = Carrier()
    forms = [
        {"MessageSid": "SM1", "From": "+85512345678", "Body": "\x00\u202e"},
        {"MessageSid": "SM2", "From": "+85512345678"},
        {"MessageSid": "SM3", "From": "Smart", "Body": "win"},
        {"MessageSid": "SM4", "From": "+85512345678", "Body": "ក" * 1600, "NumMedia": "x"},
        {"MessageSid": "", "From": "+85512345678", "Body": "1"},
        {"From": "+85512345678", "Body": "1"},
        {"MessageSid": "SM5", "From": "+8551234567812345678", "Body": "1"},
        {},
    ]
    async with _whole_way(line) as _, served(create_web(line.app)) as url:
        async with aiohttp.ClientSession() as http:
            for form in forms:
                headers = carrier.headers("/sms/inbound", form)
                async with http.post(f"{url}/sms/inbound", data=form, headers=headers) as response:
                    assert response.status in (200, 400), form
        await until(lambda: _all_handled(line))
