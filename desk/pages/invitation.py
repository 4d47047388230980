"""The link by which somebody new, or somebody who forgot, chooses a password."""

from collections.abc import Mapping
from typing import Final

from starlette.responses import Response

from desk.access import OPEN, page, redirect
from desk.pages.passwords import differ, read_new_password, say_weak
from desk.pages.sign_in import start_session
from desk.rendering import render
from desk.request import ADDRESS, DeskRequest
from desk.tries import limited
from services import accounts
from services.accounts import Invited
from services.errors import InvitationOver, LockedOut, WeakPassword, WrongSignIn

_GONE: Final = 410
_WRONG: Final = 422


async def show(request: DeskRequest) -> Response:
    invited = await _find(request)
    return _over(request) if invited is None else _form(request, invited)


async def accept(request: DeskRequest) -> Response:
    """Keep the password and go on to the code: who has just chosen it need not type it again."""
    invited = await _find(request)
    if invited is None:
        return _over(request)
    password = await read_new_password(request)
    if password is None:
        return _form(request, invited, differ(request))
    try:
        async with request.parts.sign_ins, request.parts.new_session.begin() as session:
            await accounts.accept(session, _token(request), password, now=request.now())
    except InvitationOver:
        return _over(request)
    except WeakPassword as error:
        return _form(request, invited, say_weak(request, error))
    try:
        return await start_session(request, invited.username, password)
    except (WrongSignIn, LockedOut):  # ended, or guessed at, in this very moment
        return redirect(request, f"{ADDRESS}/sign-in")


async def _find(request: DeskRequest) -> Invited | None:
    async with request.parts.new_session.begin() as session:
        return await accounts.find_invited(session, _token(request), now=request.now())


def _token(request: DeskRequest) -> str:
    return str(request.path_params["token"])


def _form(
    request: DeskRequest, invited: Invited, faults: Mapping[str, str] | None = None
) -> Response:
    status = _WRONG if faults else 200
    return render(request, "invitation.html", status=status, invited=invited, said=faults or {})


def _over(request: DeskRequest) -> Response:
    return render(request, "invitation_over.html", status=_GONE)


ROUTES: Final = (
    page("/invitation/{token}", show, roles=OPEN),
    page("/invitation/{token}", limited(accept), ["POST"], roles=OPEN),
)
