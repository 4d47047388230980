"""What the desk is handed by whoever builds the program."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from redis.asyncio import Redis

from services.acting import NewSession
from services.desk_news import News
from services.file_store import FileStore
from services.message_words import MessageWords

_SIGN_INS_AT_ONCE: Final = 3  # one more than passwords are compared at once


def _now() -> datetime:
    return datetime.now(UTC)


async def _no_bot_name() -> str | None:
    return None


@dataclass(frozen=True)
class DeskParts:
    """`new_session` makes sessions that see no centre's rows (`services.acting` opens one's eyes).

    `is_demo` says that no message can reach anybody real. `news` hears what changes, as long as
    somebody lets it listen. `sign_ins` is held by whoever gives a password: it is compared while
    the account is held, so many who guess at once would keep all connections from those who work.
    `find_bot_name` gives the bot's username on Telegram, None as long as it is not known.
    """

    new_session: NewSession
    redis: Redis
    files: FileStore
    words: MessageWords
    public_url: str
    is_demo: bool = False
    news: News = field(default_factory=News)
    now: Callable[[], datetime] = _now
    find_bot_name: Callable[[], Awaitable[str | None]] = _no_bot_name
    sign_ins: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(_SIGN_INS_AT_ONCE), repr=False
    )

    @property
    def is_https(self) -> bool:
        return self.public_url.startswith("https://")
