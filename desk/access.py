"""Who may open which page: said where the page is declared, or it cannot be declared.

Services decide once more; what is written here decides what is shown and what is refused at once.
"""

from collections.abc import Awaitable, Callable, Collection
from typing import Final
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from desk.request import ADDRESS, FORM_TOKEN, DeskRequest
from desk.security import comes_from_here
from services import audit
from services.accounts import Visitor
from services.acting import acting
from services.types import STAFF_ROLES

Endpoint = Callable[[DeskRequest], Awaitable[Response]]

# In the place of roles: for who comes by, and for who gave a password and no code yet.
OPEN: Final = frozenset({"open"})
HALF_SIGNED_IN: Final = frozenset({"half signed in"})

EVERY_ROLE: Final = frozenset(STAFF_ROLES)
CENTRE_ROLES: Final = frozenset({"case_worker", "safety_focal_point", "centre_manager"})
REQUEST_ROLES: Final = CENTRE_ROLES | {"administrator"}
AUDIT_ROLES: Final = frozenset({"auditor"})

_SAFE_METHODS: Final = ("GET", "HEAD")
# What no page of ours sends, by how it is answered, and what the log calls it.
_FORGERIES: Final = {400: ("made-up",), 413: ("too-much",)}


class Forged(HTTPException):
    """An address that no page of ours leads to: answered as what is not there, and written down."""

    def __init__(self) -> None:
        super().__init__(404)


class StaleForm(HTTPException):
    """A form of no page that this session was shown: of one before it, or of another site."""

    def __init__(self) -> None:
        super().__init__(403)


class Page(Route):
    """A route of the desk that knows who may take it."""

    def __init__(
        self,
        path: str,
        endpoint: Endpoint,
        methods: Collection[str],
        roles: frozenset[str],
        lapsed: Endpoint | None,
    ) -> None:
        super().__init__(path, _guarded(path, endpoint, roles, lapsed), methods=list(methods))
        self.roles = roles


def page(
    path: str,
    endpoint: Endpoint,
    methods: Collection[str] = ("GET",),
    *,
    roles: Collection[str],
    lapsed: Endpoint | None = None,
) -> Page:
    """A page at `path` (below /desk). `roles`: those of staff, OPEN or HALF_SIGNED_IN.

    `lapsed` answers a form of ours whose session is over; without it the sign-in does, and nothing
    of the form is left.
    """
    known = EVERY_ROLE | OPEN | HALF_SIGNED_IN
    wanted = frozenset(roles)
    if not wanted or not wanted <= known:
        raise ValueError(f"{path} names no role, or one that there is not")
    return Page(path, endpoint, methods, wanted, lapsed)


def _guarded(
    path: str, endpoint: Endpoint, roles: frozenset[str], lapsed: Endpoint | None
) -> Callable[[Request], Awaitable[Response]]:
    async def answer(plain: Request) -> Response:
        request = DeskRequest(plain.scope, plain.receive)
        try:
            return await _answer(request)
        finally:
            await request.close()

    async def _answer(request: DeskRequest) -> Response:
        visitor = await request.identify()
        try:
            return await _answer_to(request, visitor)
        except HTTPException as error:
            told = _FORGERIES.get(error.status_code)
            if visitor is not None and (told is not None or isinstance(error, Forged)):
                await _note_refusal(request, visitor, path, fields=told or ())
            raise

    async def _answer_to(request: DeskRequest, visitor: Visitor | None) -> Response:
        elsewhere = _find_right_place(request, visitor, roles)
        if elsewhere is not None:
            if lapsed is not None and comes_from_here(request, request.parts):
                return await lapsed(request)
            return redirect(request, elsewhere)
        if visitor is not None and not roles & {visitor.role, *OPEN, *HALF_SIGNED_IN}:
            await _note_refusal(request, visitor, path)
            raise HTTPException(403)
        if request.method not in _SAFE_METHODS and not await request.is_own_form():
            if visitor is not None:
                await _note_refusal(request, visitor, path, fields=[FORM_TOKEN])
            if lapsed is not None and comes_from_here(request, request.parts):
                return await lapsed(request)
            raise StaleForm
        if not all(str(value).isprintable() for value in request.path_params.values()):
            raise Forged
        return await endpoint(request)

    return answer


def _find_right_place(
    request: DeskRequest, visitor: Visitor | None, roles: frozenset[str]
) -> str | None:
    """Where somebody must go first who is not (whole) signed in, or is so already."""
    if roles == OPEN:
        return None
    if visitor is None:
        is_page = request.method == "GET" and not request.is_htmx
        return sign_in_address(request.here if is_page else None)
    if not visitor.is_confirmed:
        return None if roles == HALF_SIGNED_IN else next_step(visitor)
    return f"{ADDRESS}/" if roles == HALF_SIGNED_IN else None


def next_step(visitor: Visitor) -> str:
    """Where somebody goes on who gave their password and no code yet."""
    return f"{ADDRESS}/code" if visitor.has_second_factor else f"{ADDRESS}/second-factor"


def sign_in_address(wanted: str | None) -> str:
    """The sign-in page, which leads back to where somebody wanted to go."""
    address = f"{ADDRESS}/sign-in"
    return address if wanted is None else f"{address}?next={quote(wanted, safe='/')}"


def redirect(request: DeskRequest, address: str) -> Response:
    """To another page of the desk, by GET; a part of a page takes the whole page there."""
    response = RedirectResponse(address, status_code=303)
    if request.is_htmx:
        # Written as it stands in "Location": Khmer letters are none of a header.
        return Response(status_code=204, headers={"HX-Redirect": response.headers["location"]})
    return response


async def _note_refusal(
    request: DeskRequest, visitor: Visitor, path: str, *, fields: Collection[str] = ()
) -> None:
    async with acting(request.parts.new_session, visitor) as session:
        await audit.record_refused(
            session, visitor.staff_id, "page", path, fields=fields, now=request.now()
        )
