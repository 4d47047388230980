"""Telegram as a whole: the bot's account, its chats, the updates for it, and the methods' door."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from simulator.phones import JSON, TelegramMessage, TelegramPhone
from simulator.state import TelegramState
from simulator.telegram.errors import BotApiError, bad_request
from simulator.telegram.files import FileStore
from simulator.telegram.limits import Limits
from simulator.telegram.schema import Call, Upload, check_call
from simulator.telegram.updates import UpdateQueue
from simulator.world import World

OPEN_QUERIES = 1000

Method = Callable[["Telegram", Call], Awaitable[Any]]


class Telegram:
    """One bot's Telegram."""

    def __init__(self, world: World, methods: Mapping[str, Method], limits: Limits) -> None:
        self.world = world
        self.files = FileStore(world)
        self.updates = UpdateQueue(world)
        self.limits = limits
        self._methods = methods
        self.bot_id = int(world.config.bot_token.partition(":")[0])

    @property
    def state(self) -> TelegramState:
        return self.world.state.telegram

    def start(self) -> None:
        """Begin delivering to the webhook, if one is set or will be."""
        self.world.tasks.spawn(self.updates.push(self._call_from_webhook), "telegram webhook")

    async def call(self, method: str, raw: dict[str, Any], uploads: dict[str, Upload]) -> Any:
        """The result of a method; raises BotApiError as Telegram would refuse."""
        call = check_call(method, raw, uploads)
        return await self._methods[call.method](self, call)

    async def _call_from_webhook(self, answer: JSON) -> None:
        """A method in a webhook's answer; Telegram tells nobody how that went."""
        try:
            await self.call(str(answer.pop("method")), answer, {})
        except BotApiError:
            return

    # Chats and messages

    def bot_user(self) -> JSON:
        """The bot as the author of a message."""
        bot = self.state.bot
        return {
            "id": self.bot_id,
            "is_bot": True,
            "first_name": bot.first_name,
            "username": bot.username,
        }

    def person_user(self, phone: TelegramPhone) -> JSON:
        return {
            "id": phone.user_id,
            "is_bot": False,
            "first_name": phone.name,
            "language_code": phone.language_code,
        }

    def chat(self, phone: TelegramPhone) -> JSON:
        return {"id": phone.user_id, "type": "private", "first_name": phone.name}

    def get_chat(self, chat_id: int | str) -> TelegramPhone:
        """The phone behind a chat id; raises BotApiError when there is none."""
        phone = self.world.find_telegram_phone(chat_id) if isinstance(chat_id, int) else None
        if phone is None:
            raise bad_request("chat not found")
        return phone

    def get_open_chat(self, chat_id: int | str) -> TelegramPhone:
        """A chat into which the bot may write; raises BotApiError when it may not."""
        phone = self.get_chat(chat_id)
        if phone.blocked:
            raise BotApiError(403, "Forbidden: bot was blocked by the user")
        if not phone.started:
            raise BotApiError(403, "Forbidden: bot can't initiate conversation with a user")
        return phone

    def render(
        self, phone: TelegramPhone, message: TelegramMessage, *, nested: bool = False
    ) -> JSON:
        """A message as the Bot API gives it, with what it replies to one level deep."""
        author = self.person_user(phone) if message.sender == "person" else self.bot_user()
        result = {
            "message_id": message.message_id,
            "from": author,
            "chat": self.chat(phone),
            "date": message.date,
            **message.content,
        }
        if message.inline_keyboard:
            result["reply_markup"] = {"inline_keyboard": message.inline_keyboard}
        if message.edit_date:
            result["edit_date"] = message.edit_date
        original = phone.find_message(message.reply_to) if message.reply_to else None
        if original and not nested:
            result["reply_to_message"] = self.render(phone, original, nested=True)
        return result

    def post(self, phone: TelegramPhone, message: TelegramMessage) -> TelegramMessage:
        """Put a message into the chat, under the next number."""
        message.message_id = self.state.next_message_id
        self.state.next_message_id += 1
        self.world.append_message(phone, message)
        return message

    def stop_typing_later(self, phone: TelegramPhone, seconds: float) -> None:
        """A chat action is shown for some seconds, or until the message is there."""

        def stop() -> None:
            if phone.typing:
                phone.typing = False
                self.world.phone_changed(phone)

        asyncio.get_running_loop().call_later(seconds, stop)

    # Callback queries

    def open_query(self, query_id: str, phone: TelegramPhone) -> None:
        """Remember a press that waits for its answer; the oldest are forgotten."""
        queries = self.state.open_queries
        queries[query_id] = phone.id
        while len(queries) > OPEN_QUERIES:
            del queries[next(iter(queries))]

    def close_query(self, query_id: str) -> str:
        """The id of the phone that pressed; raises BotApiError when answered or unknown."""
        phone_id = self.state.open_queries.pop(query_id, None)
        if phone_id is None:
            raise bad_request(
                "query is too old and response timeout expired or query ID is invalid"
            )
        self.world.changed()
        return phone_id
