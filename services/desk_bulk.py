"""The same thing done with many requests at once: what cannot be done does not hold up the rest.

Each request is a transaction of its own, and says for itself what went wrong. A form says when its
page was drawn (`drawn`): what its sender has done with a request since then, the form did before,
and it does nothing twice, also when the request was given on or opened again meanwhile.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Request, Staff
from services import audit, requests, threads
from services.accounts.types import Visitor
from services.acting import NewSession, acting
from services.desk_requests import REFUSED, note_refused
from services.desk_requests.replays import list_who_gave_it, note_repeated, was_done
from services.desk_requests.rights import get_staff
from services.errors import AlreadyTaken, DomainError, NotAllowed, StaffNotFound
from services.files import OWN_CENTRE_ROLES
from services.giving import check_may_give
from services.staff import check_may_act

MOST: Final = 100
"""Requests in one go; what is beyond them is left alone."""
_ASSIGNERS = (*OWN_CENTRE_ROLES, "administrator")


@dataclass(frozen=True, slots=True)
class Undone:
    """A request with which it could not be done, and why."""

    code: str
    error: DomainError


@dataclass(frozen=True, slots=True)
class Bulk:
    """The codes of what was done, and what was not."""

    done: Sequence[str]
    undone: Sequence[Undone]


async def assign_many(
    new_session: NewSession,
    visitor: Visitor,
    codes: Sequence[str],
    to: UUID,
    *,
    drawn: datetime,
    now: datetime,
) -> Bulk:
    """Give them to a member of staff. Administrators may give what they may not read.

    What a colleague took since the page was drawn stays theirs: whoever ticked it as nobody's meant
    to take it from nobody.
    """

    async def assign(session: AsyncSession, code: str) -> None:
        me, colleague = await get_staff(session, visitor), await session.get(Staff, to)
        if colleague is None:
            raise StaffNotFound
        request = await requests.hold(session, code)
        check_may_act(me, request)
        check_may_give(me, colleague, request)
        if await was_done(session, visitor, request, "assigned", {"to": str(to)}, since=drawn):
            await note_repeated(session, visitor, request, now=now)
            return
        if request.owner_id == colleague.id and request.state not in ("new", "reopened"):
            return
        await _check_untaken(session, visitor, request, drawn)
        await threads.assign(session, code, colleague, staff=me, now=now)
        await audit.record_by(
            session,
            visitor.staff_id,
            "assigned",
            "request",
            request.id,
            fields=("owner_id", "state"),
            now=now,
        )

    return await each(new_session, visitor, codes, assign, called="assigned", now=now)


async def each(
    new_session: NewSession,
    visitor: Visitor,
    codes: Sequence[str],
    act: Callable[[AsyncSession, str], Awaitable[DomainError | None]],
    *,
    called: str,
    now: datetime,
    newest_first: bool = False,
) -> Bulk:
    """Do it with each, in the order given or the newest first; it is told in the order given.

    What is wrong `act` raises, or returns where what it wrote down is to be kept. `called` is what
    the log calls the act. Raises NotAllowed for who answers no requests.
    """
    if visitor.role not in _ASSIGNERS:
        raise NotAllowed
    wanted = list(dict.fromkeys(codes))[:MOST]
    in_turn = wanted
    if newest_first:
        in_turn = await _sort_newest_first(new_session, visitor, wanted)
    done, undone = [], []
    for code in in_turn:
        try:
            async with acting(new_session, visitor) as session:
                wrong = await act(session, code)
        except DomainError as error:
            wrong = error
            if isinstance(error, REFUSED):
                async with acting(new_session, visitor) as session:
                    await note_refused(session, visitor, code, tried=called, now=now)
        if wrong is None:
            done.append(code)
        else:
            undone.append(Undone(code, wrong))
    undone.sort(key=lambda one: wanted.index(one.code))
    return Bulk(sorted(done, key=wanted.index), undone)


async def _sort_newest_first(
    new_session: NewSession, visitor: Visitor, codes: Sequence[str]
) -> list[str]:
    async with acting(new_session, visitor) as session:
        rows = await session.execute(
            select(Request.code, Request.id).where(Request.code.in_(codes))
        )
        ids = {row.code: row.id for row in rows}
    return sorted(codes, key=lambda code: -ids.get(code, 0))


async def _check_untaken(
    session: AsyncSession, visitor: Visitor, request: Request, drawn: datetime
) -> None:
    """Raises AlreadyTaken when it became somebody else's after the page was drawn."""
    if request.owner_id in (None, visitor.staff_id):
        return
    by = await list_who_gave_it(session, request, since=drawn)
    if any(staff_id != visitor.staff_id for staff_id in by):
        raise AlreadyTaken((await session.get_one(Staff, request.owner_id)).name)
