"""The HTTP server of the simulator: uvicorn, able to hang up in the middle and to stop at once.

A carrier whose answer is lost on the way is the case that makes programs send twice; an ASGI
application cannot hang up by itself, so the protocol hands it the means.
"""

import socket
from typing import Any

import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from simulator.world import World

_HANG_UP = "simulator.hang_up"


class _Protocol(HttpToolsProtocol):
    def on_message_begin(self) -> None:
        super().on_message_begin()
        scope: dict[str, Any] = self.scope  # type: ignore[assignment]
        scope[_HANG_UP] = self.transport.abort


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, world: World) -> None:
        super().__init__(config)
        self._world = world

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._world.stop()
        await super().shutdown(sockets)


def build_server(app: ASGIApp, world: World, *, host: str, port: int) -> uvicorn.Server:
    """A server for the application; long polls and event streams end when it stops."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=_Protocol,
        ws="none",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=3,
        proxy_headers=False,
    )
    return _Server(config, world)


async def hang_up(request: Request) -> Response:
    """Close the connection without an answer. The response returned reaches nobody."""
    request.scope[_HANG_UP]()
    while (await request.receive())["type"] != "http.disconnect":
        pass
    return Response(status_code=502)
