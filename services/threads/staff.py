"""What the centre does with a request. Every act holds the row, checks who acts, and adds an event.

Each raises RequestNotFound, NotAllowed (see `services.staff`) and MoveNotAllowed.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import (
    OUTCOMES,
    URGENCIES,
    Address,
    Centre,
    ReplyDraft,
    Request,
    RequestEvent,
    Staff,
)
from db.models.request import BEFORE
from db.models.request_moves import CALL_RESULTS
from services import follow_up, messages, plain_text, questions, requests
from services.contact_policy import Purpose
from services.due_times import get_due
from services.errors import (
    AlreadyTaken,
    EmptyText,
    MoveNotAllowed,
    UnknownCentre,
    UnknownOutcome,
    UnknownUrgency,
)
from services.follow_up import ANSWER_WITHIN, NOT_POSSIBLE, NOT_REACHED
from services.giving import check_may_give
from services.message_words import AskedQuestion, MessageWords, Worded
from services.messages import Queued, Withheld
from services.staff import check_may_act, hold_role
from services.staff_cards import telling

_OWNED_STATES = ("taken", "waiting_person", "waiting_others")


@dataclass(frozen=True, slots=True)
class ReplyResult:
    """What becomes of the message to the person.

    It goes out at once, or is held until `not_before`; or it is not sent at all, and `withheld` is
    the contact policy's reason: then the person must be reached in another way.
    """

    request: Request
    outbox_id: int | None
    not_before: datetime | None = None
    withheld: str | None = None


async def take(session: AsyncSession, code: str, *, staff: Staff, now: datetime) -> Request:
    """Make it one's own. Of two at once one wins, the other gets AlreadyTaken."""
    request = await _hold(session, code, staff)
    if request.state in _OWNED_STATES and request.owner_id is not None:
        if request.owner_id == staff.id:
            return request
        raise AlreadyTaken((await session.get_one(Staff, request.owner_id)).name)
    request.take(by=staff.id, now=now)
    await session.flush()
    return request


async def assign(
    session: AsyncSession, code: str, to: Staff, *, staff: Staff, now: datetime
) -> Request:
    """Give it to a colleague, or take it over from one. Raises WorksElsewhere."""
    request = await _hold(session, code, staff)
    check_may_give(staff, await hold_role(session, to.id), request)
    request.assign(to.id, by=staff.id, now=now)
    await session.flush()
    await telling.tell_urgent(session, request, by=staff.id, now=now)
    return request


async def hand_over(
    session: AsyncSession,
    code: str,
    centre_id: str,
    *,
    staff: Staff,
    now: datetime,
    reason: str = "",
    words: MessageWords | None = None,
) -> ReplyResult:
    """Give it to another centre; to the same one nothing happens. Raises UnknownCentre.

    The `reason` is a note for its staff. With `words` the person is told who looks after them now,
    and no more what waits till morning about the centre before.
    """
    request = await _hold(session, code, staff)
    centre = await session.get(Centre, centre_id)
    if centre is None:
        raise UnknownCentre
    if centre_id == request.centre_id:
        return ReplyResult(request, None)
    request.check("hand_over")
    if note := plain_text.clean(reason):
        request.note(note, by=staff.id, now=now)
    await follow_up.withhold_told(session, request, "handed_over")
    told = ReplyResult(request, None)
    if words is not None:
        told = await _tell_new_centre(session, request, centre, words, now)
    due = await get_due(session, centre_id)
    request.hand_over(centre_id, by=staff.id, now=now, due=due, outbox_id=told.outbox_id)
    # Its new centre answers: nobody of the old one sees any more what they had begun.
    await session.execute(delete(ReplyDraft).where(ReplyDraft.request_id == request.id))
    await session.flush()
    await telling.tell_urgent(session, request, by=staff.id, now=now)
    return told


async def reply(
    session: AsyncSession,
    code: str,
    text: str,
    *,
    staff: Staff,
    words: MessageWords,
    now: datetime,
) -> ReplyResult:
    """Write to the person, at the address that the request came from.

    What the contact policy withholds stays in the thread, and the clock runs on. Raises EmptyText,
    and TextTooLong for what their channel does not carry.
    """
    text = _text(text)
    request = await _hold(session, code, staff)
    request.check("reply")
    address = await session.get_one(Address, request.address_id)
    if not messages.as_sent(address.channel, text):
        raise EmptyText  # pictures alone, which no SMS carries
    said = words.reply(address.language, address.channel, code, text)
    result = await _send(session, request, address, Purpose.REPLY, said, now=now)
    body = {"text": text}
    if result.withheld is not None:
        body["withheld"] = result.withheld
    request.reply(by=staff.id, now=now, body=body, outbox_id=result.outbox_id)
    await session.flush()
    return result


async def finish(
    session: AsyncSession,
    code: str,
    outcome: str,
    *,
    staff: Staff,
    words: MessageWords,
    now: datetime,
    ask_from: datetime | None = None,
) -> ReplyResult:
    """Close it, and ask the person whether help came: at once, or from `ask_from` on.

    Silence opens it again, except of somebody who cannot be asked or could not be reached. Which
    centre looks after them is told before, even if both wait till morning: it says who was to help.
    Raises UnknownOutcome.
    """
    if outcome not in OUTCOMES:
        raise UnknownOutcome
    request = await _hold(session, code, staff)
    request.check("finish")
    result = await _ask_whether_help_came(
        session, request, outcome, words, now=now, ask_from=ask_from
    )
    waits = outcome != NOT_REACHED and result.withheld is None
    request.finish(
        outcome,
        by=staff.id,
        now=now,
        answer_by=now + ANSWER_WITHIN if waits else None,
        outbox_id=result.outbox_id,
        is_held=result.not_before is not None,
    )
    await session.flush()
    return result


