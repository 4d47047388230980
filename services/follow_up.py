"""Whether help really came. A request is only over when the person says so, or could not be asked.

"Done" is the centre's word. The person is asked; "no" opens the request again, and so does silence,
since somebody who was helped not at all is the least likely to answer.
"""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from db.models import MOVES, OPEN_STATES, Address, OutboxRow, Request, RequestEvent
from services import requests
from services.due_times import get_due
from services.outbox import OVERTAKEN, UNSENT
from services.staff_cards import telling

ANSWER_WITHIN = timedelta(days=7)
NOT_REACHED = "not_reached"
NOT_POSSIBLE = "not_possible"
_NOT_HELPED = "not_helped"
_ON_HELP = ("done", "confirmed", "not_confirmed", "reopened")
"""Kinds of the events that ask whether help came, answer it, or answer it in the person's place."""


async def confirm_help(
    session: AsyncSession,
    address: Address,
    code: str,
    came: bool,
    *,
    now: datetime,
    inbox_id: int | None = None,
) -> Request:
    """The person's answer. Raises RequestNotFound.

    When others went on with the request meanwhile, or the person wrote since they were asked, it is
    noted as by `answer_again`. One that comes when it was withdrawn changes nothing: the caller
    says how things stand now.
    """
    request = await requests.hold_own(session, address, code)
    if (earlier := await requests.find_made_by(session, address, inbox_id)) is not None:
        return earlier
    if await _decides(session, request, came):
        await end_question(session, request)
        if came:
            request.confirm(now=now, inbox_id=inbox_id)
        else:
            await _reopen(session, request, now=now, inbox_id=inbox_id)
    elif await _has_more_to_say(session, request, came):
        await _note(session, request, came, now=now, inbox_id=inbox_id)
    await session.flush()
    return request


async def answer_again(
    session: AsyncSession,
    address: Address,
    code: str,
    came: bool,
    *,
    now: datetime,
    inbox_id: int | None = None,
) -> Request:
    """The person says otherwise than before. Raises RequestNotFound.

    A "no" opens what is done. What is open it neither closes nor opens: see `_note`.
    """
    request = await requests.hold_own(session, address, code)
    if (earlier := await requests.find_made_by(session, address, inbox_id)) is not None:
        return earlier
    if request.state != "done":
        await _note(session, request, came, now=now, inbox_id=inbox_id)
    elif came:
        request.confirm(now=now, inbox_id=inbox_id)
    else:
        await end_question(session, request)
        await _reopen(session, request, now=now, inbox_id=inbox_id)
    await session.flush()
    return request


async def _decides(session: AsyncSession, request: Request, came: bool) -> bool:
    """Whether a first answer closes or opens it: nothing has happened that it does not know of."""
    if (request.state, "confirm" if came else "reopen") not in MOVES:
        return False
    is_open = request.state == "reopened"
    return not (came and is_open and await _wrote_since_asked(session, request))


async def _has_more_to_say(session: AsyncSession, request: Request, came: bool) -> bool:
    """Whether they were asked, and did not say the same since, by another button or elsewhere."""
    said = select(RequestEvent).where(
        RequestEvent.request_id == request.id, RequestEvent.kind.in_(_ON_HELP)
    )
    last = await session.scalar(said.order_by(RequestEvent.id.desc()).limit(1))
    if last is None:
        return False
    if came:
        return last.kind != "confirmed"
    return last.kind != "not_confirmed" and (last.body or {}).get("reason") != _NOT_HELPED


async def _note(
    session: AsyncSession, request: Request, came: bool, *, now: datetime, inbox_id: int | None
) -> None:
    """What is open stays open: whoever goes on with it decides when it is over.

    A "no" is one more word that waits for an answer, a "yes" is only written down.
    """
    if request.state not in OPEN_STATES:
        return
    if came:
        request.record("confirmed", now=now, actor="person", inbox_id=inbox_id)
        return
    due = await get_due(session, request.centre_id)
    request.person_wrote(kind="not_confirmed", now=now, due=due, inbox_id=inbox_id)


async def _reopen(
    session: AsyncSession, request: Request, *, now: datetime, inbox_id: int | None
) -> None:
    due = await get_due(session, request.centre_id)
    request.reopen(_NOT_HELPED, now=now, due=due, inbox_id=inbox_id)
    await telling.tell_urgent(session, request, now=now)


async def reopen_unanswered(session: AsyncSession, now: datetime, limit: int = 100) -> int:
    """Open again what nobody has confirmed in time; returns how many.

    The time counts from when the question went out, however long that took. Rows that somebody is
    changing this moment wait for the next run.
    """
    query = (
        select(Request)
        .where(Request.answer_by <= now, Request.state == "done", ~_no_silence(now - ANSWER_WITHIN))
        .order_by(Request.answer_by)
        .limit(limit)
        .with_for_update(key_share=True, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    silent = (await session.scalars(query)).all()
    for request in silent:
        due = await get_due(session, request.centre_id)
        request.reopen("no_answer", now=now, due=due)
        await telling.tell_urgent(session, request, now=now)
    await session.flush()
    return len(silent)


async def end_question(session: AsyncSession, request: Request) -> None:
    """Whatever just happened to it, nobody is to be asked any more what still waits to be asked.

    The request is held. A question that has begun to be sent goes its way.
    """
    await withhold_told(session, request, "done")


async def withhold_told(session: AsyncSession, request: Request, kind: str) -> None:
    """What events of this kind told the person is so no more: what waits is not sent.

    As with `end_question` the request is held, and what has begun to be sent goes its way.
    """
    told = select(RequestEvent.outbox_id).where(
        RequestEvent.request_id == request.id, RequestEvent.kind == kind
    )
    await session.execute(
        update(OutboxRow)
        .where(OutboxRow.id.in_(told), OutboxRow.state == "waiting")
        .values(state="withheld", error_code=OVERTAKEN, leased_until=None, updated_at=func.now())
    )


async def _wrote_since_asked(session: AsyncSession, request: Request) -> bool:
    asked = select(func.max(RequestEvent.id)).where(
        RequestEvent.request_id == request.id, RequestEvent.kind == "done"
    )
    wrote = exists().where(
        RequestEvent.request_id == request.id,
        RequestEvent.kind.in_(requests.WRITTEN),
        RequestEvent.id > asked.scalar_subquery(),
    )
    return bool(await session.scalar(select(wrote)))


def _no_silence(since: datetime) -> ColumnElement[bool]:
    """Whether the last question is on its way, went out after this moment, or never arrived.

    Of one that never arrived `services.undelivered` expects no answer any more, a moment later.
    """
    later = aliased(RequestEvent)
    was_asked_again = exists().where(
        later.request_id == Request.id, later.kind == "done", later.id > RequestEvent.id
    )
    return exists().where(
        RequestEvent.request_id == Request.id,
        RequestEvent.kind == "done",
        ~was_asked_again,
        OutboxRow.id == RequestEvent.outbox_id,
        OutboxRow.state.in_(("waiting", "sending", *UNSENT)) | (OutboxRow.sent_at > since),
    )
