"""What comes from the person: words and files, to a request that they name or to the right one.

`inbox_id` is the message by which it comes: handled again, it writes nothing and returns the same
request. `message_id` is how the carrier names that message when it is edited later.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import OPEN_STATES, Address, File, OutboxRow, Request, RequestEvent
from services import follow_up, jobs, keywords, phone_numbers, requests
from services.due_times import get_due
from services.errors import EmptyText
from services.referrals import ending
from services.staff_cards import telling

TALK = "talk"
STAFF_WROTE_WITHIN = timedelta(days=14)
# Who asked to be called and writes then, is telling what the call is to be about.
ASKED_FOR_A_CALL_WITHIN = timedelta(hours=24)
# Telegram lets people edit for two days.
EDITED_WITHIN = timedelta(days=3)
_MOST_EDITABLE = 200
_MESSAGE = "message"
_OF_REQUESTS = ("reply", "follow_up")
_FINISHED = ("done", "reopened")


async def write_to_request(
    session: AsyncSession,
    address: Address,
    request_code: str,
    text: str,
    *,
    now: datetime,
    inbox_id: int | None = None,
    message_id: int | None = None,
) -> Request:
    """Add words to a request of the person's own; what was done opens again, save for thanks.

    Raises RequestNotFound, EmptyText, and MoveNotAllowed when it was withdrawn.
    """
    body = _body(text, message_id)
    request = await requests.hold_own(session, address, request_code)
    if (earlier := await requests.find_made_by(session, address, inbox_id)) is not None:
        return earlier
    return await _add(session, request, body=body, inbox_id=inbox_id, now=now)


async def talk(
    session: AsyncSession,
    address: Address,
    text: str,
    *,
    now: datetime,
    inbox_id: int | None = None,
    message_id: int | None = None,
) -> Request:
    """Words that name no request go to the one that the person must mean.

    That is what staff wrote about in the last fourteen days, else the talk that is open or the call
    that was asked for in the last day, else a new talk. Raises EmptyText.
    """
    body = _body(text, message_id)
    address = await requests.lock_phones(session, address.id)
    if (earlier := await requests.find_made_by(session, address, inbox_id)) is not None:
        return earlier
    request = await _hold_conversation(session, address, now)
    return await _add(session, request, body=body, inbox_id=inbox_id, now=now)


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
    inbox_id: int | None = None,
    message_id: int | None = None,
) -> Request:
    """Add a file that a job fetches from the carrier, where `source` names it.

    `kind` is voice, audio, video, photo or document. Without a code it goes where words would go.
    Raises RequestNotFound, and MoveNotAllowed when the request was withdrawn.
    """
    if code is None:
        address = await requests.lock_phones(session, address.id)
    else:
        request = await requests.hold_own(session, address, code)
    if (earlier := await requests.find_made_by(session, address, inbox_id)) is not None:
        return earlier
    if code is None:
        request = await _hold_conversation(session, address, now)
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
    body = _body(caption, message_id) if caption and caption.strip() else None
    await _add(
        session,
        request,
        kind="person_file",
        body=body,
        file_id=file.id,
        inbox_id=inbox_id,
        now=now,
    )
    await jobs.defer(session, jobs.FETCH_FILE, file_id=file.id)
    return request


async def correct(
    session: AsyncSession,
    address: Address,
    message_id: int,
    text: str,
    noted: str,
    *,
    now: datetime,
    inbox_id: int | None = None,
) -> Request | None:
    """A message that had gone to a thread says something else now: `noted` is added there.

    None, and nothing is written, for a message that went to no thread, or long ago, or that says
    what it said before. Raises RequestNotFound, and MoveNotAllowed when it was withdrawn.
    """
    found = await _find_editable(session, address, message_id, now - EDITED_WITHIN)
    if found is None:
        return None
    code, said = found
    if said in (text.strip(), noted.strip()):
        return None
    return await write_to_request(
        session, address, code, noted, now=now, inbox_id=inbox_id, message_id=message_id
    )


async def has_been_written_to(session: AsyncSession, address: Address, *, now: datetime) -> bool:
    """Whether staff wrote to the person in the last fourteen days: an answer may be short."""
    return await _find_answered(session, address, now) is not None


async def find_quoted(session: AsyncSession, address: Address, message_id: str) -> str | None:
    """The code of the request about which the centre wrote a message, named by its carrier's id."""
    query = (
        select(Request.code)
        .join(RequestEvent, RequestEvent.request_id == Request.id)
        .join(OutboxRow, OutboxRow.id == RequestEvent.outbox_id)
        .where(
            OutboxRow.address_id == address.id,
            OutboxRow.provider_id == message_id,
            OutboxRow.purpose.in_(_OF_REQUESTS),
        )
        .order_by(OutboxRow.id.desc())
        .limit(1)
    )
    code: str | None = await session.scalar(query)
    return code


