"""The counter at which a command stands: the database, who acts, one calm line for a refusal."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.commands.refused import CommandRefused
from bot.config import Settings
from bot.database import opened_database
from db.models import Request, RequestEvent, Staff
from services import audit, centres, codes, demo, requests
from services import staff as staff_service
from services.desk_requests.rights import may_read
from services.errors import (
    AlreadyTaken,
    DomainError,
    EmptyText,
    MoveNotAllowed,
    NotAllowed,
    ReasonTooShort,
    RequestNotFound,
    StaffNameTaken,
    StaffNotFound,
    UnknownCentre,
    UnusableRole,
)
from services.file_store import FileStoreError
from services.files import FileNotFound

_WORDS: dict[type[DomainError], str] = {
    RequestNotFound: "no request has this code",
    EmptyText: "the text is empty",
    ReasonTooShort: "say in a few words why: others read it later",
    NotAllowed: "this member of staff may not do that",
    StaffNotFound: "nobody of this name works here: python -m bot staff list",
    StaffNameTaken: "somebody of this name works here already",
    UnknownCentre: "there is no such centre",
    UnusableRole: "administrators and auditors work for all centres, the other roles for one",
    FileNotFound: "there is no such file, or nothing of it was kept",
    FileStoreError: "the files cannot be reached: try again later",
}


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[AsyncSession]:
    """One transaction. Raises StartError, and CommandRefused for what a service refuses."""
    try:
        async with opened_database(settings) as new_session, new_session.begin() as session:
            yield session
    except DomainError as error:
        raise CommandRefused(_say(error)) from error


def _say(error: DomainError) -> str:
    match error:
        case AlreadyTaken(name=name):
            return f"{name} has taken it already"
        case MoveNotAllowed(state=state):
            return f"that cannot be done with a request that is {state.replace('_', ' ')}"
    for kind in type(error).__mro__:
        if kind in _WORDS:
            return _WORDS[kind]
    return str(error) or type(error).__name__


def read_code(typed: str) -> str:
    """The code of a request as people type it. Raises CommandRefused."""
    code = codes.parse(typed)
    if code is None:
        raise CommandRefused("this is not a code of a request: eight digits, one of them a check")
    return code


async def check_centre(session: AsyncSession, centre: str) -> None:
    """Raises CommandRefused, naming the centres that there are."""
    known = await centres.list_ids(session)
    if centre not in known:
        raise CommandRefused(f"there is no such centre: take one of {', '.join(known)}")


async def get_actor(
    session: AsyncSession, settings: Settings, name: str | None, code: str
) -> Staff:
    """Who acts on a request; with the simulator the invented member of staff of its centre may.

    Raises CommandRefused, StaffNotFound or RequestNotFound.
    """
    if name is not None:
        return await staff_service.get_by_name(session, name)
    if not settings.simulator:
        raise CommandRefused("say who you are: --as NAME (python -m bot staff list)")
    request = await requests.hold(session, code)
    return await demo.get_staff(session, request.centre_id)


async def get_reader(
    session: AsyncSession, settings: Settings, name: str | None, code: str
) -> Staff:
    """As `get_actor`, of who may read the request at the desk: administrators only their own.

    Raises NotAllowed, too; that this was tried is committed before.
    """
    actor = await get_actor(session, settings, name, code)
    await check_may_read(session, actor, await requests.hold(session, code))
    return actor


async def check_may_read(session: AsyncSession, actor: Staff, request: Request) -> None:
    """Raises NotAllowed; that this was tried is committed before."""
    if may_read(_Reader(actor.id, actor.role, actor.centre_id), request):
        return
    subject_id = f"code:{request.code}"
    await audit.record_refused(session, actor.id, "request", subject_id, now=datetime.now(UTC))
    await session.commit()
    raise NotAllowed


@dataclass(frozen=True, slots=True)
class _Reader:
    """A member of staff, as the rule of the desk asks for them."""

    staff_id: UUID
    role: str
    centre_id: str | None


async def note_look(session: AsyncSession, name: str | None, request_id: int | None = None) -> None:
    """Write down that somebody looked at a request, or at the list of them.

    Whoever does not say who they are has a way to the machine at least: that is the system then.
    Raises StaffNotFound.
    """
    by = None if name is None else (await staff_service.get_by_name(session, name)).id
    action = "listed" if request_id is None else "read"
    await audit.record_by(session, by, action, "request", request_id, now=datetime.now(UTC))


async def note_acts(
    session: AsyncSession, actor: Staff, request: Request, *, now: datetime
) -> None:
    """Write down what they did with a request just now, as its thread has it."""
    acts = select(RequestEvent.kind).where(
        RequestEvent.request_id == request.id,
        RequestEvent.staff_id == actor.id,
        RequestEvent.at == now,
    )
    for kind in await session.scalars(acts.order_by(RequestEvent.id)):
        await audit.record_by(session, actor.id, kind, "request", request.id, now=now)
