"""Puts the desk together: its pages, what lies beside them, and what is said when all fails."""

from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from desk.access import StaleForm
from desk.pages import ROUTES
from desk.parts import DeskParts
from desk.rendering import STATIC, render
from desk.request import DeskRequest
from desk.security import Security, add_headers

__all__ = ["DeskParts", "create_desk"]

_WORDED = (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.TOO_MANY_REQUESTS)


class _Static(StaticFiles):
    """What is asked for by its version, or lies in a folder that has one, never changes."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        is_versioned = scope["query_string"].startswith(b"v=") or path.startswith("vendor")
        response.headers["Cache-Control"] = (
            "public, max-age=31536000, immutable" if is_versioned else "no-cache"
        )
        return response


def create_desk(parts: DeskParts) -> Starlette:
    """The ASGI application of the desk, to be mounted at /desk."""
    desk = Starlette(
        routes=[*ROUTES, Mount("/static", _Static(directory=STATIC))],
        middleware=[Middleware(Security, parts=parts), Middleware(GZipMiddleware)],
        exception_handlers={HTTPException: _on_refusal, Exception: _on_error},
    )
    # It would send browsers to whatever host and scheme a proxy let through.
    desk.router.redirect_slashes = False
    desk.state.parts = parts
    return desk


async def _on_refusal(plain: Request, error: Exception) -> Response:
    """403, 404 and their like, in the visitor's language."""
    assert isinstance(error, HTTPException)
    request = DeskRequest(plain.scope, plain.receive)
    await request.identify()
    return render(
        request,
        "error.html",
        status=error.status_code,
        headers=error.headers,
        kind=_kind_of(error),
    )


def _kind_of(error: HTTPException) -> str:
    """Which words of the catalogue tell it."""
    if isinstance(error, StaleForm):
        return "stale"
    is_worded = error.status_code in _WORDED
    return str(int(error.status_code if is_worded else HTTPStatus.BAD_REQUEST))


async def _on_error(plain: Request, _error: Exception) -> Response:
    """The server logs it; nothing is looked up, since that may be what failed."""
    request = DeskRequest(plain.scope, plain.receive)
    response = render(request, "error.html", status=500, kind=500)
    add_headers(response.headers, request.parts)  # this answer passes no middleware
    return response
