"""What the pages about staff share: who may open them, their forms, and the link that is shown."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from starlette.responses import Response

from desk.pages.sign_in import MOST_LETTERS, draw_code
from desk.rendering import render
from desk.request import ADDRESS, DeskRequest
from services import accounts, audit, centres, staff_form
from services.staff_form import ALL_CENTRES, StaffForm
from services.staff_list import StaffLine
from services.types import STAFF_ROLES

STAFF: Final = f"{ADDRESS}/staff"
NAMESAKE_NOW: Final = "namesake_now"
FAULTS: Final = (*staff_form.FAULTS, NAMESAKE_NOW)
KEEPERS: Final = ("administrator",)
WRONG: Final = 422


async def read(request: DeskRequest) -> StaffForm:
    """What stood in a form, to stand there again when it cannot be kept."""
    names = ("name", "username", "role", "centre")
    return StaffForm(*[await request.field(name, most=MOST_LETTERS) for name in names])


async def note_made_up(
    request: DeskRequest, staff_id: UUID | None, tried: str, typed: StaffForm
) -> None:
    """Write down what of a form was not chosen from the lists that it offers."""
    async with request.acting() as session:
        known = await centres.list_ids(session)
    lists = {
        "role": (typed.role, ("", *STAFF_ROLES)),
        "centre_id": (typed.centre, ("", ALL_CENTRES, *known)),
    }
    made_up = [name for name, (chosen, offered) in lists.items() if chosen not in offered]
    if made_up:
        await note_refused(request, staff_id, tried, made_up)


async def note_refused(
    request: DeskRequest,
    staff_id: UUID | None,
    tried: str | None = None,
    fields: Sequence[str] = (),
) -> None:
    by, now = request.visitor.staff_id, request.now()
    async with request.acting() as session:
        await audit.record_refused(
            session, by, "staff", staff_id, tried=tried, fields=fields, now=now
        )


def show_link(request: DeskRequest, line: StaffLine, token: str) -> Response:
    """A link by which somebody chooses a password, shown this one time."""
    link = f"{request.parts.public_url}{ADDRESS}/invitation/{token}"
    until = request.now() + accounts.INVITATION_LASTS
    return render(
        request, "staff_invited.html", line=line, link=link, until=until, picture=draw_code(link)
    )