async def add_note(
    session: AsyncSession, code: str, text: str, *, staff: Staff, now: datetime
) -> Request:
    """Words that the person never sees. Raises EmptyText."""
    request = await _hold(session, code, staff)
    request.note(_text(text), by=staff.id, now=now)
    await session.flush()
    return request


async def note_call(
    session: AsyncSession, code: str, result: str, *, staff: Staff, now: datetime
) -> Request:
    """They rang the person up; one of CALL_RESULTS came of it. Raises UnknownOutcome."""
    if result not in CALL_RESULTS:
        raise UnknownOutcome
    request = await _hold(session, code, staff)
    request.called(result, by=staff.id, now=now)
    await session.flush()
    return request


async def wait_for_person(
    session: AsyncSession, code: str, *, staff: Staff, now: datetime
) -> Request:
    """It is the person's turn."""
    request = await _hold(session, code, staff)
    request.wait_for_person(by=staff.id, now=now)
    await session.flush()
    return request


async def wait_for_others(
    session: AsyncSession, code: str, *, staff: Staff, now: datetime
) -> Request:
    """It is the turn of somebody outside."""
    request = await _hold(session, code, staff)
    request.wait_for_others(by=staff.id, now=now)
    await session.flush()
    return request


async def go_on(session: AsyncSession, code: str, *, staff: Staff, now: datetime) -> Request:
    """The wait is over, or what was opened again is taken up by whose it is.

    Who else wants to go on with what was opened again takes it.
    """
    request = await _hold(session, code, staff)
    if request.state == "reopened" and request.owner_id != staff.id:
        raise MoveNotAllowed(request.state, "go_on")
    due = await get_due(session, request.centre_id)
    request.go_on(by=staff.id, now=now, due=due)
    await session.flush()
    return request


async def reopen(session: AsyncSession, code: str, *, staff: Staff, now: datetime) -> Request:
    """It was not done after all."""
    request = await _hold(session, code, staff)
    due = await get_due(session, request.centre_id)
    request.reopen("staff", by=staff.id, now=now, due=due)
    await follow_up.end_question(session, request)
    await session.flush()
    await telling.tell_urgent(session, request, by=staff.id, now=now)
    return request


async def undo_finish(
    session: AsyncSession, code: str, closed: RequestEvent, *, staff: Staff, now: datetime
) -> Request:
    """As if this event, the last one, had not closed it; nobody was asked yet.

    What lost its owner since, who works there no more, is opened again for anybody to take.
    """
    request = await _hold(session, code, staff)
    if request.owner_id is None or BEFORE not in (closed.body or {}):
        return await reopen(session, code, staff=staff, now=now)
    request.undo_finish(closed, by=staff.id, now=now)
    await follow_up.end_question(session, request)
    await session.flush()
    await telling.tell_urgent(session, request, by=staff.id, now=now)
    return request


async def set_urgency(
    session: AsyncSession, code: str, urgency: str, *, staff: Staff, now: datetime
) -> Request:
    """'urgent', 'normal' or 'low'. Raises UnknownUrgency."""
    if urgency not in URGENCIES:
        raise UnknownUrgency
    request = await _hold(session, code, staff)
    due = await get_due(session, request.centre_id)
    request.set_urgency(urgency, by=staff.id, now=now, due=due)
    await session.flush()
    await telling.tell_urgent(session, request, by=staff.id, now=now)
    return request


async def _hold(session: AsyncSession, code: str, staff: Staff) -> Request:
    request = await requests.hold(session, code)
    check_may_act(await hold_role(session, staff.id), request)
    return request


async def _tell_new_centre(
    session: AsyncSession, request: Request, centre: Centre, words: MessageWords, now: datetime
) -> ReplyResult:
    address = await session.get_one(Address, request.address_id)
    name = centre.short_name(address.language or "km")
    said = words.handed_over(address.language, address.channel, request.code, name)
    return await _send(session, request, address, Purpose.FOLLOW_UP, said, now=now)


async def _ask_whether_help_came(
    session: AsyncSession,
    request: Request,
    outcome: str,
    words: MessageWords,
    *,
    now: datetime,
    ask_from: datetime | None,
) -> ReplyResult:
    address = await session.get_one(Address, request.address_id)
    options = (questions.YES, questions.NO)
    question = await questions.ask(
        session, address, questions.HELP_CAME, options, request_id=request.id, now=now
    )
    asked = AskedQuestion(question.id, question.letter, question.kind, options)
    said = words.help_came(
        address.language,
        address.channel,
        request.code,
        asked,
        was_possible=outcome != NOT_POSSIBLE,
    )
    return await _send(
        session, request, address, Purpose.FOLLOW_UP, said, now=now, not_before=ask_from
    )


async def _send(
    session: AsyncSession,
    request: Request,
    address: Address,
    purpose: Purpose,
    said: Worded,
    *,
    now: datetime,
    not_before: datetime | None = None,
) -> ReplyResult:
    sent = await messages.send(
        session,
        address,
        purpose,
        said.text,
        now=now,
        person_id=request.person_id,
        asked_at=request.last_person_at,
        neutral_text=said.neutral,
        reply_markup=said.reply_markup,
        not_before=not_before,
    )
    match sent:
        case Withheld(reason):
            return ReplyResult(request, None, withheld=reason)
        case Queued(outbox_id, not_before):
            return ReplyResult(request, outbox_id, not_before)


def _text(text: str) -> str:
    said = plain_text.clean(text)
    if not said:
        raise EmptyText
    return said
