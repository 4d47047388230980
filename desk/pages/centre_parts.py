"""What the pages about centres, their ready replies and agencies share."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Final

from babel.dates import format_date
from starlette.exceptions import HTTPException

from desk.access import Forged
from desk.request import DeskRequest
from services import audit, centres
from services.acting import Session
from services.agencies import AgencyNotFound
from services.desk_requests.canned import CannedReplyNotFound
from services.errors import NotAllowed, UnknownCentre
from services.referrals.errors import RecallNotFound

SECTIONS: Final = ("centres", "days", "canned", "agencies")
WRONG: Final = 422
CHANGED: Final = 409
_NOT_THERE: Final = (UnknownCentre, CannedReplyNotFound, AgencyNotFound, RecallNotFound)
_LONGEST_NUMBER: Final = 18


@asynccontextmanager
async def at_subject(
    request: DeskRequest, subject: str, subject_id: str | int | None
) -> AsyncIterator[Session]:
    """A transaction about something that may not be there, or not be the visitor's.

    That they asked for what is not theirs is written down; `subject` names a table.
    """
    try:
        async with request.acting() as session:
            yield session
    except (*_NOT_THERE, NotAllowed) as error:
        staff_id, now = request.visitor.staff_id, request.now()
        async with request.acting() as session:
            await audit.record_refused(session, staff_id, subject, subject_id, now=now)
        raise HTTPException(403 if isinstance(error, NotAllowed) else 404) from None


@asynccontextmanager
async def at_centre(request: DeskRequest, wanted: str | None) -> AsyncIterator[Session]:
    """The same about a centre, None for all of them.

    What is no centre's id may be anything that somebody typed, so it is not written down.
    """
    async with request.acting() as session:
        known = await centres.list_ids(session)
    async with at_subject(request, "centre", wanted if wanted in known else None) as session:
        yield session


def number_of(typed: str) -> int:
    """An id out of an address; 404 for what never was one."""
    if not (typed.isascii() and typed.isdigit() and len(typed) <= _LONGEST_NUMBER):
        raise Forged
    return int(typed)


def one_of(typed: str, known: Collection[str]) -> str | None:
    return typed if typed in known else None


async def seen_at(request: DeskRequest) -> datetime | None:
    """The version of which the form tells; None for what no page of ours wrote."""
    try:
        return datetime.fromisoformat(await request.field("seen"))
    except ValueError:
        return None


def say_day(day: date, language: str, *, with_year: bool = True) -> str:
    """ "29 ធ្នូ 2026"."""
    said: str = format_date(day, "d MMMM y" if with_year else "d MMMM", locale=language)
    return said
