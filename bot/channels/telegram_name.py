"""How our bot is called on Telegram: links to it need its username, which only Telegram knows."""

import asyncio
import json
import time
from typing import Final

import aiohttp
import regex
import structlog

log = structlog.get_logger(__name__)

_LIMIT_S: Final = 3.0
_AGAIN_AFTER_S: Final = 30.0
_USERNAME: Final = regex.compile("[A-Za-z0-9_]{4,32}")


class BotName:
    """Asked for once; without an answer nobody waits for long, and it is asked for again later."""

    def __init__(self, api_url: str, token: str) -> None:
        self._url = f"{api_url}/bot{token}/getMe"
        self._found: str | None = None
        self._again_at = 0.0
        self._asking = asyncio.Lock()

    async def find(self) -> str | None:
        """The username without its @; None as long as Telegram does not tell."""
        async with self._asking:
            if self._found is None and time.monotonic() >= self._again_at:
                self._found = await self._ask()
                self._again_at = time.monotonic() + _AGAIN_AFTER_S
        return self._found

    async def _ask(self) -> str | None:
        timeout = aiohttp.ClientTimeout(total=_LIMIT_S)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as http,
                http.get(self._url) as answer,
            ):
                body = json.loads(await answer.read())
            name = body["result"]["username"]
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError) as error:
            # Not the error itself: the address that it names holds the token.
            log.warning("bot_name_not_known", error=type(error).__name__)
            return None
        is_usable = isinstance(name, str) and _USERNAME.fullmatch(name) is not None
        return name if is_usable else None
