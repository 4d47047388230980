"""The people of the desk: who works here, as what, and how they get in.

Administrators keep them; managers see their own team and change nothing.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.responses import Response

from desk.access import Forged, page, redirect
from desk.pages.sign_in import MOST_LETTERS
from desk.pages.staff_parts import (
    KEEPERS,
    NAMESAKE_NOW,
    STAFF,
    WRONG,
    note_made_up,
    note_refused,
    read,
    show_link,
)
from desk.rendering import render
from desk.request import DeskRequest
from services import accounts, centres, staff, staff_form, staff_list
from services.acting import Session
from services.errors import (
    ChangedMeanwhile,
    NotAllowed,
    StaffNameTaken,
    StaffNotFound,
    UnusableForm,
    UnusableUsername,
    UsernameTaken,
)
from services.giving import list_able
from services.staff_form import ALL_CENTRES, StaffForm
from services.staff_list import StaffLine
from services.staff_names import list_names
from services.types import STAFF_ROLES, Staff

DONE: Final = ("changed", "renamed", "already", "ended", "unlocked", "meanwhile", "not_allowed")
_VIEWERS: Final = (*KEEPERS, "centre_manager")
_LONGEST_COUNT: Final = 6
# Nobody else may be there to do it.
_OF_ONESELF: Final = "rename"


async def show_list(request: DeskRequest) -> Response:
    asked = request.query_params
    role, centre, ended = asked.get("role", ""), asked.get("centre", ""), "ended" in asked
    async with request.acting() as session:
        names = await centres.list_names(session, request.language)
        lines = await staff_list.list_lines(
            session,
            by=request.visitor.staff_id,
            now=request.now(),
            role=role or None,
            centre=centre if centre in names else None,
            ended=ended,
        )
    return render(
        request,
        "staff.html",
        lines=lines,
        centres=names,
        roles=STAFF_ROLES,
        role=role,
        centre=centre,
        ended=ended,
        may_keep=request.visitor.role in KEEPERS,
    )


# One of them


async def show(request: DeskRequest) -> Response:
    return await _person_page(request)


async def act(request: DeskRequest) -> Response:
    """What one of the forms of the page asks."""
    name = await request.field("do")
    if name not in _ACTS:
        raise Forged
    do, tried = _ACTS[name]
    staff_id = _find_id(request.path_params["staff_id"])
    try:
        if staff_id == request.visitor.staff_id and name != _OF_ONESELF:
            raise NotAllowed
        return await do(request)
    except UnusableForm as error:
        typed = await read(request)
        await note_made_up(request, staff_id, tried, typed)
        return await _person_page(request, name, typed, error.faults)
    except ChangedMeanwhile:
        return _back(request, "meanwhile")
    except NotAllowed:  # no form of ours asks for it
        await note_refused(request, staff_id, tried)
        return _back(request, "not_allowed")


async def _rename(request: DeskRequest) -> Response:
    typed = await read(request)
    async with _at_person(request) as (session, person):
        await staff_form.rename(
            session, person, typed, by=request.visitor.staff_id, now=request.now()
        )
    return _back(request, "renamed")


async def _change(request: DeskRequest) -> Response:
    typed = await read(request)
    async with _at_person(request) as (session, person):
        if person.ended_at is not None:
            raise ChangedMeanwhile
        to = await _read_colleague(request, session)
        centre_id = await staff_form.check_role(session, typed)
        by, now = request.visitor.staff_id, request.now()
        moved = await staff.change_role(
            session, person, typed.role, centre_id, to=to, by=by, now=now
        )
    return _back(request, "changed", moved, to)


async def _end(request: DeskRequest) -> Response:
    async with _at_person(request) as (session, person):
        to = await _read_colleague(request, session)
        by, now = request.visitor.staff_id, request.now()
        moved = await staff.end(session, person, to=to, by=by, now=now)
    return _back(request, "ended", moved, to)


async def _unlock(request: DeskRequest) -> Response:
    async with _at_person(request) as (session, person):
        await accounts.unlock(session, person, by=request.visitor.staff_id, now=request.now())
    return _back(request, "unlocked")


async def _invite(request: DeskRequest) -> Response:
    return await _make_link(request, with_reset=False)


async def _reset(request: DeskRequest) -> Response:
    return await _make_link(request, with_reset=True)


async def _take_up(request: DeskRequest) -> Response:
    """Let who has left work here again, by a new link; one transaction, so not without it."""
    by, now = request.visitor.staff_id, request.now()
    try:
        async with _at_person(request) as (session, person):
            if person.ended_at is None:
                raise ChangedMeanwhile
            await staff.take_up(session, person, by=by, now=now)
            line, token = await _invite_again(request, session, person)
    except StaffNameTaken:
        return await _person_page(request, "take-up", faults={"take-up": NAMESAKE_NOW})
    return show_link(request, line, token)


async def _make_link(request: DeskRequest, *, with_reset: bool) -> Response:
    async with _at_person(request) as (session, person):
        line, token = await _invite_again(request, session, person, with_reset=with_reset)
    return show_link(request, line, token)


async def _invite_again(
    request: DeskRequest, session: Session, person: Staff, *, with_reset: bool = False
) -> tuple[StaffLine, str]:
    """How they stand after it, and the token of the link."""
    by, now = request.visitor.staff_id, request.now()
    username = await accounts.find_username(session, person)
    try:
        token = await accounts.invite_again(
            session,
            person,
            username or await request.field("username", most=MOST_LETTERS),
            seen=_find_id(await request.field("seen")),
            with_reset=with_reset,
            by=by,
            now=now,
        )
    except UnusableUsername:
        raise UnusableForm({"username": "username"}) from None
    except UsernameTaken:
        raise UnusableForm({"username": "username_taken"}) from None
    return await staff_list.get_line(session, person.id, by=by, now=now), token


# By the names of the buttons: the act, and what the log calls it where it is refused.
_ACTS: Final = {
    "rename": (_rename, "changed"),
    "change": (_change, "changed"),
    "end": (_end, "ended"),
    "unlock": (_unlock, "unlocked"),
    "invite": (_invite, "invited"),
    "reset": (_reset, "reset"),
    "take-up": (_take_up, "added"),
}


async def _person_page(
    request: DeskRequest,
    sent: str = "",
    typed: StaffForm | None = None,
    faults: Mapping[str, str] | None = None,
) -> Response:
    """Everything of one of them; `faults` are those of the form that was `sent`."""
    async with _at_person(request) as (session, person):
        by, now = request.visitor.staff_id, request.now()
        line = await staff_list.get_line(session, person.id, by=by, now=now)
        colleagues = await _list_colleagues(request, session, line)
        names = await centres.list_names(session, request.language)
        moved = await _say_moved(request, session)
    done = request.query_params.get("done", "")
    return render(
        request,
        "staff_person.html",
        status=WRONG if faults else 200,
        faults=faults or {},
        line=line,
        typed=_typed(line, sent, typed),
        colleagues=colleagues,
        centres=names,
        all_centres=ALL_CENTRES,
        roles=STAFF_ROLES,
        longest_name=staff.LONGEST_NAME,
        done=done if done in DONE else None,
        moved=moved,
        is_own=line.id == by,
    )


# What they share


@asynccontextmanager
async def _at_person(request: DeskRequest) -> AsyncIterator[tuple[Session, Staff]]:
    """A transaction, and whom the address names; answers 404 to who is not there."""
    staff_id = _find_id(request.path_params["staff_id"])
    try:
        async with request.acting() as session:
            if staff_id is None:
                raise StaffNotFound
            yield session, await staff.get(session, staff_id)
    except StaffNotFound:
        await note_refused(request, staff_id)
        raise HTTPException(404) from None


def _typed(line: StaffLine, sent: str, again: StaffForm | None) -> StaffForm:
    """What stands in the forms: in the one that was sent what was typed, else what is so."""
    centre = ALL_CENTRES if line.centre_id is None else line.centre_id
    kept = StaffForm(line.name, line.username or "", line.role, centre)
    if again is None:
        return kept
    if sent == "change":
        return replace(kept, role=again.role, centre=again.centre)
    name = again.name if sent == "rename" else kept.name
    return replace(kept, name=name, username=again.username)


async def _read_colleague(request: DeskRequest, session: Session) -> Staff | None:
    """To whom requests go; nobody named means back to the centre."""
    to = _find_id(await request.field("to"))
    return None if to is None else await staff.get(session, to)


async def _list_colleagues(
    request: DeskRequest, session: Session, line: StaffLine
) -> Sequence[tuple[UUID, str]]:
    """Who may go on with their requests, and can sign in to do so."""
    if line.centre_id is None or not line.open_requests:
        return ()
    able = await list_able(session, request.visitor, line.centre_id)
    return [(one.id, one.name) for one in able if one.id != line.id]


async def _say_moved(request: DeskRequest, session: Session) -> tuple[int, str] | None:
    """How many requests went on as the address says, and to whom ("": back to the centre)."""
    asked = request.query_params
    moved, to = asked.get("moved", ""), _find_id(asked.get("to", ""))
    if not (moved.isascii() and moved.isdecimal() and len(moved) <= _LONGEST_COUNT):
        return None
    names = await list_names(session, [to])
    return int(moved), "" if to is None else names.get(to, "")


def _find_id(typed: Any) -> UUID | None:
    try:
        return UUID(typed)
    except ValueError:
        return None


def _back(request: DeskRequest, done: str, moved: int = 0, to: Staff | None = None) -> Response:
    more = f"&moved={moved}" if moved else ""
    if moved and to is not None:
        more += f"&to={to.id}"
    return redirect(request, f"{STAFF}/{request.path_params['staff_id']}?done={done}{more}")


ROUTES: Final = (
    page("/staff", show_list, roles=_VIEWERS),
    page("/staff/{staff_id}", show, roles=KEEPERS),
    page("/staff/{staff_id}", act, ["POST"], roles=KEEPERS),
)
