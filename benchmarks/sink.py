"""A Bot API that takes everything: as cheap as it can be, so that it measures nobody but us.

The simulator checks each request against the published schema, which costs more than the program
that is measured here. This one parses, hands the call on and answers.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import parse_qsl

import httptools

Call = Callable[[str, dict[str, Any]], Any]
"""Method and its fields in, the `result` of the answer out."""


class _Connection(asyncio.Protocol):
    """One HTTP/1.1 connection of a bot, kept alive."""

    def __init__(self, call: Call) -> None:
        self._call = call
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
        method = self._url.decode().rpartition("/")[2]
        result = self._call(method, self._fields())
        body = json.dumps({"ok": True, "result": result}).encode()
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            % len(body)
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


async def serve_sink(call: Call) -> tuple[asyncio.Server, str]:
    """Serve on a free port of this machine; returns the server and its address."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(call), "127.0.0.1", 0)
    return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
