"""Somebody new: the form that adds them, and the link that they get.

The link is shown once, on the answer of the form. Where that answer is lost the form comes again,
and leads to whom it has added: there a new link can be made.
"""

from collections.abc import Mapping
from typing import Final

from starlette.responses import Response

from desk.access import page, redirect
from desk.pages.staff_parts import (
    KEEPERS,
    STAFF,
    WRONG,
    note_made_up,
    read,
    show_link,
)
from desk.rendering import render
from desk.request import DeskRequest
from services import centres, staff, staff_form, staff_list
from services.errors import UnusableForm
from services.staff_form import ALL_CENTRES, AlreadyAdded, StaffForm
from services.types import STAFF_ROLES


async def show_new(request: DeskRequest) -> Response:
    return await _new_page(request, StaffForm())


async def add(request: DeskRequest) -> Response:
    """Make them and their link."""
    typed = await read(request)
    by, now = request.visitor.staff_id, request.now()
    try:
        async with request.acting() as session:
            person, token = await staff_form.add(session, typed, by=by, now=now)
            line = await staff_list.get_line(session, person.id, by=by, now=now)
    except UnusableForm as error:
        await note_made_up(request, None, "added", typed)
        return await _new_page(request, typed, error.faults)
    except AlreadyAdded as error:
        return redirect(request, f"{STAFF}/{error.staff_id}?done=already")
    return show_link(request, line, token)


async def _new_page(
    request: DeskRequest, typed: StaffForm, faults: Mapping[str, str] | None = None
) -> Response:
    async with request.acting() as session:
        names = await centres.list_names(session, request.language)
    return render(
        request,
        "staff_new.html",
        status=WRONG if faults else 200,
        faults=faults or {},
        typed=typed,
        centres=names,
        all_centres=ALL_CENTRES,
        roles=STAFF_ROLES,
        longest_name=staff.LONGEST_NAME,
    )


ROUTES: Final = (
    page("/staff/new", show_new, roles=KEEPERS),
    page("/staff/new", add, ["POST"], roles=KEEPERS),
)
