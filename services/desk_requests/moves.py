"""What staff do with a request at the desk: each act once, by who may, written down.

The acts themselves are those of `services.threads`. Here is what stands around them at the desk:
the rule who may, the form that comes twice, the draft that is sent, the audit.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Referral, Request, RequestEvent, Staff
from services import audit, plain_text, threads
from services.accounts.types import Visitor
from services.acting import across_centres
from services.desk_requests.drafts import clear_draft
from services.desk_requests.replays import list_who_gave_it, note_repeated, was_done
from services.desk_requests.rights import get_staff, hold_readable
from services.errors import (
    AgenciesWait,
    AnsweredMeanwhile,
    NotAllowed,
    NothingChosen,
    RequestNotFound,
    StaffNotFound,
    TakenMeanwhile,
)
from services.message_words import MessageWords
from services.reasons import read_reason
from services.referrals.states import AGENCY_WAITS
from services.threads import ReplyResult

_WATCHED = ("state", "urgency", "centre_id", "owner_id", "outcome")


@dataclass(frozen=True, slots=True)
class Move:
    """One act as a form asks for it.

    `name` is one of MOVES; `value` what it needs: the words of a reply or a note, an outcome, what
    came of a call, an urgency, the id of a member of staff or of a centre, which needs a `reason`
    too. `is_sure` closes what agencies still work on. `seen` and `read` as in `RequestPage`,
    `read` is None for who has read no page; a form about many requests says since when its page
    stands there instead. `ask_from` is from when on the person is asked what it asks, None for now.
    """

    name: str
    value: str = field(default="", repr=False)
    reason: str = field(default="", repr=False)
    is_sure: bool = False
    seen: int = 0
    read: int | None = None
    since: datetime | None = None
    ask_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """What came of it. `again` says that the same form had done it before: nothing was done.

    `sent` is what becomes of the message to the person, where the act writes one.
    """

    request: Request
    again: bool = False
    sent: ReplyResult | None = None


_Act = Callable[..., Awaitable[Any]]
_Check = Callable[[AsyncSession, Visitor, Request, Move], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Kind:
    """The act, the kind of its event, and what its value is called by the act and in the event.

    `takes` are fields of a Move that the act takes by their own names. `check` says what of the
    form keeps it from being done. After what `gives_away` its sender may read the request no more.
    """

    act: _Act
    event: str
    argument: str | None = None
    in_body: str | None = None
    writes: bool = False
    takes: Sequence[str] = ()
    check: _Check | None = None
    gives_away: bool = False

    def body(self, move: Move) -> dict[str, object]:
        """What of the move its event holds."""
        return {self.in_body: move.value} if self.in_body else {}


async def _check_handed_over(
    _session: AsyncSession, _visitor: Visitor, request: Request, move: Move
) -> None:
    """Raises NothingChosen, NotAllowed, EmptyText, ReasonTooShort and TextTooLong."""
    if not move.value:
        raise NothingChosen
    if move.value == request.centre_id:
        raise NotAllowed  # no form of ours offers the centre that it is with
    read_reason(move.reason)


async def _check_agencies(
    session: AsyncSession, _visitor: Visitor, request: Request, move: Move
) -> None:
    """ "Referred" is said of what an agency looks after. Raises AgenciesWait."""
    if move.read is None or move.is_sure or move.value != "referred":
        return
    waiting = select(Referral.id).where(
        Referral.request_id == request.id, Referral.state.in_(AGENCY_WAITS)
    )
    if await session.scalar(waiting.limit(1)) is not None:
        raise AgenciesWait


async def _check_reply(
    session: AsyncSession, visitor: Visitor, request: Request, move: Move
) -> None:
    """Who answers from a page must know what it did not show yet.

    Raises AnsweredMeanwhile and TakenMeanwhile.
    """
    if move.read is None:
        return
    await _check_unanswered(session, request, move.read)
    await _check_untaken(session, visitor, request, move.read)


async def _check_unanswered(session: AsyncSession, request: Request, read: int) -> None:
    """Two who answer at once would tell the person two things. Raises AnsweredMeanwhile.

    So would one who changes the words of a reply that was sent although the line broke.
    """
    query = select(RequestEvent.id).where(
        RequestEvent.request_id == request.id,
        RequestEvent.id > read,
        RequestEvent.kind == "staff_message",
    )
    if await session.scalar(query.limit(1)) is not None:
        raise AnsweredMeanwhile


async def _check_untaken(
    session: AsyncSession, visitor: Visitor, request: Request, read: int
) -> None:
    """Who answers what a colleague took over meanwhile must know it. Raises TakenMeanwhile."""
    is_theirs = request.owner_id not in (None, visitor.staff_id)
    if is_theirs and await list_who_gave_it(session, request, seen=read):
        raise TakenMeanwhile


_KINDS: Mapping[str, _Kind] = {
    "take": _Kind(threads.take, "taken"),
    "assign": _Kind(threads.assign, "assigned", "to", "to", gives_away=True),
    "hand_over": _Kind(
        threads.hand_over,
        "handed_over",
        "centre_id",
        "to",
        writes=True,
        takes=("reason",),
        check=_check_handed_over,
        gives_away=True,
    ),
    "reply": _Kind(threads.reply, "staff_message", "text", "text", writes=True, check=_check_reply),
    "note": _Kind(threads.add_note, "note", "text", "text"),
    "call": _Kind(threads.note_call, "called", "result", "result"),
    "wait_for_person": _Kind(threads.wait_for_person, "waiting_person"),
    "wait_for_others": _Kind(threads.wait_for_others, "waiting_others"),
    "go_on": _Kind(threads.go_on, "going_on"),
    "reopen": _Kind(threads.reopen, "reopened"),
    "set_urgency": _Kind(threads.set_urgency, "urgency", "urgency", "urgency"),
    "finish": _Kind(
        threads.finish,
        "done",
        "outcome",
        "outcome",
        writes=True,
        takes=("ask_from",),
        check=_check_agencies,
    ),
}
MOVES = tuple(_KINDS)


def act_of(name: str) -> str:
    """What the log calls one of MOVES."""
    return _KINDS[name].event


async def do(
    session: AsyncSession,
    visitor: Visitor,
    code: str,
    move: Move,
    *,
    words: MessageWords,
    now: datetime,
) -> Moved:
    """Do it, unless this very form did it before. A reply that goes out is a draft no more.

    Raises RequestNotFound, StaffNotFound, AnsweredMeanwhile and TakenMeanwhile for a reply,
    EmptyText, ReasonTooShort and TextTooLong for the reason of a request that is handed over,
    AgenciesWait for one that is closed from its page, and what the act in `services.threads`
    raises.
    """
    kind = _KINDS[move.name]
    move = replace(move, value=plain_text.clean(move.value), reason=plain_text.clean(move.reason))
    body = kind.body(move)
    try:
        request = await hold_readable(session, visitor, code)
    except RequestNotFound:
        gone = await _find_given_away(session, visitor, code, move) if kind.gives_away else None
        if gone is None:
            raise
        await note_repeated(session, visitor, gone.request, now=now)
        return Moved(gone.request, again=True, sent=gone)
    if await was_done(
        session, visitor, request, kind.event, body, seen=move.seen, since=move.since
    ):
        await note_repeated(session, visitor, request, now=now)
        return Moved(request, again=True)
    if kind.check is not None:
        await kind.check(session, visitor, request, move)
    before = _watch(request)
    done = await _act(session, visitor, code, move, words=words, now=now)
    if move.name == "reply":
        await clear_draft(session, visitor, request)
    fields = [name for name, value in _watch(request).items() if value != before[name]]
    await audit.record_by(
        session,
        by=visitor.staff_id,
        action=kind.event,
        subject="request",
        subject_id=request.id,
        fields=fields,
        now=now,
    )
    return Moved(request, sent=done if isinstance(done, ReplyResult) else None)


async def _act(
    session: AsyncSession,
    visitor: Visitor,
    code: str,
    move: Move,
    *,
    words: MessageWords,
    now: datetime,
) -> Any:
    kind = _KINDS[move.name]
    me = await get_staff(session, visitor)
    values: dict[str, Any] = {name: getattr(move, name) for name in kind.takes}
    if kind.writes:
        values["words"] = words
    if kind.argument is not None:
        values[kind.argument] = move.value
    if kind.act is threads.assign:
        values["to"] = await _get_colleague(session, move.value)
    if kind.act is not threads.hand_over:
        return await kind.act(session, code, **values, staff=me, now=now)
    async with across_centres(session):
        return await kind.act(session, code, **values, staff=me, now=now)


async def _find_given_away(
    session: AsyncSession, visitor: Visitor, code: str, move: Move
) -> ReplyResult | None:
    """The request that this very form gave away before: its sender may not read it any more."""
    kind = _KINDS[move.name]
    async with across_centres(session):
        request = await session.scalar(select(Request).where(Request.code == code))
        body = kind.body(move)
        if request is None or not await was_done(
            session, visitor, request, kind.event, body, seen=move.seen
        ):
            return None
        told = select(RequestEvent.outbox_id).where(
            RequestEvent.request_id == request.id,
            RequestEvent.kind == kind.event,
            RequestEvent.staff_id == visitor.staff_id,
        )
        last = await session.scalar(told.order_by(RequestEvent.id.desc()).limit(1))
        return ReplyResult(request, last)


async def _get_colleague(session: AsyncSession, staff_id: str) -> Staff:
    try:
        found = await session.get(Staff, UUID(staff_id))
    except ValueError:
        found = None
    if found is None:
        raise StaffNotFound
    return found


def _watch(request: Request) -> dict[str, Any]:
    return {name: getattr(request, name) for name in _WATCHED}
