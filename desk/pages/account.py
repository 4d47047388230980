"""What somebody may change of their own account: password, language, where they are signed in."""

from typing import Final
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.responses import Response

from desk import security
from desk.access import EVERY_ROLE, page, redirect
from desk.pages.passwords import read_new_password, say_weak
from desk.pages.sign_in import MOST_LETTERS, minutes_left
from desk.rendering import render
from desk.request import ADDRESS, DeskRequest
from services import accounts, centres
from services.errors import LockedOut, SessionNotFound, WeakPassword, WrongSignIn

_WRONG: Final = 422
_NOTICES: Final = ("session",)


async def show(request: DeskRequest) -> Response:
    return await _page(request)


async def change_password(request: DeskRequest) -> Response:
    """They are signed out everywhere: whoever knew the old one, too."""
    old = await request.field("old", most=MOST_LETTERS)
    new = await read_new_password(request)
    if new is None:
        return await _page(request, fault=request.text("desk-password-differ"))
    try:
        async with request.parts.new_session.begin() as session:
            await accounts.change_password(session, request.visitor, old, new, now=request.now())
    except WrongSignIn:
        return await _page(request, fault=request.text("desk-password-old-wrong"))
    except WeakPassword as error:
        return await _page(request, fault=say_weak(request, error))
    except LockedOut as error:
        minutes = minutes_left(request, error)
        return await _page(request, fault=request.text("desk-locked", minutes=minutes))
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


def _session_id(request: DeskRequest) -> UUID:
    try:
        return UUID(request.path_params["session_id"])
    except ValueError:
        raise HTTPException(404) from None


async def _page(request: DeskRequest, fault: str | None = None) -> Response:
    visitor = request.visitor
    async with request.acting() as session:
        lines = await accounts.list_sessions(session, visitor, now=request.now())
        centre = await centres.find(session, visitor.centre_id) if visitor.centre_id else None
    done = request.query_params.get("done", "")
    return render(
        request,
        "account.html",
        status=200 if fault is None else _WRONG,
        sessions=lines,
        centre=centre,
        fault=fault,
        notice=done if done in _NOTICES else None,
    )


ROUTES: Final = (
    page("/account", show, roles=EVERY_ROLE),
    page("/account/password", change_password, ["POST"], roles=EVERY_ROLE),
    page("/account/sessions/{session_id}/end", end_session, ["POST"], roles=EVERY_ROLE),
)
