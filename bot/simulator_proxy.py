"""Passes /simulator on to the local carriers' own process, so that one address is enough."""

from collections.abc import AsyncIterator

import aiohttp
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

_CONNECT_TIMEOUT_S = 3.0
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
_WITHOUT_BODY = ("GET", "HEAD")
# These belong to one connection, not to the message (RFC 9110, 7.6.1).
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "host",
    }
)
_NOT_UP = "The simulator is not running (yet). It starts with: python -m bot run\n"


class SimulatorProxy:
    """Streams requests and answers, events included, both ways."""

    def __init__(self, simulator_url: str) -> None:
        self._url = simulator_url
        self._session: aiohttp.ClientSession | None = None
        self._streams: set[aiohttp.ClientResponse] = set()

    def routes(self) -> list[Route]:
        return [
            Route("/simulator", self._pass_on, methods=_METHODS),
            Route("/simulator/{path:path}", self._pass_on, methods=_METHODS),
        ]

    async def open(self) -> None:
        self._session = aiohttp.ClientSession(
            auto_decompress=False,
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT_S),
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def end_streams(self) -> None:
        """End the answers under way: the simulator stops last, and its events end with it alone."""
        for upstream in self._streams:
            upstream.close()

    async def _pass_on(self, request: Request) -> Response:
        if self._session is None:
            return PlainTextResponse(_NOT_UP, status_code=503)
        query = f"?{request.url.query}" if request.url.query else ""
        try:
            upstream = await self._session.request(
                request.method,
                self._url + request.url.path + query,
                data=None if request.method in _WITHOUT_BODY else request.stream(),
                headers=[item for item in request.headers.items() if item[0] not in _HOP_BY_HOP],
                allow_redirects=False,
            )
        except (aiohttp.ClientError, TimeoutError, OSError):
            return PlainTextResponse(_NOT_UP, status_code=503)
        answer = StreamingResponse(self._chunks(upstream), status_code=upstream.status)
        answer.raw_headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in upstream.headers.items()
            if name.lower() not in _HOP_BY_HOP
        ]
        return answer

    async def _chunks(self, upstream: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        self._streams.add(upstream)
        try:
            async for chunk in upstream.content.iter_any():
                yield chunk
        except aiohttp.ClientError:
            return  # the simulator ended in the middle: so does the answer
        finally:
            self._streams.discard(upstream)
            upstream.close()
