"""What somebody may change of their own account: one card for each thing, each with its data.

The cards stand in `_CARDS`, in their order; a card is a template and what it needs to know.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.responses import Response

from desk import security
from desk.access import EVERY_ROLE, REQUEST_ROLES, Forged, page, redirect
from desk.pages import telegram_link
from desk.pages.passwords import differ, read_new_password, say_weak
from desk.pages.sign_in import MOST_LETTERS, minutes_left
from desk.pages.start import local_address
from desk.rendering import render
from desk.request import ADDRESS, DeskRequest
from services import accounts, centres
from services.acting import Session
from services.errors import LockedOut, NotAllowed, SessionNotFound, WeakPassword, WrongSignIn

NOTICES: Final = ("session", "sessions", "codes", "factor", "recovered", *telegram_link.DONE)
_WRONG: Final = 422

Load = Callable[[DeskRequest, Session], Awaitable[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Card:
    """`template` finds what `load` returns beside what every page has."""

    template: str
    load: Load


async def _load_myself(request: DeskRequest, session: Session) -> Mapping[str, Any]:
    centre_id = request.visitor.centre_id
    return {"centre": await centres.find(session, centre_id) if centre_id else None}


async def _load_sessions(request: DeskRequest, session: Session) -> Mapping[str, Any]:
    lines = await accounts.list_sessions(session, request.visitor, now=request.now())
    return {"sessions": lines}


async def _load_factor(request: DeskRequest, session: Session) -> Mapping[str, Any]:
    left = await accounts.count_recovery_codes(session, request.visitor.staff_id)
    return {"codes_left": left}


async def _load_nothing(_request: DeskRequest, _session: Session) -> Mapping[str, Any]:
    return {}


_CARDS: Final = (
    Card("account_myself.html", _load_myself),
    Card("account_sessions.html", _load_sessions),
    Card("account_phone.html", _load_factor),
    Card("account_telegram.html", telegram_link.load),
    Card("account_password.html", _load_nothing),
)


async def show(request: DeskRequest) -> Response:
    return await _page(request)


async def go_back(request: DeskRequest) -> Response:
    """Who loads the answer of a form again, or changes its language, comes to where it stood."""
    return redirect(request, f"{ADDRESS}/account")


async def change_password(request: DeskRequest) -> Response:
    """They are signed out everywhere: whoever knew the old one, too."""
    old = await request.field("old", most=MOST_LETTERS)
    new = await read_new_password(request)
    if new is None:
        return await _page(request, differ(request))
    try:
        async with request.parts.sign_ins, request.parts.new_session.begin() as session:
            await accounts.change_password(session, request.visitor, old, new, now=request.now())
    except NotAllowed:  # an administrator signed them out in this very moment
        return redirect(request, f"{ADDRESS}/account")
    except WrongSignIn:
        return await _page(request, {"old": request.text("desk-password-old-wrong")})
    except WeakPassword as error:
        return await _page(request, say_weak(request, error))
    except LockedOut as error:
        minutes = minutes_left(request, error)
        return await _page(request, {"old": request.text("desk-locked", minutes=minutes)})
    response = redirect(request, f"{ADDRESS}/sign-in?done=changed")
    security.drop_cookie(response, request.parts, security.SESSION_COOKIE)
    return response


async def end_session(request: DeskRequest) -> Response:
    """Sign another browser of theirs out."""
    try:
        async with request.parts.new_session.begin() as session:
            await accounts.end_session(
                session, request.visitor, _session_id(request), now=request.now()
            )
    except SessionNotFound:
        raise HTTPException(404) from None
    return redirect(request, f"{ADDRESS}/account?done=session")


async def end_other_sessions(request: DeskRequest) -> Response:
    """Sign every browser of theirs out but this one."""
    async with request.parts.new_session.begin() as session:
        await accounts.end_other_sessions(session, request.visitor, now=request.now())
    return redirect(request, f"{ADDRESS}/account?done=sessions")


def _session_id(request: DeskRequest) -> UUID:
    try:
        return UUID(request.path_params["session_id"])
    except ValueError:
        raise Forged from None


async def _page(request: DeskRequest, faults: Mapping[str, str] | None = None) -> Response:
    """All the cards; `faults` are words for fields of the password."""
    values: dict[str, Any] = {}
    async with request.acting() as session:
        for card in _CARDS:
            values |= await card.load(request, session)
    done = request.query_params.get("done", "")
    return render(
        request,
        "account.html",
        status=_WRONG if faults else 200,
        cards=[card.template for card in _CARDS],
        said=faults or {},
        notice=done if done in NOTICES else None,
        wanted=local_address(request.query_params.get("next", "")),
        **values,
    )


ROUTES: Final = (
    page("/account", show, roles=EVERY_ROLE),
    page("/account/password", go_back, roles=EVERY_ROLE),
    page("/account/password", change_password, ["POST"], roles=EVERY_ROLE),
    page("/account/telegram", go_back, roles=REQUEST_ROLES),
    page("/account/sessions/end", end_other_sessions, ["POST"], roles=EVERY_ROLE),
    page("/account/sessions/{session_id}/end", end_session, ["POST"], roles=EVERY_ROLE),
)
