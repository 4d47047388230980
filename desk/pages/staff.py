"""The people of the desk: who works here, as what, and how they get in. For administrators alone.

A link by which somebody chooses a password is shown once, on the answer of the form that made it:
never in an address, where a history or a log would keep it.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.responses import Response

from desk.access import CENTRE_ROLES, Forged, page, redirect
from desk.pages.sign_in import MOST_LETTERS, draw_code
from desk.rendering import render
from desk.request import ADDRESS, DeskRequest
from services import accounts, audit, centres, staff, staff_list
from services.acting import Session
from services.errors import (
    ChangedMeanwhile,
    DomainError,
    EmptyText,
    NotAllowed,
    StaffNameTaken,
    StaffNotFound,
    TextTooLong,
    UnknownCentre,
    UnusableRole,
    UnusableUsername,
    UsernameTaken,
)
from services.staff_list import StaffLine
from services.types import STAFF_ROLES, Staff

STAFF: Final = f"{ADDRESS}/staff"
DONE: Final = ("changed", "ended", "unlocked", "meanwhile", "not_allowed")
FAULTS: Final[Mapping[type[DomainError], str]] = {
    EmptyText: "name",
    TextTooLong: "name_long",
    StaffNameTaken: "name_taken",
    UnusableUsername: "username",
    UsernameTaken: "username_taken",
    UnusableRole: "role",
    UnknownCentre: "role",
}
_WRONG: Final = 422
_ROLES: Final = ("administrator",)


@dataclass(frozen=True, slots=True)
class Typed:
    """What stood in a form, to stand there again when it cannot be done."""

    name: str = field(default="", repr=False)
    username: str = ""
    role: str = ""
    centre: str = ""

    @property
    def centre_id(self) -> str | None:
        """Where they will work; administrators and auditors do so for all centres."""
        return None if self.role in staff.OF_ALL_CENTRES else self.centre or None


async def show_list(request: DeskRequest) -> Response:
    asked = request.query_params
    role, centre, ended = asked.get("role", ""), asked.get("centre", ""), "ended" in asked
    async with request.acting() as session:
        names = await _name_centres(request, session)
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
    )


# Somebody new


async def show_new(request: DeskRequest) -> Response:
    return await _new_page(request, Typed())


async def add(request: DeskRequest) -> Response:
    """Make them and their link; sent again, the name is taken."""
    typed = await _read(request)
    by, now = request.visitor.staff_id, request.now()
    try:
        async with request.acting() as session:
            person = await staff.add(
                session, typed.name, typed.role, typed.centre_id, by=by, now=now
            )
            token = await accounts.invite(session, person, typed.username, by=by, now=now)
            line = await staff_list.get_line(session, person.id, by=by, now=now)
    except tuple(FAULTS) as error:
        if made_up := _made_up(typed, error):
            await _note_refused(request, None, "added", made_up)
        return await _new_page(request, typed, fault=_say(request, error))
    return _show_link(request, line, token)


async def _new_page(request: DeskRequest, typed: Typed, fault: str | None = None) -> Response:
    async with request.acting() as session:
        names = await _name_centres(request, session)
    return render(
        request,
        "staff_new.html",
        status=200 if fault is None else _WRONG,
        fault=fault,
        typed=typed,
        centres=names,
        roles=STAFF_ROLES,
        longest_name=staff.LONGEST_NAME,
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
        if staff_id == request.visitor.staff_id:
            raise NotAllowed
        return await do(request)
    except tuple(FAULTS) as error:
        typed = await _read(request)
        if made_up := _made_up(typed, error):
            await _note_refused(request, staff_id, tried, made_up)
        return await _person_page(request, typed, fault=_say(request, error))
    except ChangedMeanwhile:
        return _back(request, "meanwhile")
    except NotAllowed:  # no form of ours asks for it
        await _note_refused(request, staff_id, tried)
        return _back(request, "not_allowed")


async def _change(request: DeskRequest) -> Response:
    typed = await _read(request)
    async with _at_person(request) as (session, person):
        if person.ended_at is not None:
            raise ChangedMeanwhile
        moved = await staff.change_role(
            session,
            person,
            typed.role,
            typed.centre_id,
            to=await _read_colleague(request, session),
            by=request.visitor.staff_id,
            now=request.now(),
        )
    return _back(request, "changed", moved)


async def _end(request: DeskRequest) -> Response:
    async with _at_person(request) as (session, person):
        moved = await staff.end(
            session,
            person,
            to=await _read_colleague(request, session),
            by=request.visitor.staff_id,
            now=request.now(),
        )
    return _back(request, "ended", moved)


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
        return await _person_page(request, fault=request.text("desk-staff-wrong-namesake"))
    return _show_link(request, line, token)


async def _make_link(request: DeskRequest, *, with_reset: bool) -> Response:
    async with _at_person(request) as (session, person):
        line, token = await _invite_again(request, session, person, with_reset=with_reset)
    return _show_link(request, line, token)


async def _invite_again(
    request: DeskRequest, session: Session, person: Staff, *, with_reset: bool = False
) -> tuple[StaffLine, str]:
    """How they stand after it, and the token of the link."""
    by, now = request.visitor.staff_id, request.now()
    username = await accounts.find_username(session, person)
    token = await accounts.invite_again(
        session,
        person,
        username or await request.field("username", most=MOST_LETTERS),
        seen=_find_id(await request.field("seen")),
        with_reset=with_reset,
        by=by,
        now=now,
    )
    return await staff_list.get_line(session, person.id, by=by, now=now), token


# By the names of the buttons: the act, and what the log calls it where it is refused.
_ACTS: Final = {
    "change": (_change, "changed"),
    "end": (_end, "ended"),
    "unlock": (_unlock, "unlocked"),
    "invite": (_invite, "invited"),
    "reset": (_reset, "reset"),
    "take-up": (_take_up, "added"),
}


async def _person_page(
    request: DeskRequest, typed: Typed | None = None, fault: str | None = None
) -> Response:
    async with _at_person(request) as (session, person):
        line = await staff_list.get_line(
            session, person.id, by=request.visitor.staff_id, now=request.now()
        )
        colleagues = await _list_colleagues(session, line)
        names = await _name_centres(request, session)
    asked = request.query_params
    done, moved = asked.get("done", ""), asked.get("moved", "")
    return render(
        request,
        "staff_person.html",
        status=200 if fault is None else _WRONG,
        fault=fault,
        line=line,
        typed=_typed(line, typed),
        colleagues=colleagues,
        centres=names,
        roles=STAFF_ROLES,
        done=done if done in DONE else None,
        moved=int(moved) if moved.isascii() and moved.isdecimal() else 0,
        is_own=line.id == request.visitor.staff_id,
    )


def _show_link(request: DeskRequest, line: StaffLine, token: str) -> Response:
    link = f"{request.parts.public_url}{ADDRESS}/invitation/{token}"
    until = request.now() + accounts.INVITATION_LASTS
    return render(
        request, "staff_invited.html", line=line, link=link, until=until, picture=draw_code(link)
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
        await _note_refused(request, staff_id)
        raise HTTPException(404) from None


async def _note_refused(
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


def _made_up(typed: Typed, error: DomainError) -> Sequence[str]:
    """What of the form was not chosen from the lists that it offers."""
    if isinstance(error, UnknownCentre):
        return ["centre_id"]
    is_role = isinstance(error, UnusableRole) and typed.role not in ("", *STAFF_ROLES)
    return ["role"] if is_role else []


async def _read(request: DeskRequest) -> Typed:
    names = ("name", "username", "role", "centre")
    return Typed(*[await request.field(name, most=MOST_LETTERS) for name in names])


def _typed(line: StaffLine, again: Typed | None) -> Typed:
    """What stands in the forms: in the one that was sent what was typed, else what is so."""
    kept = Typed(line.name, line.username or "", line.role, line.centre_id or "")
    if again is None:
        return kept
    if again.role:
        return replace(kept, role=again.role, centre=again.centre)
    return replace(kept, username=again.username)


async def _read_colleague(request: DeskRequest, session: Session) -> Staff | None:
    """To whom requests go; nobody named means back to the centre."""
    to = _find_id(await request.field("to"))
    return None if to is None else await staff.get(session, to)


async def _list_colleagues(session: Session, line: StaffLine) -> Sequence[tuple[UUID, str]]:
    """Who may go on with their requests, by name."""
    if line.centre_id is None or not line.open_requests:
        return ()
    found = await staff.list_staff(session, line.centre_id)
    return [(one.id, one.name) for one in found if one.role in CENTRE_ROLES and one.id != line.id]


async def _name_centres(request: DeskRequest, session: Session) -> Mapping[str, str]:
    found = await centres.list_all(session)
    return {one.id: one.name_km if request.language == "km" else one.name_en for one in found}


def _find_id(typed: Any) -> UUID | None:
    try:
        return UUID(typed)
    except ValueError:
        return None


def _say(request: DeskRequest, error: DomainError) -> str:
    return request.text(f"desk-staff-wrong-{FAULTS[type(error)]}")


def _back(request: DeskRequest, done: str, moved: int = 0) -> Response:
    more = f"&moved={moved}" if moved else ""
    return redirect(request, f"{STAFF}/{request.path_params['staff_id']}?done={done}{more}")


ROUTES: Final = (
    page("/staff", show_list, roles=_ROLES),
    page("/staff/new", show_new, roles=_ROLES),
    page("/staff/new", add, ["POST"], roles=_ROLES),
    page("/staff/{staff_id}", show, roles=_ROLES),
    page("/staff/{staff_id}", act, ["POST"], roles=_ROLES),
)
