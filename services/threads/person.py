"""What comes from the person: words and files, to a request that they name or to the right one."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import OPEN_STATES, Address, File, Request
from services import jobs, requests
from services.due_times import get_due
from services.errors import EmptyText

TALK = "talk"
STAFF_WROTE_WITHIN = timedelta(days=14)


async def write_to_request(
    session: AsyncSession, address: Address, request_code: str, text: str, *, now: datetime
) -> Request:
    """Add words to a request of the person's own; what was done opens again.

    Raises RequestNotFound, EmptyText, and MoveNotAllowed when it was withdrawn.
    """
    body = _body(text)
    request = await requests.hold_own(session, address, request_code)
    return await _add(session, request, body=body, now=now)


async def talk(session: AsyncSession, address: Address, text: str, *, now: datetime) -> Request:
    """Words that name no request go to the one that the person must mean.

    That is what staff wrote about in the last fourteen days, else the talk that is open, else a new
    one. Raises EmptyText.
    """
    body = _body(text)
    request = await _hold_conversation(session, address, now)
    return await _add(session, request, body=body, now=now)


async def attach_file(
    session: AsyncSession,
    address: Address,
    kind: str,
    source: str,
    *,
    now: datetime,
    code: str | None = None,
    duration_s: int | None = None,
    caption: str | None = None,
) -> Request:
    """Add a file that a job fetches from the carrier, where `source` names it.

    `kind` is voice, audio, video, photo or document. Without a code it goes where words would go.
    Raises RequestNotFound, and MoveNotAllowed when the request was withdrawn.
    """
    if code is None:
        request = await _hold_conversation(session, address, now)
    else:
        request = await requests.hold_own(session, address, code)
    file = File(
        centre_id=request.centre_id,
        request_id=request.id,
        address_id=address.id,
        kind=kind,
        state="waiting",
        source=source,
        duration_s=duration_s,
        created_at=now,
    )
    session.add(file)
    await session.flush()
    body = _body(caption) if caption and caption.strip() else None
    await _add(session, request, kind="person_file", body=body, file=file, now=now)
    await jobs.defer(session, jobs.FETCH_FILE, file_id=file.id)
    return request


async def withdraw(session: AsyncSession, address: Address, code: str, *, now: datetime) -> Request:
    """The person wants nothing more of it. Raises RequestNotFound and MoveNotAllowed."""
    request = await requests.hold_own(session, address, code)
    request.withdraw(now=now)
    await session.flush()
    return request


def _body(text: str) -> dict[str, Any]:
    if not text.strip():
        raise EmptyText
    return {"text": text.strip()}


async def _add(
    session: AsyncSession,
    request: Request,
    *,
    now: datetime,
    body: dict[str, Any] | None,
    kind: str = "person_message",
    file: File | None = None,
) -> Request:
    due = await get_due(session, request.centre_id)
    file_id = None if file is None else file.id
    request.person_wrote(kind=kind, body=body, file_id=file_id, now=now, due=due)
    await session.flush()
    return request


async def _hold_conversation(session: AsyncSession, address: Address, now: datetime) -> Request:
    # One at a time per address, or two messages at once would open two talks.
    address = await requests.lock_address(session, address.id)
    code = await _find_answered(session, address, now) or await _find_talk(session, address)
    if code is not None:
        return await requests.hold_own(session, address, code)
    centre_id = await requests.get_centre_id(session, address)
    return await requests.open_request(session, address, TALK, centre_id=centre_id, now=now)


async def _find_answered(session: AsyncSession, address: Address, now: datetime) -> str | None:
    query = (
        select(Request.code)
        .where(
            requests.own_requests(address),
            Request.last_staff_at >= now - STAFF_WROTE_WITHIN,
            Request.state != "withdrawn",
        )
        .order_by(Request.last_staff_at.desc())
        .limit(1)
    )
    code: str | None = await session.scalar(query)
    return code


async def _find_talk(session: AsyncSession, address: Address) -> str | None:
    query = (
        select(Request.code)
        .where(
            requests.own_requests(address),
            Request.topic == TALK,
            Request.state.in_(OPEN_STATES),
        )
        .order_by(Request.id.desc())
        .limit(1)
    )
    code: str | None = await session.scalar(query)
    return code
