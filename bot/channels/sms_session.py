"""The last mile of SMS: an aiogram session that keeps what it is told to send.

The same Dispatcher, states and handlers serve both channels. Of all that a turn shows, the
last window alone is sent, so that one SMS causes at most one SMS.
"""

from collections.abc import AsyncGenerator
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from aiogram import Bot
from aiogram.client.session.base import BaseSession
from aiogram.methods import EditMessageText, SendMessage, TelegramMethod
from aiogram.methods.base import TelegramType
from aiogram.types import Chat, Message

last_screen: ContextVar[list[SendMessage | EditMessageText]] = ContextVar("last_screen")


class SmsSession(BaseSession):
    async def make_request(
        self,
        bot: Bot,
        method: TelegramMethod[TelegramType],
        timeout: int | None = None,  # noqa: ASYNC109 - the signature is aiogram's
    ) -> TelegramType:
        """Keep a text; everything else (removing keyboards, answering presses) is empty here."""
        if not isinstance(method, SendMessage | EditMessageText):
            return True  # type: ignore[return-value]
        last_screen.get()[:] = [method]
        return Message(  # type: ignore[return-value]
            message_id=1,
            date=datetime.now(UTC),
            chat=Chat(id=int(method.chat_id or 0), type="private"),
            text=method.text,
        )

    async def stream_content(
        self,
        url: str,
        headers: dict[str, Any] | None = None,
        timeout: int = 30,  # noqa: ASYNC109 - the signature is aiogram's
        chunk_size: int = 65536,
        raise_for_status: bool = True,
    ) -> AsyncGenerator[bytes, None]:
        raise NotImplementedError("an SMS carries no files")
        yield b""

    async def close(self) -> None:
        """Nothing is open."""
