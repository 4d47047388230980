"""Two people for the tests: one with Telegram, one with a keypad phone.

They talk to the real conversation over real PostgreSQL and Valkey. Telegram is a session with
a memory: it keeps the chat as the person would see it, edits and deletions included.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from typing import Any

from aiogram import Bot
from aiogram.client.session.base import BaseSession
from aiogram.exceptions import TelegramBadRequest
from aiogram.methods import (
    AnswerCallbackQuery,
    DeleteMessage,
    EditMessageReplyMarkup,
    EditMessageText,
    SendMessage,
    TelegramMethod,
)
from aiogram.types import Chat, InlineKeyboardMarkup, Message, ReplyKeyboardMarkup

from bot.bootstrap import App
from bot.conversation import Conversation, build_conversation
from services.inbox import InboxItem

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
# As Telegram's, no two are alike: aiogram remembers by them what kind of update it was, and would
# compare each with a hundred others of the same number.
UPDATE_IDS = count(1)


@dataclass
class ChatMemory(BaseSession):
    """The chats of the bot, by chat id, as the people see them."""

    messages: dict[int, dict[int, Message]] = field(default_factory=dict)
    keyboards: dict[int, ReplyKeyboardMarkup] = field(default_factory=dict)
    calls: list[TelegramMethod[Any]] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    failing: dict[type[TelegramMethod[Any]], Exception] = field(default_factory=dict)
    numbers: Any = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        super().__init__()

    async def make_request(
        self,
        bot: Bot,
        method: Any,
        timeout: int | None = None,  # noqa: ASYNC109 - the signature is aiogram's
    ) -> Any:
        self.calls.append(method)
        if self.failures:
            raise self.failures.pop(0)
        if type(method) in self.failing:
            raise self.failing[type(method)]
        if isinstance(method, AnswerCallbackQuery):
            return True
        chat = self.messages.setdefault(int(method.chat_id), {})
        if isinstance(method, SendMessage):
            if isinstance(method.reply_markup, ReplyKeyboardMarkup):
                self.keyboards[int(method.chat_id)] = method.reply_markup
            return self._keep(int(method.chat_id), next(self.numbers), method)
        if method.message_id not in chat:
            kind = "delete" if isinstance(method, DeleteMessage) else "edit"
            raise TelegramBadRequest(method, f"Bad Request: message to {kind} not found")
        if isinstance(method, EditMessageText):
            return self._keep(int(method.chat_id or 0), method.message_id or 0, method)
        if isinstance(method, EditMessageReplyMarkup):
            old = chat[method.message_id or 0]
            chat[old.message_id] = old.model_copy(update={"reply_markup": method.reply_markup})
            return chat[old.message_id]
        if isinstance(method, DeleteMessage):
            chat.pop(method.message_id, None)
            self.keyboards.pop(int(method.chat_id), None)
            return True
        raise NotImplementedError(type(method).__name__)

    def _keep(self, chat_id: int, message_id: int, method: Any) -> Message:
        markup = method.reply_markup
        message = Message(
            message_id=message_id,
            date=NOW,
            chat=Chat(id=chat_id, type="private"),
            text=method.text,
            reply_markup=markup if isinstance(markup, InlineKeyboardMarkup) else None,
        )
        self.messages.setdefault(chat_id, {})[message_id] = message
        return message

    async def stream_content(self, *_: Any, **__: Any) -> AsyncGenerator[bytes, None]:
        raise NotImplementedError
        yield b""

    async def close(self) -> None:
        pass


@dataclass
class Line:
    """The conversation under test, with the people who write to it."""

    app: App
    conversation: Conversation
    memory: ChatMemory
    # Far from the numbers of a real inbox: one that was handled here is not handled there.
    ids: Any = field(default_factory=lambda: count(1_000_000))
    clock: datetime = NOW
    """The database's."""

    def person(self, chat_id: int = 500) -> "TelegramPerson":
        return TelegramPerson(self, chat_id)

    def phone(self, number: str = "+85512345678") -> "SmsPerson":
        return SmsPerson(self, number)

    async def take(
        self,
        channel: str,
        payload: dict[str, Any],
        attempt: int = 1,
        received_at: datetime | None = None,
    ) -> Any:
        item = InboxItem(
            next(self.ids), channel, payload, attempt, received_at, claimed_at=self.clock
        )
        return await self.conversation.handle(item)


def open_line(app: App) -> Line:
    memory = ChatMemory()
    built = build_conversation(app, Bot("42:test", session=memory))
    return Line(app, replace(built, now=lambda: NOW), memory)


@dataclass
class TelegramPerson:
    line: Line
    id: int

    @property
    def chat(self) -> list[Message]:
        return list(self.line.memory.messages.get(self.id, {}).values())

    @property
    def screen(self) -> str:
        return self.chat[-1].text or ""

    @property
    def buttons(self) -> list[str]:
        return [button.text for button, _ in self._all_buttons()]

    def _all_buttons(self) -> list[tuple[Any, Message]]:
        return [
            (button, message)
            for message in self.chat[::-1]
            if message.reply_markup
            for row in message.reply_markup.inline_keyboard
            for button in row
        ]

    def data_of(self, label: str) -> tuple[str, Message]:
        for button, message in self._all_buttons():
            if button.text.removeprefix("✓ ") == label:
                return button.callback_data or "", message
        raise AssertionError(f"no button {label!r} among {self.buttons}")

    def _user(self) -> dict[str, Any]:
        return {"id": self.id, "is_bot": False, "first_name": "Sok", "language_code": "km"}

    def _chat(self) -> dict[str, Any]:
        return {"id": self.id, "type": "private", "first_name": "Sok"}

    async def send(self, attempt: int = 1, **content: Any) -> str:
        message = {
            "message_id": next(self.line.memory.numbers),
            "date": int(NOW.timestamp()),
            "chat": self._chat(),
            "from": self._user(),
            **content,
        }
        await self.line.take(
            "telegram", {"update_id": next(UPDATE_IDS), "message": message}, attempt
        )
        return self.screen

    async def write(self, text: str) -> str:
        return await self.send(text=text)

    async def press(self, *labels: str) -> str:
        for label in labels:
            await self.press_data(*self.data_of(label))
        return self.screen

    async def press_data(self, data: str, message: Message, attempt: int = 1) -> None:
        await self.line.take("telegram", self.press_update(data, message), attempt)

    def press_update(self, data: str, message: Message) -> dict[str, Any]:
        press = {
            "id": str(next(self.line.memory.numbers)),
            "from": self._user(),
            "chat_instance": "1",
            "data": data,
            "message": {
                "message_id": message.message_id,
                "date": int(NOW.timestamp()),
                "chat": self._chat(),
                "text": message.text,
            },
        }
        return {"update_id": next(UPDATE_IDS), "callback_query": press}


@dataclass
class SmsPerson:
    line: Line
    number: str
    received: list[str] = field(default_factory=list)

    async def send(self, *texts: str) -> str:
        """Send one SMS after the other; the answer to the last."""
        for text in texts:
            answers = await self.line.take("sms", {"From": self.number, "Body": text})
            assert len(answers) <= 1
            self.received += [answer.text for answer in answers]
        return self.received[-1]
