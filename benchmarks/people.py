"""People who register: they post to the webhook, see what the bot does, and go on.

A turn lasts from posting the webhook to the call of the Bot API that shows the next window.
"""

import asyncio
import re
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from string import Formatter
from typing import Any

import aiohttp

from benchmarks.form import Act, script, template

PATIENCE_S = 20.0
SECRET = "secret-of-the-benchmark"
# As many as Telegram opens to one webhook unless asked for more.
_CONNECTIONS = 40
# One database sees all crowds of a run: nobody and no update may come twice.
_IDS = count(1)
_PEOPLE = count(1)
_BOT = {"id": 100001, "is_bot": True, "first_name": "Tralob", "username": "tralob_bot"}


class StuckError(Exception):
    """A person did not get the window that they waited for."""


@cache
def _pattern(key: str) -> re.Pattern[str]:
    parts = Formatter().parse(template(key))
    return re.compile(
        "".join(re.escape(words) + ("" if name is None else ".*") for words, name, *_ in parts),
        re.DOTALL,
    )


@dataclass
class _Chat:
    """What one person sees and waits for."""

    text: str = ""
    buttons: dict[str, str] = field(default_factory=dict)
    message_id: int = 0
    act: Act | None = None
    shown_at: float = 0.0
    answered: bool = False
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def show(self, text: str, markup: dict[str, Any], message_id: int) -> None:
        rows = markup.get("inline_keyboard", [])
        self.text, self.message_id = text, message_id
        self.buttons = {
            button["text"]: button.get("callback_data", "") for row in rows for button in row
        }
        if self.act is not None and self._is_answer(self.act):
            self.shown_at = self.shown_at or time.perf_counter()
            self.look()

    def _is_answer(self, act: Act) -> bool:
        if act.ticked is not None and f"✓ {act.ticked}" not in self.buttons:
            return False
        return _pattern(act.answered_by).search(self.text) is not None

    def look(self) -> None:
        if self.shown_at and self.answered:
            self.done.set()


class People:
    """Everybody who registers with one program. `call` is what its Bot API does."""

    def __init__(self) -> None:
        self._chats: dict[int, _Chat] = {}
        self.calls = 0
        self.first_answer_at = 0.0

    # --- the Bot API ---

    def call(self, method: str, fields: dict[str, Any]) -> Any:
        self.calls += 1
        match method:
            case "getMe":
                return _BOT
            case "sendMessage":
                return self._show(fields, next(_IDS))
            case "editMessageText":
                return self._show(fields, int(fields["message_id"]))
            case "answerCallbackQuery":
                chat = self._chats[int(str(fields["callback_query_id"]).partition("-")[0])]
                chat.answered = True
                chat.look()
        return True

    def _show(self, fields: dict[str, Any], message_id: int) -> dict[str, Any]:
        chat_id = int(fields["chat_id"])
        markup = fields.get("reply_markup") or {}
        if chat_id in self._chats:
            self._chats[chat_id].show(fields["text"], markup, message_id)
        message = {**_message(chat_id, message_id), "from": _BOT, "text": fields["text"]}
        return message | ({"reply_markup": markup} if "inline_keyboard" in markup else {})

    # --- their doings ---

    async def register_at_once(self, webhook: str, people: int) -> list[float]:
        """So many people go through the whole form at once; the seconds of every turn."""
        async with self._client() as client:
            async with asyncio.TaskGroup() as group:
                running = [
                    group.create_task(self._register(client, webhook)) for _ in range(people)
                ]
            return [seconds for task in running for seconds in task.result()]

    async def _register(self, client: aiohttp.ClientSession, webhook: str) -> list[float]:
        return [await turn for turn in self._turns(client, webhook)]

    async def register_steadily(
        self, webhook: str, per_second: float, seconds: float
    ) -> list[float]:
        """Turns begin at a fixed pace, whatever became of the earlier ones.

        The seconds of each count from when it was due, not from when we got round to it.
        """
        ready: deque[Iterator[Any]] = deque()
        async with self._client() as client, asyncio.TaskGroup() as group:
            running = []
            began = time.perf_counter()
            for number in range(int(per_second * seconds)):
                due = began + number / per_second
                await asyncio.sleep(due - time.perf_counter())
                person = ready.popleft() if ready else self._turns(client, webhook)
                turn = next(person, None)
                if turn is None:
                    person = self._turns(client, webhook)
                    turn = next(person)
                running.append(group.create_task(_timed(turn, due, person, ready)))
        return [task.result() for task in running]

    def _turns(self, client: aiohttp.ClientSession, webhook: str) -> Iterator[Any]:
        """The turns of one new person, each to be awaited before the next is taken."""
        number = next(_PEOPLE)
        chat_id = 7_000_000_000 + number
        self._chats[chat_id] = _Chat()
        for act in script(number):
            yield self._turn(client, webhook, chat_id, act)

    async def _turn(
        self, client: aiohttp.ClientSession, webhook: str, chat_id: int, act: Act
    ) -> float:
        chat = self._chats[chat_id]
        chat.act, chat.shown_at, chat.done = act, 0.0, asyncio.Event()
        chat.answered = act.press is None
        update = self._update(chat_id, chat, act)
        began = time.perf_counter()
        headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
        async with client.post(webhook, json=update, headers=headers) as answer:
            if answer.status != 200:
                raise StuckError(f"the webhook answered {answer.status}")
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                await chat.done.wait()
        if not chat.done.is_set():
            raise StuckError(
                f"after {act} the screen was {chat.text!r} with {list(chat.buttons)}"
                f" (press answered: {chat.answered})"
            )
        self.first_answer_at = self.first_answer_at or chat.shown_at
        return chat.shown_at - began

    def _update(self, chat_id: int, chat: _Chat, act: Act) -> dict[str, Any]:
        number = next(_IDS)
        user = {"id": chat_id, "is_bot": False, "first_name": "Sok", "language_code": "km"}
        if act.press is not None:
            label = act.press if act.press in chat.buttons else f"✓ {act.press}"
            if label not in chat.buttons:
                raise StuckError(f"no button {act.press!r} among {list(chat.buttons)}")
            return {
                "update_id": number,
                "callback_query": {
                    "id": f"{chat_id}-{number}",
                    "from": user,
                    "chat_instance": "1",
                    "data": chat.buttons[label],
                    "message": {
                        **_message(chat_id, chat.message_id),
                        "from": _BOT,
                        "text": chat.text,
                    },
                },
            }
        message = {**_message(chat_id, number), "from": user}
        if act.contact is not None:
            contact = {"phone_number": act.contact, "first_name": "Sok", "user_id": chat_id}
            return {"update_id": number, "message": {**message, "contact": contact}}
        message["text"] = act.text
        if act.text is not None and act.text.startswith("/"):
            command = {"type": "bot_command", "offset": 0, "length": len(act.text)}
            message["entities"] = [command]
        return {"update_id": number, "message": message}

    def _client(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=_CONNECTIONS))


async def _timed(
    turn: Any, due: float, person: Iterator[Any], ready: deque[Iterator[Any]]
) -> float:
    late = time.perf_counter() - due
    seconds: float = await turn
    ready.append(person)
    return late + seconds


def _message(chat_id: int, message_id: int) -> dict[str, Any]:
    chat = {"id": chat_id, "type": "private", "first_name": "Sok"}
    return {"message_id": message_id, "date": int(time.time()), "chat": chat}