async def withdraw(
    session: AsyncSession,
    address: Address,
    code: str,
    *,
    now: datetime,
    inbox_id: int | None = None,
) -> Request:
    """The person wants nothing more of it, nor that others are told of it.

    Raises RequestNotFound and MoveNotAllowed.
    """
    request = await requests.hold_own(session, address, code)
    if (earlier := await requests.find_made_by(session, address, inbox_id)) is not None:
        return earlier
    request.check("withdraw")
    await ending.end_of_request(session, request, "request", now=now)
    request.withdraw(now=now, inbox_id=inbox_id)
    await follow_up.end_question(session, request)
    await follow_up.withhold_told(session, request, "handed_over")
    await session.flush()
    return request


def _body(text: str, message_id: int | None = None) -> dict[str, Any]:
    if not text.strip():
        raise EmptyText
    told: dict[str, Any] = {"text": text.strip()}
    return told if message_id is None else {**told, _MESSAGE: message_id}


async def _add(session: AsyncSession, request: Request, *, now: datetime, **event: Any) -> Request:
    if request.state == "done" and _only_thanks(**event):
        request.thanked(now=now, **event)
        await session.flush()
        return request
    was_done = request.state == "done"
    if request.state in _FINISHED:
        await follow_up.end_question(session, request)
    due = await get_due(session, request.centre_id)
    request.person_wrote(now=now, due=due, **_with_number(request, event))
    await session.flush()
    if was_done:
        await telling.tell_urgent(session, request, now=now)
    return request


def _with_number(request: Request, event: dict[str, Any]) -> dict[str, Any]:
    """Who asked to be called and writes a number wants to be called there."""
    if request.topic != requests.CALL or "kind" in event:
        return event
    try:
        phone = phone_numbers.parse(event["body"]["text"])
    except phone_numbers.PhoneNumberError:
        return event
    return event | {"kind": "phone_number", "body": event["body"] | {"phone_e164": phone.e164}}


def _only_thanks(
    *, body: dict[str, Any] | None = None, kind: str | None = None, **_: object
) -> bool:
    return kind is None and body is not None and keywords.is_thanks(body["text"])


async def _find_editable(
    session: AsyncSession, address: Address, message_id: int, since: datetime
) -> tuple[str, str] | None:
    """The request that a message went to, and what it says there by now.

    Read one by one, since what people send is sealed; they edit seldom.
    """
    query = (
        select(Request.code, RequestEvent.body)
        .join(Request, Request.id == RequestEvent.request_id)
        .where(
            requests.own_requests(address),
            RequestEvent.at >= since,
            RequestEvent.kind.in_(("person_message", "person_file", "phone_number")),
        )
        .order_by(RequestEvent.id.desc())
        .limit(_MOST_EDITABLE)
    )
    for code, body in await session.execute(query):
        if body is not None and body.get(_MESSAGE) == message_id:
            return code, body["text"]
    return None


async def _hold_conversation(session: AsyncSession, address: Address, now: datetime) -> Request:
    """All phones are held: two messages at once would open two talks, or wait for each other."""
    code = await _find_answered(session, address, now) or await _find_talk(session, address, now)
    if code is not None:
        return await requests.hold_own(session, address, code)
    centre_id = await requests.get_centre_id(session, address)
    return await requests.open_request(session, address, TALK, centre_id=centre_id, now=now)


async def _find_answered(session: AsyncSession, address: Address, now: datetime) -> str | None:
    # Of a question that was held nobody knows before it has gone out.
    asked_at = (
        select(func.max(OutboxRow.not_before))
        .join(RequestEvent, RequestEvent.outbox_id == OutboxRow.id)
        .where(
            RequestEvent.request_id == Request.id,
            RequestEvent.kind == "done",
            OutboxRow.sent_at.is_not(None),
        )
        .scalar_subquery()
    )
    wrote_at = func.greatest(Request.last_staff_at, asked_at)
    query = (
        select(Request.code)
        .where(
            requests.own_requests(address),
            wrote_at >= now - STAFF_WROTE_WITHIN,
            Request.state != "withdrawn",
        )
        .order_by(wrote_at.desc())
        .limit(1)
    )
    code: str | None = await session.scalar(query)
    return code


async def _find_talk(session: AsyncSession, address: Address, now: datetime) -> str | None:
    called = (Request.topic == requests.CALL) & (
        Request.last_person_at >= now - ASKED_FOR_A_CALL_WITHIN
    )
    query = (
        select(Request.code)
        .where(
            requests.own_requests(address),
            (Request.topic == TALK) | called,
            Request.state.in_(OPEN_STATES),
        )
        .order_by(Request.id.desc())
        .limit(1)
    )
    code: str | None = await session.scalar(query)
    return code
