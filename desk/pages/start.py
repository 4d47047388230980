"""The address that people know, and the choice of a language."""

from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response

from desk import security
from desk.access import EVERY_ROLE, OPEN, page, redirect
from desk.navigation import list_entries
from desk.request import ADDRESS, DeskRequest
from locales.catalogue import LANGUAGES
from services import accounts


async def start(request: DeskRequest) -> Response:
    """To the first page of the visitor's role."""
    return redirect(request, list_entries(request.visitor)[0].address)


async def choose_language(request: DeskRequest) -> Response:
    """Of this browser and, when somebody is signed in, of their account."""
    language = await request.field("language")
    if language not in LANGUAGES:
        raise HTTPException(400)
    visitor = request.find_visitor()
    if visitor is not None:
        async with request.parts.new_session.begin() as session:
            await accounts.set_language(session, visitor, language, now=request.now())
    response = redirect(request, local_address(await request.field("back")))
    security.set_cookie(response, request.parts, security.LANGUAGE_COOKIE, language)
    return response


def local_address(wanted: str) -> str:
    """A page of the desk to go to, or its start: never another place."""
    is_ours = wanted.startswith(f"{ADDRESS}/") and "\\" not in wanted and "//" not in wanted
    return wanted if is_ours and wanted.isprintable() else f"{ADDRESS}/"


ROUTES: Final = (
    page("/", start, roles=EVERY_ROLE),
    page("/language", choose_language, ["POST"], roles=OPEN),
)
