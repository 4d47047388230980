"""Everything that is kept about somebody: theirs to see, to take away and to delete.

Deleting is real: rows, messages on their way, what came in, files, where the conversation stands.
Only audit rows with ids remain, and the codes under which agencies know them, until these were
asked to delete what they got. The one thing that cannot go at once is the address itself, since
the words "it is deleted" must still be sent there: it stays as if it were new, and
`forget_addresses` takes it away as soon as they have left.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, exists, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import (
    Address,
    Consent,
    Draft,
    File,
    InboxRow,
    OutboxRow,
    Person,
    Profile,
    Request,
    RequestEvent,
    StaffChat,
)
from services import audit, consent, desk_news, exports, inbox, jobs
from services.referrals import own, recalls
from services.referrals.own import OwnReferral
from services.staff_cards import deleting, linking

FORGET_AFTER = timedelta(minutes=2)
QUIET_FOR = timedelta(minutes=15)
SAID = ("person_message", "staff_message")
_TOLD = (Request, Draft, Consent, StaffChat)  # what an address of somebody new has

ForgetStanding = Callable[[bytes], Awaitable[None]]
"""Deletes where the conversation with an address (its key) stands."""

_ENDED = or_(InboxRow.done_at.is_not(None), InboxRow.failed_at.is_not(None))

# With the row goes what hangs on it alone: consents, drafts, questions. The id stays, because the
# message in hand will be answered to it.
_RENEW = text(
    """
    WITH gone AS (
        DELETE FROM address WHERE id = ANY(:ids)
        RETURNING id, channel, value, value_index, language, is_demo
    )
    INSERT INTO address
        (id, channel, value, value_index, language, is_demo, created_at, forget_at)
    OVERRIDING SYSTEM VALUE
    SELECT id, channel, value, value_index, language, is_demo, :now, :now FROM gone
    """
)


@dataclass(frozen=True, slots=True)
class HeldRequest:
    """A request and what of its thread is not for staff only, oldest first."""

    request: Request
    events: Sequence[RequestEvent]


@dataclass(frozen=True, slots=True)
class MyData:
    """What is kept about somebody, wherever they wrote from; the newest request comes first.

    `consents` are all answers ever given, oldest first; `referrals` say who was told what.
    """

    addresses: Sequence[Address]
    person: Person | None
    profile: Profile | None
    consents: Sequence[Consent]
    requests: Sequence[HeldRequest]
    files: Sequence[File]
    drafts: Sequence[Draft]
    referrals: Sequence[OwnReferral] = ()


@dataclass(frozen=True, slots=True)
class CountedRequest:
    """A request, and how many messages were written in it."""

    request: Request
    messages: int


@dataclass(frozen=True, slots=True)
class Overview:
    """As `MyData`, but for a screen: the latest requests, and numbers instead of what is long."""

    person: Person | None
    profile: Profile | None
    consents: Mapping[str, Consent | None]
    requests: Sequence[CountedRequest]
    request_count: int
    file_count: int
    drafts: Sequence[Draft]


async def get_overview(session: AsyncSession, address: Address, *, most_requests: int) -> Overview:
    """What is kept about the person behind an address, without reading all of it."""
    ids = [one.id for one in await session.scalars(_addresses(address))]
    person_id = address.person_id
    held = _held(Request, ids, person_id)
    return Overview(
        person=None if person_id is None else await session.get(Person, person_id),
        profile=None if person_id is None else await session.get(Profile, person_id),
        consents=await consent.get_state(session, address),
        requests=await _count_messages(session, held, most_requests),
        request_count=await _count(session, Request, held),
        file_count=await _count(session, File, File.address_id.in_(ids)),
        drafts=await _list(session, Draft, Draft.address_id.in_(ids), Draft.created_at),
    )


async def _count(session: AsyncSession, model: type[Any], condition: ColumnElement[bool]) -> int:
    return await session.scalar(select(func.count()).select_from(model).where(condition)) or 0


async def _count_messages(
    session: AsyncSession, condition: ColumnElement[bool], most: int
) -> Sequence[CountedRequest]:
    messages = (
        select(func.count())
        .where(RequestEvent.request_id == Request.id, RequestEvent.kind.in_(SAID))
        .scalar_subquery()
    )
    query = select(Request, messages).where(condition).order_by(Request.id.desc()).limit(most)
    return [CountedRequest(request, count) for request, count in await session.execute(query)]


async def collect(session: AsyncSession, address: Address) -> MyData:
    """Everything of the person behind an address, or of the address where nobody is known."""
    addresses = (await session.scalars(_addresses(address))).all()
    ids = [one.id for one in addresses]
    person_id = address.person_id
    return MyData(
        addresses=addresses,
        person=None if person_id is None else await session.get(Person, person_id),
        profile=None if person_id is None else await session.get(Profile, person_id),
        consents=await _list(session, Consent, _held(Consent, ids, person_id), Consent.id),
        requests=await _list_requests(session, _held(Request, ids, person_id)),
        files=await _list(session, File, File.address_id.in_(ids), File.created_at),
        drafts=await _list(session, Draft, Draft.address_id.in_(ids), Draft.created_at),
        referrals=await own.list_own(session, address),
    )


async def delete_everything(
    session: AsyncSession, address: Address, *, now: datetime
) -> Sequence[str]:
    """Delete the person behind an address with all that is kept; nothing is asked again.

    What came in and is still being handled stays until it is. Returns the names under which files
    were stored; the job that deletes them is promised. `address` is as new afterwards. Asked for
    again, or by the same message that is handled twice, it is one deletion.
    """
    await session.flush()
    person_id = await session.scalar(select(Address.person_id).where(Address.id == address.id))
    own = (await session.scalars(_addresses(address, person_id).with_for_update())).all()
    ids = [one.id for one in own]
    is_repeated = await _is_deleted(session, own, address.id)
    held_requests = select(Request.id).where(_held(Request, ids, person_id))
    await deleting.tell_deleted(session, _held(Request, ids, person_id))
    await recalls.note_deleted(session, _held(Request, ids, person_id), now=now)
    names = await _delete_files(
        session, or_(File.address_id.in_(ids), File.request_id.in_(held_requests))
    )
    await desk_news.tell_deleted(session, _held(Request, ids, person_id))
    for model in (Request, OutboxRow):
        await _delete(session, model, _held(model, ids, person_id))
    others = [one.value_index for one in own if one.id != address.id]
    await _delete(session, InboxRow, InboxRow.address_key.in_(others))
    await _delete(session, InboxRow, InboxRow.address_key == address.value_index, _ENDED)
    await exports.cancel(session, ids)
    await linking.forget(session, ids, now=now)
    await session.execute(_RENEW, {"ids": ids, "now": now})
    if person_id is not None:
        await _delete(session, Person, Person.id == person_id)
    if not is_repeated:
        await _note_deletion(session, address, person_id, now)
    _make_new(address, now)
    return names


async def forget_addresses(
    session: AsyncSession, now: datetime, *, forget_standing: ForgetStanding, limit: int = 100
) -> int:
    """Take away the addresses of who deleted everything, once the last answer has left.

    Whoever has told something again since is somebody new, who stays: only what is older than that
    goes. It takes more than a second tap on the same button, or a look around, to be somebody new;
    but nobody is forgotten in the middle of a conversation, or with a message of theirs unread.
    Returns how many were dealt with.
    """
    on_its_way = exists().where(
        OutboxRow.address_id == Address.id, OutboxRow.state.in_(("waiting", "sending"))
    )
    unread = exists().where(
        InboxRow.address_key == Address.value_index,
        InboxRow.done_at.is_(None),
        InboxRow.failed_at.is_(None),
    )
    is_quiet = or_(Address.last_in_at.is_(None), Address.last_in_at <= now - QUIET_FOR)
    query = (
        select(Address)
        .where(Address.forget_at <= now - FORGET_AFTER, ~on_its_way, ~unread, is_quiet)
        .order_by(Address.forget_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    count = 0
    for address in (await session.scalars(query)).all():
        if await inbox.hold_address(session, address.value_index):
            await _forget(session, address, forget_standing)
            count += 1
    await session.flush()
    return count


async def _forget(session: AsyncSession, address: Address, forget_standing: ForgetStanding) -> None:
    heard = (InboxRow.address_key == address.value_index, _ENDED)
    if await _is_somebody_new(session, address):
        await _delete(session, InboxRow, *heard, InboxRow.received_at <= address.forget_at)
        address.forget_at = None
        return
    await _delete(session, InboxRow, *heard)
    await _delete(session, OutboxRow, OutboxRow.address_id == address.id)
    await _delete_files(session, File.address_id == address.id)
    await session.delete(address)
    await forget_standing(address.value_index)


async def _is_deleted(session: AsyncSession, own: Sequence[Address], address_id: int) -> bool:
    """Whether everything was deleted before, and the address has told nothing since."""
    known = next((one for one in own if one.id == address_id), None)
    if known is None or known.forget_at is None:
        return False
    return not await _is_somebody_new(session, known)


async def _is_somebody_new(session: AsyncSession, address: Address) -> bool:
    """Whether the address has told anything since: what it had told before is all gone."""
    told = (address.person_id, address.stopped_at, address.is_shared)
    if any(one is not None for one in told):
        return True
    kept = [exists().where(model.address_id == address.id) for model in _TOLD]
    return bool(await session.scalar(select(or_(*kept))))


def _addresses(address: Address, person_id: UUID | None = None) -> Select[Address]:
    """The address and the others of its person, always in the same order."""
    person_id = person_id or address.person_id
    own = Address.id == address.id
    if person_id is not None:
        own = or_(own, Address.person_id == person_id)
    return select(Address).where(own).order_by(Address.id).execution_options(populate_existing=True)


def _held(
    model: type[Request] | type[OutboxRow] | type[Consent],
    address_ids: Sequence[int],
    person_id: UUID | None,
) -> ColumnElement[bool]:
    """Rows of these addresses or of this person."""
    of_addresses: ColumnElement[bool] = model.address_id.in_(address_ids)
    return of_addresses if person_id is None else or_(of_addresses, model.person_id == person_id)


async def _list(
    session: AsyncSession, model: type[Any], condition: ColumnElement[bool], order: Any
) -> Sequence[Any]:
    return (await session.scalars(select(model).where(condition).order_by(order))).all()


async def _list_requests(
    session: AsyncSession, condition: ColumnElement[bool]
) -> Sequence[HeldRequest]:
    found = await _list(session, Request, condition, Request.id.desc())
    told = (
        RequestEvent.request_id.in_([request.id for request in found]),
        RequestEvent.internal.is_(False),
    )
    events: dict[int, list[RequestEvent]] = {request.id: [] for request in found}
    query = select(RequestEvent).where(*told).order_by(RequestEvent.id)
    for event in await session.scalars(query):
        events[event.request_id].append(event)
    return [HeldRequest(request, events[request.id]) for request in found]


async def _delete(session: AsyncSession, model: type[Any], *conditions: Any) -> None:
    await session.execute(delete(model).where(*conditions))


async def _delete_files(session: AsyncSession, condition: ColumnElement[bool]) -> Sequence[str]:
    """The rows now, what is stored by a job: a file that is being fetched waits for its row."""
    gone = delete(File).where(condition).returning(File.stored_name)
    names = [name for name in await session.scalars(gone) if name is not None]
    if names:
        await jobs.defer(session, jobs.DELETE_FILES, names=names)
    return names


async def _note_deletion(
    session: AsyncSession, address: Address, person_id: UUID | None, now: datetime
) -> None:
    subject, subject_id = ("address", address.id) if person_id is None else ("person", person_id)
    await audit.record(
        session,
        actor="person",
        actor_id=person_id,
        action="deleted",
        subject=subject,
        subject_id=subject_id,
        now=now,
    )


def _make_new(address: Address, now: datetime) -> None:
    """What the caller holds in hand becomes what the database has."""
    address.person_id = None
    address.created_at = address.forget_at = now
    address.last_in_at = address.blocked_at = address.stopped_at = None
    address.is_shared = None
