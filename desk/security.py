"""What keeps a signed-in browser from being used by others: headers, cookies, tokens of forms."""

import hashlib
import hmac
import secrets
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from desk.parts import DeskParts

SESSION_COOKIE: Final = "tralob-desk"
VISIT_COOKIE: Final = "tralob-visit"
LANGUAGE_COOKIE: Final = "tralob-language"
KNOWN_COOKIE: Final = "tralob-known"
PHONE_COOKIE: Final = "tralob-phone"
MOST_BODY_BYTES: Final = 256 * 1024

_POLICY: Final = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; object-src 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    # Not "no-referrer": browsers would then hide where our own forms come from, too.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
_TRANSPORT: Final = "max-age=31536000"
_USUAL_PORTS: Final = {"http": ":80", "https": ":443"}


def add_headers(headers: MutableHeaders, parts: DeskParts) -> None:
    """What every answer says; an answer that says one of these itself keeps its own."""
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
    if parts.is_https:
        headers.setdefault("Strict-Transport-Security", _TRANSPORT)


class Security:
    """Adds the headers to every answer, and ends a body that no form of ours could fill."""

    def __init__(self, app: ASGIApp, parts: DeskParts) -> None:
        self._app = app
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        read = 0

        async def limited_receive() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > MOST_BODY_BYTES:
                raise HTTPException(413)
            return message

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                add_headers(MutableHeaders(scope=message), self._parts)
            await send(message)

        await self._app(scope, limited_receive, send_with_headers)


# Cookies


def _cookie_name(parts: DeskParts, name: str) -> str:
    """`__Host-` binds a cookie to this very host; browsers take such names by https only."""
    return f"__Host-{name}" if parts.is_https else name


def read_cookie(connection: HTTPConnection, parts: DeskParts, name: str) -> str | None:
    return connection.cookies.get(_cookie_name(parts, name))


def set_cookie(
    response: Response,
    parts: DeskParts,
    name: str,
    value: str,
    *,
    lasts: timedelta | None = None,
) -> None:
    """No script can read it. It goes with the browser's session, if it does not last longer."""
    response.set_cookie(
        _cookie_name(parts, name),
        value,
        max_age=None if lasts is None else int(lasts.total_seconds()),
        path="/",
        secure=parts.is_https,
        httponly=True,
        samesite="lax",
    )


def drop_cookie(response: Response, parts: DeskParts, name: str) -> None:
    response.delete_cookie(
        _cookie_name(parts, name), path="/", secure=parts.is_https, httponly=True, samesite="lax"
    )


# Forms


def new_form_token(secret: str) -> str:
    """The token of the forms of one browser, written differently each time.

    A compressed page whose secret never changes tells it, bit by bit, to who can measure sizes.
    """
    pad = secrets.token_bytes(32)
    return (pad + _mixed(pad, _digest(secret))).hex()


def is_form_token(secret: str, token: str) -> bool:
    try:
        both = bytes.fromhex(token)
    except ValueError:
        return False
    pad, mixed = both[:32], both[32:]
    return len(mixed) == len(pad) and hmac.compare_digest(_mixed(pad, mixed), _digest(secret))


def _digest(secret: str) -> bytes:
    return hmac.new(secret.encode(), b"forms of the desk", hashlib.sha256).digest()


def _mixed(pad: bytes, value: bytes) -> bytes:
    return bytes(one ^ other for one, other in zip(pad, value, strict=True))


def comes_from_here(connection: HTTPConnection, parts: DeskParts) -> bool:
    """Whether a page of this desk sent it, as far as the browser says where it comes from."""
    if connection.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return False
    origin = connection.headers.get("origin")
    if origin is None:
        return True
    own = {_origin_of(parts.public_url)}
    if not parts.is_https:
        own.add(f"http://{connection.headers.get('host', '')}")
    return origin in own


def _origin_of(url: str) -> str:
    """As browsers write it: in small letters, without the port that goes without saying."""
    parts = urlsplit(url)
    netloc = parts.netloc.lower().removesuffix(_USUAL_PORTS.get(parts.scheme, ""))
    return f"{parts.scheme}://{netloc}"
