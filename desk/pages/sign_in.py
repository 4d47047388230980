"""The way in: a password, then a code; at the first time the phone that makes the codes."""

from collections.abc import Sequence
from math import ceil
from typing import Final
from urllib.parse import quote

import segno
from markupsafe import Markup
from starlette.responses import Response

from desk import security
from desk.access import HALF_SIGNED_IN, OPEN, next_step, page, redirect
from desk.devices import name_device
from desk.pages.start import local_address
from desk.rendering import render
from desk.request import ADDRESS, DeskRequest
from desk.tries import limited
from services import accounts, demo_staff
from services.accounts import Confirmed
from services.demo_staff import WayIn
from services.errors import LockedOut, NotAllowed, UnusableCode, WrongCode, WrongSignIn

MOST_LETTERS: Final = 300
RECOVERY_CODES: Final = f"{ADDRESS}/account/recovery-codes"
_WRONG: Final = 422
_TOO_MANY: Final = 429
_NOTICES: Final = ("changed",)


# The password


async def show_sign_in(request: DeskRequest) -> Response:
    visitor = request.find_visitor()
    if visitor is not None:
        return redirect(request, f"{ADDRESS}/" if visitor.is_confirmed else next_step(visitor))
    return await _sign_in_page(request, wanted=request.query_params.get("next", ""))


async def sign_in(request: DeskRequest) -> Response:
    username = await request.field("username", most=MOST_LETTERS)
    password = await request.field("password", most=MOST_LETTERS)
    wanted = await request.field("next")
    try:
        return await start_session(request, username, password, wanted)
    except WrongSignIn:
        fault = request.text("desk-sign-in-wrong")
        return await _sign_in_page(request, username=username, wanted=wanted, fault=fault)
    except LockedOut as error:
        return await _sign_in_page(request, username=username, wanted=wanted, locked=error)


async def refuse_for_now(request: DeskRequest) -> Response:
    """Too many tries from one place: what was typed stays, but for the password."""
    return await _sign_in_page(
        request,
        username=await request.field("username", most=MOST_LETTERS),
        wanted=await request.field("next"),
        fault=request.text("desk-error-text-429"),
        status=_TOO_MANY,
    )


async def start_session(
    request: DeskRequest, username: str, password: str, wanted: str = ""
) -> Response:
    """On to the code, in a session of this browser instead of the one that it had.

    An account that is new takes the language of the browser; later it is the other way round.
    Raises WrongSignIn and LockedOut.
    """
    if request.is_closed_to(username):
        raise WrongSignIn
    now = request.now()
    former = request.find_visitor()
    async with request.parts.sign_ins, request.parts.new_session.begin() as session:
        token = await accounts.sign_in(
            session,
            username,
            password,
            device=device_of(request),
            known=_known(request),
            now=now,
        )
        visitor = await accounts.find_visitor(session, token, now=now)
        assert visitor is not None
        if not visitor.has_second_factor:
            await accounts.set_language(session, visitor, request.language, now=now)
        if former is not None:
            await accounts.sign_out(session, former, now=now)
    response = redirect(request, with_next(next_step(visitor), wanted))
    security.set_cookie(response, request.parts, security.SESSION_COOKIE, token)
    return response


async def _sign_in_page(
    request: DeskRequest,
    *,
    username: str = "",
    wanted: str = "",
    fault: str | None = None,
    locked: LockedOut | None = None,
    status: int | None = None,
) -> Response:
    done = request.query_params.get("done", "")
    return render(
        request,
        "sign_in.html",
        status=status or _status(fault, locked),
        username=username,
        wanted=wanted,
        fault=fault,
        minutes=minutes_left(request, locked),
        notice=done if done in _NOTICES else None,
        is_over=request.session_token is not None and fault is None and locked is None,
        training=await _list_ways_in(request),
        training_password=demo_staff.PASSWORD,
    )


async def _list_ways_in(request: DeskRequest) -> Sequence[WayIn]:
    """The invented staff, where no message can reach anybody real."""
    if not request.parts.is_demo:
        return ()
    async with request.parts.new_session() as session:
        return await demo_staff.list_ways_in(session, now=request.now())


# The code


async def show_code(request: DeskRequest) -> Response:
    if not request.visitor.has_second_factor:
        return redirect(request, f"{ADDRESS}/second-factor")
    return await _code_page(request, request.query_params.get("next", ""))


async def show_second_factor(request: DeskRequest) -> Response:
    if request.visitor.has_second_factor:
        return redirect(request, f"{ADDRESS}/code")
    return await _code_page(request, request.query_params.get("next", ""))


async def confirm(request: DeskRequest) -> Response:
    """The code of either page. The session changes: nobody can have known it before."""
    code = await request.field("code", most=MOST_LETTERS)
    wanted = await request.field("next")
    try:
        async with request.parts.new_session.begin() as session:
            confirmed = await accounts.confirm(
                session,
                request.visitor,
                code,
                device=device_of(request),
                known=_known(request),
                now=request.now(),
            )
    except WrongCode as error:
        if not await _is_waiting(request):
            return redirect(request, local_address(wanted))
        return await _code_page(request, wanted, fault=say_wrong_code(request, error))
    except LockedOut as error:
        return await _code_page(request, wanted, locked=error)
    return _welcome(request, confirmed, wanted)


