"""Updates of Telegram, on their way into the inbox: by webhook or by asking for them.

Both ways end in the same row, so that nothing behind the inbox knows how an update came. Only
private chats are anybody's message here; the rest is acknowledged and dropped at the door.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import structlog

from locales.catalogue import DEFAULT_LANGUAGE, LANGUAGES, load_catalogue

log = structlog.get_logger(__name__)

CHANNEL = "telegram"
ALLOWED_UPDATES = ["message", "edited_message", "callback_query", "my_chat_member"]
WEBHOOK_PATH = "/telegram/webhook"

_LONG_POLL_S = 25
_MENU_LIMIT_S = 5.0
_PAUSE_S = 3.0
_TOO_MANY_REQUESTS = 429
_HIGHEST_ID = 2**63 - 1


class MalformedUpdateError(ValueError):
    """The body is not an update."""


class TelegramError(Exception):
    """Telegram said no; ``retry_after_s`` is how long it wants to be left alone."""

    def __init__(self, method: str, code: int, retry_after_s: float) -> None:
        super().__init__(f"{method} was answered with {code}")
        self.code = code
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class TelegramUpdate:
    """An update of one private chat, as the inbox keeps it."""

    provider_id: str
    chat: str
    payload: bytes


Keep = Callable[[TelegramUpdate], Awaitable[None]]


def read_update(body: bytes, bot_id: str) -> TelegramUpdate | None:
    """Read a webhook's body; None when it is no private chat's. Raises MalformedUpdateError."""
    try:
        update = json.loads(body)
    except (ValueError, RecursionError):
        raise MalformedUpdateError("not JSON") from None
    return _to_update(update, body, bot_id)


def bot_id_of(token: str) -> str:
    """Which bot a token is of. Update ids are counted per bot: another one begins anew."""
    return token.partition(":")[0]


def _to_update(update: Any, raw: bytes, bot_id: str) -> TelegramUpdate | None:
    update_id = _find_update_id(update)
    if update_id is None:
        raise MalformedUpdateError("no update_id")
    chat = _find_chat(update)
    if chat is None:
        return None
    return TelegramUpdate(f"{bot_id}:{update_id}", str(chat), raw)


def _find_update_id(update: Any) -> int | None:
    found = update.get("update_id") if isinstance(update, dict) else None
    if not isinstance(found, int) or isinstance(found, bool) or abs(found) > _HIGHEST_ID:
        return None
    return found


def _find_chat(update: dict[str, Any]) -> int | None:
    for kind in ALLOWED_UPDATES:
        event = update.get(kind)
        if not isinstance(event, dict):
            continue
        holder = event.get("message") if kind == "callback_query" else event
        chat = holder.get("chat") if isinstance(holder, dict) else None
        if isinstance(chat, dict) and chat.get("type") == "private":
            chat_id = chat.get("id")
            if isinstance(chat_id, int) and abs(chat_id) <= _HIGHEST_ID:
                return chat_id
    return None


class TelegramReceiver:
    """Sets up how updates come, and fetches them where Telegram cannot call us."""

    def __init__(self, session: aiohttp.ClientSession, api_url: str, token: str) -> None:
        self._session = session
        self._base = f"{api_url}/bot{token}/"
        self._bot_id = bot_id_of(token)

    async def _call(self, method: str, wait_s: float = 15.0, **params: Any) -> Any:
        timeout = aiohttp.ClientTimeout(total=wait_s)
        async with self._session.post(self._base + method, json=params, timeout=timeout) as answer:
            try:
                body = json.loads(await answer.read())
            except ValueError:
                body = {}
            if not isinstance(body, dict) or body.get("ok") is not True:
                raise _to_error(method, answer.status, body)
            return body["result"]

    async def use_webhook(self, public_url: str, secret: str) -> None:
        """Have Telegram call ``public_url``; retried until it takes it."""
        await self._insist(
            "setWebhook",
            url=public_url + WEBHOOK_PATH,
            secret_token=secret,
            allowed_updates=ALLOWED_UPDATES,
            max_connections=40,
        )
        log.info("telegram_webhook_set")
        await self._offer_commands()

    async def poll(self, keep: Keep, skip: Callable[[], None]) -> None:
        """Ask for updates for ever. The offset moves on only when they are in the inbox."""
        await self._insist("deleteWebhook")
        log.info("telegram_polling")
        await self._offer_commands()
        offset: int | None = None
        while True:
            try:
                offset = await self._poll_once(offset, keep, skip)
            except (aiohttp.ClientError, TimeoutError) as error:
                log.warning("telegram_unreachable", error=type(error).__name__)
                await asyncio.sleep(_PAUSE_S)
            except TelegramError as error:
                log.warning("telegram_refused", method="getUpdates", code=error.code)
                await asyncio.sleep(error.retry_after_s)

    async def _offer_commands(self) -> None:
        """Fill the menu beside the text box: Khmer, and English where the app is in English.

        Tried once: without it everything can still be pressed or written.
        """
        try:
            for language in LANGUAGES:
                given = {} if language == DEFAULT_LANGUAGE else {"language_code": language}
                await self._call(
                    "setMyCommands", _MENU_LIMIT_S, commands=_commands(language), **given
                )
        except (aiohttp.ClientError, TimeoutError, TelegramError) as error:
            log.warning("telegram_menu_not_set", error=type(error).__name__)

    async def _poll_once(
        self, offset: int | None, keep: Keep, skip: Callable[[], None]
    ) -> int | None:
        params: dict[str, Any] = {"timeout": _LONG_POLL_S, "allowed_updates": ALLOWED_UPDATES}
        if offset is not None:
            params["offset"] = offset
        updates = await self._call("getUpdates", wait_s=_LONG_POLL_S + 15.0, **params)
        began = offset
        for update in updates:
            found = self._read(update)
            if found is None:
                skip()
            else:
                await keep(found)
            update_id = _find_update_id(update)
            offset = offset if update_id is None else update_id + 1
        if updates and offset == began:
            await asyncio.sleep(_PAUSE_S)  # nothing that could be confirmed: it comes again at once
        return offset

    def _read(self, update: Any) -> TelegramUpdate | None:
        """One that makes no sense is passed over: all that come after it would wait for ever."""
        try:
            return _to_update(update, json.dumps(update).encode(), self._bot_id)
        except MalformedUpdateError:
            log.warning("telegram_update_malformed")
            return None

    async def _insist(self, method: str, **params: Any) -> None:
        while True:
            try:
                await self._call(method, **params)
                return
            except (aiohttp.ClientError, TimeoutError) as error:
                log.warning("telegram_unreachable", error=type(error).__name__)
                await asyncio.sleep(_PAUSE_S)
            except TelegramError as error:
                log.warning("telegram_refused", method=method, code=error.code)
                await asyncio.sleep(error.retry_after_s)


def _commands(language: str) -> list[dict[str, str]]:
    text = load_catalogue().text
    return [
        {"command": "start", "description": text("command-start", language)},
        {"command": "menu", "description": text("command-menu", language)},
        {"command": "talk", "description": text("command-talk", language)},
        {"command": "requests", "description": text("command-requests", language)},
        {"command": "call", "description": text("command-call", language)},
        {"command": "mydata", "description": text("command-mydata", language)},
        {"command": "help", "description": text("command-help", language)},
        {"command": "language", "description": text("command-language", language)},
        {"command": "stop", "description": text("command-stop", language)},
    ]


def _to_error(method: str, status: int, body: Any) -> TelegramError:
    parameters = body.get("parameters") if isinstance(body, dict) else None
    asked = parameters.get("retry_after") if isinstance(parameters, dict) else None
    if status == _TOO_MANY_REQUESTS and isinstance(asked, int):
        return TelegramError(method, status, float(asked))
    return TelegramError(method, status, _PAUSE_S)
