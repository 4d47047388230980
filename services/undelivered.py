"""What the centre wrote and nobody got. A reply that never arrives is no answer.

The clock of a request stops when a reply is promised. Whether it arrives shows only later, maybe in
a carrier's report of the next day, and the member of staff who wrote it looks at something else by
then: so it is looked for, and the request becomes due again. What the person has read meanwhile
under "my requests" has arrived.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from db.models import Address, Agency, OutboxRow, Referral, Request, RequestEvent
from services import outbox
from services.due_times import get_due
from services.outbox import OVERTAKEN, PROMISED, UNSENT
from services.referrals import gate
from services.staff_cards import telling
from services.threads.shown import was_shown

_LOOK_BACK = timedelta(days=7)
_REPLY, _QUESTION, _CONSENT = "staff_message", "done", "referral_asked"
_AWAITED = (_REPLY, _QUESTION, _CONSENT)
_LOST, _SENT_AGAIN = "not_delivered", "sent_again"


async def note_undelivered(session: AsyncSession, now: datetime, limit: int = 100) -> int:
    """Note each reply and each question that ended without arriving; returns how many.

    Requests that somebody is changing this moment wait for the next run.
    """
    query = (
        select(Request, RequestEvent.kind, OutboxRow.id, _is_last_question())
        .join(RequestEvent, RequestEvent.outbox_id == OutboxRow.id)
        .join(Request, Request.id == RequestEvent.request_id)
        .join(Address, Address.id == Request.address_id)
        .where(
            OutboxRow.state.in_(UNSENT),
            OutboxRow.purpose.in_(PROMISED),
            OutboxRow.error_code.is_distinct_from(OVERTAKEN),
            OutboxRow.updated_at > now - _LOOK_BACK,
            RequestEvent.kind.in_(_AWAITED),
            ~_is_noted(),
            (RequestEvent.kind == _QUESTION) | ~was_shown(),
        )
        .order_by(OutboxRow.updated_at, OutboxRow.id)
        .limit(limit)
        # The address too, and first of all: as by everybody who changes a request.
        .with_for_update(key_share=True, skip_locked=True, of=(Address, Request))
        .execution_options(populate_existing=True)
    )
    lost = (await session.execute(query)).all()
    for request, kind, outbox_id, is_last_question in lost:
        request.not_delivered(
            kind,
            now=now,
            due=await get_due(session, request.centre_id),
            outbox_id=outbox_id,
            is_last_question=is_last_question,
        )
        await telling.promise_look(session, request)
    await session.flush()
    return len(lost)


async def try_again(session: AsyncSession, ids: Sequence[int], now: datetime) -> set[int]:
    """As `outbox.retry`; a request whose reply had been noted as lost is answered again.

    A question about a referral that is over, or whose agency may not be named any more, is left.
    """
    query = (
        select(Request, RequestEvent.kind, RequestEvent.at, OutboxRow.id, _is_last_question())
        .join(RequestEvent, RequestEvent.outbox_id == OutboxRow.id)
        .join(Request, Request.id == RequestEvent.request_id)
        .join(Address, Address.id == Request.address_id)
        .where(OutboxRow.id.in_(ids), RequestEvent.kind.in_(_AWAITED), _is_noted())
        .order_by(Address.id, Request.id)
        # Before the messages, as by everybody who changes a request.
        .with_for_update(key_share=True, of=(Address, Request))
        .execution_options(populate_existing=True)
    )
    lost = (await session.execute(query)).all()
    void = await _find_void(session, ids)
    again = await outbox.retry(session, [one for one in ids if one not in void])
    for request, kind, written_at, outbox_id, is_last_question in lost:
        if outbox_id in again:
            request.sent_again(
                kind,
                now=now,
                written_at=written_at,
                outbox_id=outbox_id,
                asks=is_last_question,
            )
            await telling.promise_look(session, request)
    await session.flush()
    return again


async def _find_void(session: AsyncSession, ids: Sequence[int]) -> set[int]:
    """The messages that ask about a referral for which nobody is to be asked by one any more."""
    query = (
        select(RequestEvent, Referral, Agency)
        .join(Referral, Referral.request_id == RequestEvent.request_id)
        .join(Agency, Agency.id == Referral.agency_id)
        .where(RequestEvent.outbox_id.in_(ids), RequestEvent.kind == _CONSENT)
        # An agency that is changed meanwhile waits, and then finds the message on its way.
        .with_for_update(read=True, of=Agency)
        .execution_options(populate_existing=True)
    )
    return {
        event.outbox_id
        for event, referral, agency in await session.execute(query)
        if event.outbox_id is not None
        and (event.body or {}).get("referral") == referral.id
        and not gate.may_be_asked(referral, agency)
    }


def _is_noted() -> ColumnElement[bool]:
    """Since it was last tried, that is."""
    noted, again = aliased(RequestEvent), aliased(RequestEvent)
    was_sent_again = exists().where(
        again.outbox_id == OutboxRow.id, again.kind == _SENT_AGAIN, again.id > noted.id
    )
    return exists().where(noted.outbox_id == OutboxRow.id, noted.kind == _LOST, ~was_sent_again)


def _is_last_question() -> ColumnElement[bool]:
    """Whether it asked about the way in which the request ended last."""
    later = aliased(RequestEvent)
    asked_again = exists().where(
        later.request_id == RequestEvent.request_id,
        later.kind == _QUESTION,
        later.id > RequestEvent.id,
    )
    return (RequestEvent.kind == _QUESTION) & ~asked_again