async def _is_waiting(request: DeskRequest) -> bool:
    """Whether this session still needs its code: of two presses at once, one comes too late."""
    token = request.session_token
    assert token is not None
    async with request.parts.new_session.begin() as session:
        return await accounts.find_visitor(session, token, now=request.now()) is not None


def _welcome(request: DeskRequest, confirmed: Confirmed, wanted: str) -> Response:
    """In; past the recovery codes, if none is left that would help when the phone is lost.

    Who used one of them comes by the account, which tells how many are left.
    """
    address = local_address(wanted)
    if confirmed.needs_recovery_codes:
        address = with_next(RECOVERY_CODES, address)
    elif confirmed.by_recovery_code:
        address = with_next(f"{ADDRESS}/account?done=recovered", address)
    response = redirect(request, address)
    security.set_cookie(response, request.parts, security.SESSION_COOKIE, confirmed.token)
    security.set_cookie(
        response,
        request.parts,
        security.KNOWN_COOKIE,
        confirmed.known,
        lasts=accounts.KNOWN_BROWSER_LASTS,
    )
    return response


async def _code_page(
    request: DeskRequest, wanted: str, fault: str | None = None, locked: LockedOut | None = None
) -> Response:
    status = _status(fault, locked)
    minutes = minutes_left(request, locked)
    if request.visitor.has_second_factor:
        return render(
            request,
            "code.html",
            status=status,
            wanted=wanted,
            fault=fault,
            minutes=minutes,
            training=await _list_ways_in(request),
        )
    try:
        async with request.parts.new_session.begin() as session:
            factor = await accounts.new_second_factor(session, request.visitor, now=request.now())
    except NotAllowed:  # another browser set one up in this very moment
        return redirect(request, f"{ADDRESS}/")
    return render(
        request,
        "second_factor.html",
        status=status,
        wanted=wanted,
        fault=fault,
        minutes=minutes,
        uri=factor.uri,
        secret=grouped(factor.secret),
        picture=draw_code(factor.uri),
    )


def draw_code(uri: str) -> Markup:
    """A QR code as an inline picture, dark on white whatever lies behind it."""
    code = segno.make(uri, error="m", micro=False)
    return Markup(code.svg_inline(border=3, omitsize=True, light="#fff"))  # noqa: S704 (segno's)


def grouped(secret: str) -> str:
    """In fours, to be typed."""
    return " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))


# The way out


async def sign_out(request: DeskRequest) -> Response:
    visitor = request.find_visitor()
    if visitor is not None:
        async with request.parts.new_session.begin() as session:
            await accounts.sign_out(session, visitor, now=request.now())
    response = redirect(request, f"{ADDRESS}/sign-in")
    security.drop_cookie(response, request.parts, security.SESSION_COOKIE)
    return response


# What the steps share


def device_of(request: DeskRequest) -> str:
    return name_device(request.headers.get("user-agent", ""))


def _known(request: DeskRequest) -> str:
    """Who signed in here before, as this browser has it noted."""
    return security.read_cookie(request, request.parts, security.KNOWN_COOKIE) or ""


def minutes_left(request: DeskRequest, locked: LockedOut | None) -> int | None:
    """How long nothing is tried, in minutes begun."""
    if locked is None:
        return None
    return max(1, ceil((locked.until - request.now()).total_seconds() / 60))


def with_next(address: str, wanted: str) -> str:
    """The address of a step, which leads on to where somebody wanted to go."""
    found = local_address(wanted)
    if found == f"{ADDRESS}/":
        return address
    return f"{address}{'&' if '?' in address else '?'}next={quote(found, safe='/')}"


def say_wrong_code(request: DeskRequest, error: WrongCode) -> str:
    """What is said of a code that does not help; of what cannot be one, how one looks."""
    is_none = isinstance(error, UnusableCode)
    return request.text("desk-code-unusable") if is_none else request.text("desk-code-wrong")


def _status(fault: str | None, locked: LockedOut | None) -> int:
    if locked is not None:
        return _TOO_MANY
    return 200 if fault is None else _WRONG


ROUTES: Final = (
    page("/sign-in", show_sign_in, roles=OPEN),
    page("/sign-in", limited(sign_in, refuse_for_now), ["POST"], roles=OPEN),
    page("/sign-out", sign_out, ["POST"], roles=OPEN),
    page("/code", show_code, roles=HALF_SIGNED_IN),
    page("/code", confirm, ["POST"], roles=HALF_SIGNED_IN),
    page("/second-factor", show_second_factor, roles=HALF_SIGNED_IN),
    page("/second-factor", confirm, ["POST"], roles=HALF_SIGNED_IN),
)
