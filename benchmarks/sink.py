"""Carriers that take everything: as cheap as they can be, so that they measure nobody but us.

The simulator checks each request against the published schema, which costs more than the program
that is measured here. This one parses, hands the call on and answers.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import parse_qsl

import httptools

Answer = Callable[[str, dict[str, Any]], tuple[int, Any]]
"""Path and fields of a request in, status and JSON of the answer out."""
Call = Callable[[str, dict[str, Any]], Any]
"""Method of the Bot API and its fields in, the `result` of the answer out."""


class TooManyRequestsError(Exception):
    """Raised by a `Call`: the bot must wait so many seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"retry after {retry_after}")
        self.retry_after = retry_after


class _Connection(asyncio.Protocol):
    """One HTTP/1.1 connection of a client, kept alive."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._begin()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def _begin(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._url = b""
        self._body = b""
        self._is_json = False

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"content-type":
            self._is_json = value.startswith(b"application/json")

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        status, content = self._answer(self._url.decode(), self._fields())
        body = json.dumps(content).encode()
        self._transport.write(
            b"HTTP/1.1 %d -\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            % (status, len(body))
            + body
        )
        self._url, self._body, self._is_json = b"", b"", False

    def _fields(self) -> dict[str, Any]:
        if self._is_json:
            fields: dict[str, Any] = json.loads(self._body or b"{}")
            return fields
        fields = dict(parse_qsl(self._body.decode()))
        if "reply_markup" in fields:
            fields["reply_markup"] = json.loads(fields["reply_markup"])
        return fields


def as_bot_api(call: Call) -> Answer:
    """Answer as the Bot API does."""

    def answer(path: str, fields: dict[str, Any]) -> tuple[int, Any]:
        try:
            return 200, {"ok": True, "result": call(path.rpartition("/")[2], fields)}
        except TooManyRequestsError as error:
            return 429, {
                "ok": False,
                "error_code": 429,
                "description": f"Too Many Requests: {error}",
                "parameters": {"retry_after": error.retry_after},
            }

    return answer


async def serve_answers(answer: Answer) -> tuple[asyncio.Server, str]:
    """Serve on a free port of this machine; returns the server and its address."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(answer), "127.0.0.1", 0)
    return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def serve_sink(call: Call) -> tuple[asyncio.Server, str]:
    """Serve a Bot API; returns the server and its address."""
    return await serve_answers(as_bot_api(call))
