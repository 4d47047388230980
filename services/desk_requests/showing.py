"""What stays hidden until somebody asks for it: the name, the numbers, the files."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.models import File
from services import audit, files
from services.accounts.types import Visitor
from services.acting import across_centres
from services.desk_requests.looks import note_look
from services.desk_requests.replays import was_done
from services.desk_requests.rights import get_readable, get_staff, hold_readable
from services.file_store import FileStore
from services.files import FileNotFound, KeptFile
from services.reasons import read_reason, read_words
from services.threads.reaching import Number, find_ways

REVEALED = "revealed"
REASONS = ("call", "check", "form", "visit")
"""Why somebody mostly looks: to call, to see who it is, to fill in a form, to receive them."""


@dataclass(frozen=True, slots=True)
class Revealed:
    """Who it is and by which numbers they can be reached; to be shown once and kept nowhere."""

    name: str | None = field(repr=False)
    numbers: Sequence[Number]


async def reveal(
    session: AsyncSession,
    visitor: Visitor,
    code: str,
    reason: str,
    *,
    now: datetime,
    seen: int = 0,
    why: str = "",
) -> Revealed:
    """The person's full name and numbers, for a reason: one of REASONS (`why`), or in words.

    The reason may tell of the person, so its words stay with the request, as an event that only
    staff see and that goes when the person does. The audit outlives both: it says which fields were
    shown, and that a reason was given. The same form again adds no second event, but is a second
    look. Raises RequestNotFound, EmptyText, ReasonTooShort and TextTooLong.
    """
    request = await hold_readable(session, visitor, code)
    body = _read_reason(why, reason)
    if not await was_done(session, visitor, request, REVEALED, body, seen=seen):
        request.record(REVEALED, now=now, by=visitor.staff_id, internal=True, body=body)
    async with across_centres(session):
        ways = await find_ways(session, request)
    await note_look(session, visitor, request, REVEALED, ("name", "phone", "reason"), now=now)
    return Revealed(ways.name, ways.numbers)


def _read_reason(why: str, typed: str) -> dict[str, str]:
    """What the event holds. Words that are the whole reason must be some that can be read."""
    if why in REASONS:
        return {"why": why, "text": read_words(typed)}
    return {"text": read_reason(typed)}


async def note_refused_file(
    session: AsyncSession, visitor: Visitor, file_id: UUID, *, now: datetime
) -> None:
    """Write down that somebody asked for a file that this request does not have."""
    await audit.record_refused(session, visitor.staff_id, "file", file_id, now=now)


async def read_file(
    session: AsyncSession,
    store: FileStore,
    visitor: Visitor,
    code: str,
    file_id: UUID,
    *,
    now: datetime,
) -> KeptFile:
    """A file of this request, and the look written down.

    Raises RequestNotFound, FileNotFound, NotAllowed and FileStoreError.
    """
    request = await get_readable(session, visitor, code)
    file = await session.get(File, file_id, populate_existing=True)
    if file is None or file.request_id != request.id:
        raise FileNotFound("no such file with this request")
    return await files.read(session, store, await get_staff(session, visitor), file_id, now=now)
