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

from sqlalchemy.ext.asyncio import AsyncSession

from db.models import OUTCOMES, Staff
from services import audit, requests, threads
from services.accounts.types import Visitor
from services.acting import NewSession, acting
from services.desk_requests import REFUSED, Move, do, note_refused
from services.desk_requests.replays import note_repeated, was_done
from services.desk_requests.rights import get_staff
from services.errors import (
    DomainError,
    NotAllowed,
    StaffNotFound,
    UnknownOutcome,
)
from services.files import OWN_CENTRE_ROLES
from services.giving import check_may_give
from services.message_words import MessageWords
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
    """Give them to a member of staff. Administrators may give what they may not read."""

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
        await threads.assign(session, code, colleague, staff=me, now=now)
        await audit.record(
            session,
            actor="staff",
            actor_id=visitor.staff_id,
            action="assigned",
            subject="request",
            subject_id=request.id,
            fields=("owner_id", "state"),
            now=now,
        )

    return await _each(new_session, visitor, codes, assign, called="assigned", now=now)


async def close_many(
    new_session: NewSession,
    visitor: Visitor,
    codes: Sequence[str],
    outcome: str,
    *,
    words: MessageWords,
    drawn: datetime,
    now: datetime,
) -> Bulk:
    """Close them with one outcome; each person is asked whether help came.

    Raises UnknownOutcome.
    """
    if outcome not in OUTCOMES:
        raise UnknownOutcome
    move = Move("finish", outcome, since=drawn)

    async def close(session: AsyncSession, code: str) -> None:
        await do(session, visitor, code, move, words=words, now=now)

    return await _each(new_session, visitor, codes, close, called="done", now=now)


async def _each(
    new_session: NewSession,
    visitor: Visitor,
    codes: Sequence[str],
    act: Callable[[AsyncSession, str], Awaitable[None]],
    *,
    called: str,
    now: datetime,
) -> Bulk:
    """`called` is what the log calls the act. Raises NotAllowed for who answers no requests."""
    if visitor.role not in _ASSIGNERS:
        raise NotAllowed
    done, undone = [], []
    for code in list(dict.fromkeys(codes))[:MOST]:
        try:
            async with acting(new_session, visitor) as session:
                await act(session, code)
        except DomainError as error:
            undone.append(Undone(code, error))
            if isinstance(error, REFUSED):
                async with acting(new_session, visitor) as session:
                    await note_refused(session, visitor, code, tried=called, now=now)
        else:
            done.append(code)
    return Bulk(done, undone)
