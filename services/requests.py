"""Requests: what people ask a centre for, how they are opened and how they are reached again.

Whoever changes a request holds it first (`hold`, `hold_own`): its address, then the row itself,
always in this order, until the transaction ends. So what a person writes while staff finish the
same request comes before or after that, never instead. What staff have of it in their chats is
looked at when that is done.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, literal, select, union
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address, Person, Request, RequestEvent
from services import addresses, centres, phone_numbers
from services.codes import new_code
from services.due_times import get_due
from services.errors import RequestNotFound
from services.staff_cards import telling

CALL = "call"
URGENT, NORMAL = "urgent", "normal"
JOIN_WITHIN = timedelta(minutes=10)
WRITTEN = ("person_message", "person_file", "voice_note", "phone_number", "asked_again")
"""Kinds of the events by which a person said something."""
_CODE_ATTEMPTS = 20
_CODE_TAKEN = "uq_request_code"


async def open_request(
    session: AsyncSession,
    address: Address,
    topic: str,
    *,
    centre_id: str,
    now: datetime,
    draft_key: UUID | None = None,
    urgency: str = "normal",
    is_demo: bool = False,
    body: dict[str, Any] | None = None,
    inbox_id: int | None = None,
) -> Request:
    """A new request with a code of its own, already in the database (not yet committed)."""
    due = await get_due(session, centre_id)
    for _ in range(_CODE_ATTEMPTS):
        request = Request.open(
            code=new_code(),
            topic=topic,
            centre_id=centre_id,
            address_id=address.id,
            person_id=address.person_id,
            draft_key=draft_key,
            urgency=urgency,
            is_demo=is_demo,
            body=body,
            inbox_id=inbox_id,
            now=now,
            due=due,
        )
        try:
            async with session.begin_nested():
                session.add(request)
        except IntegrityError as error:
            if _CODE_TAKEN not in str(error.orig):
                raise
        else:
            await telling.tell_urgent(session, request, now=now)
            return request
    raise RuntimeError("no free request code found")


async def ask_for_call(
    session: AsyncSession,
    address: Address,
    *,
    now: datetime,
    urgency: str = NORMAL,
    inbox_id: int | None = None,
) -> Request:
    """The person wants to be called.

    A second wish within ten minutes joins the first as an event, as long as nobody took it: an
    urgent one makes that urgent too.
    """
    # One at a time per address, or a double press would open two.
    await lock_address(session, address.id)
    if (earlier := await find_made_by(session, address, inbox_id)) is not None:
        return earlier
    recent = await _find_recent_call(session, address.id, now - JOIN_WITHIN)
    if recent is not None:
        due = await get_due(session, recent.centre_id)
        if urgency == URGENT and recent.urgency != URGENT:
            recent.ask_urgently(inbox_id=inbox_id, now=now, due=due)
            await session.flush()
            await telling.tell_urgent(session, recent, now=now)
        else:
            recent.person_wrote(kind="asked_again", inbox_id=inbox_id, now=now, due=due)
            await session.flush()
        return recent
    centre_id = await get_centre_id(session, address)
    return await open_request(
        session,
        address,
        CALL,
        centre_id=centre_id,
        urgency=urgency,
        now=now,
        inbox_id=inbox_id,
    )


async def has_phone_number(session: AsyncSession, address: Address) -> bool:
    """Whether a number in Cambodia is known by which the person can be called."""
    if address.channel == "sms":
        return phone_numbers.is_cambodian(address.value)
    if address.person_id is None:
        return False
    return (await session.get_one(Person, address.person_id)).phone is not None


async def add_phone_number(
    session: AsyncSession,
    code: str,
    address: Address,
    e164: str,
    *,
    now: datetime,
    inbox_id: int | None = None,
) -> None:
    """Keep the number to call with the request of this code and address."""
    if await find_made_by(session, address, inbox_id) is not None:
        return
    query = select(Request).where(Request.code == code, Request.address_id == address.id)
    request = (await session.scalars(query)).one()
    body = {"phone_e164": e164}
    request.record("phone_number", now=now, actor="person", body=body, inbox_id=inbox_id)
    await session.flush()


async def find_made_by(
    session: AsyncSession, address: Address, inbox_id: int | None
) -> Request | None:
    """The person's request to which a message has been written already.

    A turn that failed after its COMMIT comes again: whoever writes to a request asks here first,
    holding the address or the request, and hands the message's id on to the event that it writes.
    """
    if inbox_id is None:
        return None
    query = (
        select(Request)
        .join(RequestEvent, RequestEvent.request_id == Request.id)
        .where(RequestEvent.inbox_id == inbox_id, own_requests(address))
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(query)).one_or_none()


async def lock_address(session: AsyncSession, address_id: int) -> Address:
    """The address, held until the transaction ends: its person's requests are made one by one.

    Raises RequestNotFound when the address is gone, and all of its requests with it.
    """
    address = await addresses.lock(session, address_id)
    if address is None:
        raise RequestNotFound
    return address


async def lock_phones(session: AsyncSession, address_id: int) -> Address:
    """The address, held with every other one from which its person asked for something.

    For who goes on to change requests of the person, wherever they came from: taken in one order,
    two phones that write at once do not wait for each other. Raises RequestNotFound.
    """
    person_id = select(Address.person_id).where(Address.id == address_id).scalar_subquery()
    phones = union(
        select(literal(address_id)),
        select(Address.id).where(Address.person_id == person_id),
        select(Request.address_id).where(Request.person_id == person_id),
    )
    in_order = select(Address.id).where(Address.id.in_(phones)).order_by(Address.id)
    await session.execute(in_order.with_for_update(key_share=True))
    return await lock_address(session, address_id)


def own_requests(address: Address) -> ColumnElement[bool]:
    """Requests that came from this address, or from another one of the same person."""
    own = Request.address_id == address.id
    return own if address.person_id is None else own | (Request.person_id == address.person_id)


async def hold(session: AsyncSession, code: str) -> Request:
    """The request of this code, for a change by staff. Raises RequestNotFound."""
    return await _hold(session, Request.code == code)


async def hold_own(session: AsyncSession, address: Address, code: str) -> Request:
    """The person's own request, for a change by them. Raises RequestNotFound."""
    return await _hold(session, own_requests(address) & (Request.code == code))


async def _hold(session: AsyncSession, which: ColumnElement[bool]) -> Request:
    found = (await session.execute(select(Request.id, Request.address_id).where(which))).first()
    if found is None:
        raise RequestNotFound
    await lock_address(session, found.address_id)
    query = (
        select(Request)
        .where(Request.id == found.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    request = (await session.scalars(query)).one_or_none()
    if request is None:
        raise RequestNotFound
    await telling.promise_look(session, request)
    return request


async def _find_recent_call(
    session: AsyncSession, address_id: int, since: datetime
) -> Request | None:
    query = (
        select(Request)
        .where(
            Request.address_id == address_id,
            Request.topic == CALL,
            Request.state == "new",
            Request.updated_at >= since,
        )
        .order_by(Request.id.desc())
        .limit(1)
    )
    return (await session.scalars(query)).one_or_none()


async def get_centre_id(session: AsyncSession, address: Address) -> str:
    """The centre of the person's home; of who never registered, the one that takes the rest."""
    if address.person_id is not None:
        return (await session.get_one(Person, address.person_id)).centre_id
    return (await centres.centre_for(session, None)).id
