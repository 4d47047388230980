"""The phones page: where a newcomer first meets the service and where staff train.

The page is static: one HTML file and plain ES modules that talk to the control API. It is
served with a strict content security policy, so that nothing typed into a training phone can
ever become a script, and with relative addresses, so that it works the same behind a proxy.
"""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

_HERE = Path(__file__).parent

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # Revalidated each time: after an update a browser must never mix old and new modules.
    "Cache-Control": "no-cache",
}


class _Static(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        for name, value in _HEADERS.items():
            response.headers[name] = value
        return response


async def _show_page(_request: Request) -> Response:
    return FileResponse(_HERE / "index.html", media_type="text/html", headers=_HEADERS)


async def _drop_slash(_request: Request) -> Response:
    # The page's relative addresses count from /simulator without a slash at the end.
    return RedirectResponse("../simulator")


def routes() -> list[Route | Mount]:
    """Return the routes of the page, with their full paths under ``/simulator``."""
    return [
        Route("/simulator", _show_page),
        Route("/simulator/", _drop_slash),
        Mount("/simulator/static", _Static(directory=_HERE / "static")),
    ]
