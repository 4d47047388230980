"""Agencies to tell: what the centre promised to people who took back what was given, or are gone.

Nobody would look for it in their requests: those are closed, or deleted.
"""

from collections.abc import Mapping
from datetime import date
from typing import Final

from starlette.responses import Response

from desk.access import CENTRE_ROLES, page, redirect
from desk.pages.centre_parts import WRONG, at_subject, number_of, one_of, say_day
from desk.rendering import render
from desk.request import ADDRESS, DeskRequest
from services import codes
from services.agencies import display_phone
from services.errors import UnusableForm
from services.office_hours import day_of
from services.referrals import asking_back
from services.referrals.asking_back import RECALLED_BY, SUBJECT

TO_TELL: Final = f"{ADDRESS}/to-tell"
DONE: Final = ("told", "again")
FAULTS: Final = ("before_arose",)
"""What only this form has; the others are those of every form."""


async def show(request: DeskRequest) -> Response:
    return await _show(request)


async def tell(request: DeskRequest) -> Response:
    """Note that somebody told the agency; what was noted before stays."""
    recall_id = number_of(request.path_params["recall"])
    typed = {name: await request.field(name) for name in ("on", "how")}
    try:
        async with at_subject(request, SUBJECT, recall_id) as session:
            # First: what is another centre's answers as what is not there, whatever was typed.
            await asking_back.check_own(session, request.visitor, recall_id)
            is_new = await asking_back.tell(
                session,
                request.visitor,
                recall_id,
                _read_day(typed["on"]),
                typed["how"],
                now=request.now(),
            )
    except UnusableForm as error:
        return await _show(request, wrong_id=recall_id, typed=typed, faults=error.faults)
    return redirect(request, f"{TO_TELL}?done={'told' if is_new else 'again'}")


async def _show(
    request: DeskRequest,
    *,
    wrong_id: int | None = None,
    typed: Mapping[str, str] | None = None,
    faults: Mapping[str, str] | None = None,
) -> Response:
    """All of the visitor's centre; what was typed stays with the one that it is of."""
    async with request.acting() as session:
        shown = await asking_back.get_all(session, request.visitor, now=request.now())
    return render(
        request,
        "asking_back.html",
        status=WRONG if faults else 200,
        shown=shown,
        wrong_id=wrong_id,
        typed=typed or {},
        faults=faults or {},
        done=one_of(request.query_params.get("done", ""), DONE),
        told_by=[(how, request.text(f"desk-given-{how}")) for how in RECALLED_BY],
        today=day_of(request.now()).isoformat(),
        moment_now=request.now(),
        display_code=codes.display,
        display_phone=display_phone,
        say_day=lambda day: say_day(day, request.language),
    )


def _read_day(typed: str) -> date | None:
    """Raises UnusableForm."""
    if not typed.strip():
        return None
    try:
        return date.fromisoformat(typed.strip())
    except ValueError:
        raise UnusableForm({"on": "day"}) from None


ROUTES: Final = (
    page("/to-tell", show, roles=CENTRE_ROLES),
    page("/to-tell/{recall}", tell, ["POST"], roles=CENTRE_ROLES),
)
