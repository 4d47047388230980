"""Words that come from a page whose session is over: they go back to who wrote them.

Somebody who writes for an hour must not find half a reply afterwards. Nothing of it is kept here:
anybody could have sent it. The answer carries the words to the browser, which sends them again.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from starlette.responses import Response

from desk.access import StaleForm, redirect, sign_in_address
from desk.rendering import render
from desk.request import ADDRESS, DeskRequest
from services.desk_requests.drafts import LONGEST_DRAFT
from services.reasons import LONGEST_REASON

_REPLY: Final = "reply"
_HAND_OVER: Final = "hand_over"
_REVEAL: Final = "reveal"
# What else of a form goes with its words, by the field that holds these.
_WORDS_OF: Final[Mapping[str, tuple[str, str | None]]] = {
    _REPLY: ("value", None),
    "note": ("value", None),
    _HAND_OVER: ("reason", "value"),
    _REVEAL: ("value", "why"),
}
_UNAUTHORISED: Final = 401
_CONFLICT: Final = 409


async def keep_words(request: DeskRequest) -> Response:
    """A page with what was written, to be sent again; other forms only lead to the sign-in."""
    move = request.path_params.get("move", _REPLY)
    if move not in _WORDS_OF:
        return await lead_back(request)
    return await _give_back(request, move, f"{_own(request)}/do/{move}")


async def keep_reason(request: DeskRequest) -> Response:
    """The same for why somebody wants to see who it is, where they wrote it."""
    if not (await request.field(_WORDS_OF[_REVEAL][0])).strip():
        return await lead_back(request)
    return await _give_back(request, _REVEAL, f"{_own(request)}/reveal")


async def say_lapsed(request: DeskRequest) -> Response:
    """The same to a draft: a part of the page in which somebody goes on writing."""
    return render(
        request,
        "request_lapsed_draft.html",
        status=_status(request),
        sign_in=_sign_in(request),
        is_signed_in=_is_signed_in(request),
    )


async def lead_back(request: DeskRequest) -> Response:
    """To the sign-in, and from there to the request. Raises StaleForm for who is signed in."""
    if _is_signed_in(request):
        raise StaleForm
    return redirect(request, _sign_in(request))


async def _give_back(request: DeskRequest, move: str, action: str) -> Response:
    field, other = _WORDS_OF[move]
    is_reason = move in (_HAND_OVER, _REVEAL)
    kept = {name: await request.field(name) for name in ("seen", "read", other) if name}
    return render(
        request,
        "request_lapsed.html",
        status=_status(request),
        move=move,
        action=action,
        field=field,
        words=await request.field(field),
        kept=kept,
        longest=LONGEST_REASON if is_reason else LONGEST_DRAFT,
        sign_in=_sign_in(request),
        is_signed_in=_is_signed_in(request),
    )


def _is_signed_in(request: DeskRequest) -> bool:
    """Whether they signed in anew meanwhile, so that the form alone is of the old session."""
    visitor = request.find_visitor()
    return visitor is not None and visitor.is_confirmed


def _status(request: DeskRequest) -> int:
    return _CONFLICT if _is_signed_in(request) else _UNAUTHORISED


def _own(request: DeskRequest) -> str:
    return f"{ADDRESS}/requests/{quote(request.path_params['code'])}"


def _sign_in(request: DeskRequest) -> str:
    return sign_in_address(_own(request))
