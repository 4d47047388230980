"""Fetches what people sent on Telegram by its file id: first where it lies, then the bytes.

Telegram keeps a file under such an id for as long as it likes, and gives away at most 20 MB.
"""

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import aiohttp

from services.file_types import MAX_BYTES
from services.outcomes import Later

_TIMEOUT = aiohttp.ClientTimeout(total=120, sock_connect=5, sock_read=20)
_CHUNK = 64 * 1024
_RETRY_S = 10.0
_BROKEN_TOKEN_S = 300.0
_REFUSALS = (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND)


@dataclass(frozen=True, slots=True)
class Fetched:
    """The file as Telegram has it."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Gone:
    """Telegram does not have it, or not any more."""


@dataclass(frozen=True, slots=True)
class TooBig:
    """Telegram does not give it away to bots, or it is more than we take."""


FetchOutcome = Fetched | Gone | TooBig | Later


class TelegramFiles:
    """Files of one bot, over a session that somebody else closes."""

    def __init__(self, session: aiohttp.ClientSession, api_url: str, token: str) -> None:
        self._session = session
        self._method = f"{api_url}/bot{token}/getFile"
        self._files = f"{api_url}/file/bot{token}/"

    async def fetch(self, file_id: str) -> FetchOutcome:
        """Fetch one file; never raises for what Telegram answers or that it does not."""
        try:
            where = await self._find_path(file_id)
            return where if not isinstance(where, str) else await self._download(where)
        except (aiohttp.ClientError, TimeoutError, OSError):
            return Later(_RETRY_S, "no connection")

    async def _find_path(self, file_id: str) -> str | Gone | TooBig | Later:
        params = {"file_id": file_id}
        async with self._session.post(self._method, json=params, timeout=_TIMEOUT) as answer:
            body = _read_json(await answer.read())
        found = body.get("result")
        if body.get("ok") is not True or not isinstance(found, dict):
            return _to_outcome(answer.status, body)
        size, path = found.get("file_size"), found.get("file_path")
        if isinstance(size, int) and size > MAX_BYTES:
            return TooBig()
        return path if isinstance(path, str) and path else Gone()

    async def _download(self, path: str) -> FetchOutcome:
        async with self._session.get(
            self._files + quote(path), timeout=_TIMEOUT, allow_redirects=False
        ) as answer:
            if answer.status != HTTPStatus.OK:
                return _to_outcome(answer.status, _read_json(await answer.read()))
            data = bytearray()
            async for chunk in answer.content.iter_chunked(_CHUNK):
                data += chunk
                if len(data) > MAX_BYTES:
                    return TooBig()
        return Fetched(bytes(data))


def _read_json(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _to_outcome(status: int, body: dict[str, Any]) -> Gone | TooBig | Later:
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        parameters = body.get("parameters")
        asked = parameters.get("retry_after") if isinstance(parameters, dict) else None
        return Later(asked if isinstance(asked, int) else _RETRY_S, "throttled", throttled=True)
    if status == HTTPStatus.UNAUTHORIZED:
        return Later(_BROKEN_TOKEN_S, "token refused", throttled=True)
    description = str(body.get("description", ""))
    if status in _REFUSALS and "temporarily" not in description:
        return TooBig() if "too big" in description else Gone()
    return Later(_RETRY_S, f"http {status}")
