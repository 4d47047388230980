"""The page of one request: what was written, who it is, and all that staff do with it.

A form leads back to the page, which says what came of it. What could not be done loses no words:
a reply that was refused waits as a draft.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.responses import Response

from desk.access import REQUEST_ROLES, Forged, page, redirect
from desk.pages.request_lapsed import keep_reason, keep_words, say_lapsed
from desk.pages.request_lines import SECTORS, TOPICS, find_call, list_lines
from desk.rendering import render
from desk.request import ADDRESS, DeskRequest
from services import codes, desk_requests
from services.acting import Session
from services.desk_requests import (
    CALL_RESULTS,
    MOVES,
    OUTCOMES,
    REASONS,
    URGENCIES,
    Move,
    Moved,
    ReplySize,
    RequestPage,
    Revealed,
)
from services.desk_requests.canned import CannedReplyEnded, CannedReplyNotFound, fill
from services.desk_requests.drafts import LONGEST_DRAFT
from services.errors import (
    AgenciesWait,
    AlreadyTaken,
    AnsweredMeanwhile,
    DomainError,
    EmptyText,
    MoveNotAllowed,
    NotAllowed,
    NothingChosen,
    ReasonTooShort,
    RequestNotFound,
    StaffNotFound,
    TakenMeanwhile,
    TextTooLong,
    UnknownCentre,
    UnknownOutcome,
    UnknownUrgency,
    WorksElsewhere,
)
from services.phone_numbers import display as display_number
from services.reasons import LONGEST_REASON
from services.referrals.reading import ReferralLine
from services.referrals.reading import list_of as list_referrals
from services.referrals.states import AGENCY_WAITS
from services.threads import ThreadEvent

DONE: Final = (
    *("again", "sent", "held", "withheld", "finished", "finished_unasked"),
    *("take", "assign", "note", "wait_for_person", "wait_for_others", "go_on", "reopen"),
    *("set_urgency", "call"),
)
WRONG: Final = (
    *("already_taken", "answered", "taken_over", "changed", "empty", "too_long", "reason"),
    "unchosen",
    *("agencies", "canned_ended", "elsewhere", "not_allowed"),
)
BESIDE_REPLY: Final = ("answered", "taken_over", "canned_ended")
"""What is said where somebody writes, and not above the page."""
QUEUE: Final = f"{ADDRESS}/queue"
_FAULTS: Final[Mapping[type[DomainError], str]] = {
    AlreadyTaken: "already_taken",
    AnsweredMeanwhile: "answered",
    TakenMeanwhile: "taken_over",
    ReasonTooShort: "reason",
    AgenciesWait: "agencies",
    MoveNotAllowed: "changed",
    EmptyText: "empty",
    NothingChosen: "unchosen",
    TextTooLong: "too_long",
    WorksElsewhere: "elsewhere",
    NotAllowed: "not_allowed",
    StaffNotFound: "not_allowed",
    UnknownCentre: "not_allowed",
    UnknownOutcome: "not_allowed",
    UnknownUrgency: "not_allowed",
}
_LONGEST_NUMBER: Final = 18


@dataclass(frozen=True, slots=True)
class Typed:
    """What a form held that was refused: a reason, and what was chosen beside it."""

    form: str
    chosen: str
    reason: str = field(repr=False)


async def show(request: DeskRequest) -> Response:
    """The page, with what came of the form that led here."""
    asked = request.query_params
    done, wrong = _one_of(asked.get("done", ""), DONE), _one_of(asked.get("wrong", ""), WRONG)
    return await _show(request, done=done, wrong=wrong, is_writing=asked.get("at") == "reply")


async def move(request: DeskRequest) -> Response:
    """Do what a form asks, or say why it could not be done."""
    name = request.path_params["move"]
    if name not in MOVES:
        raise Forged
    form = Move(
        name,
        await request.field("value"),
        await request.field("reason"),
        is_sure=bool(await request.field("sure")),
        seen=await _seen(request),
        read=await _read(request),
    )
    try:
        async with at_request(request, desk_requests.act_of(name)) as (session, code):
            moved = await desk_requests.do(
                session, request.visitor, code, form, words=request.parts.words, now=request.now()
            )
            is_still_ours = desk_requests.may_read(request.visitor, moved.request)
    except tuple(_FAULTS) as error:
        if name == "reply":
            await _keep_draft(request, form.value)
        if name == "hand_over" and form.reason:
            typed = Typed(name, form.value, form.reason)
            return await _show(request, wrong=_FAULTS[type(error)], typed=typed)
        return _back(request, wrong=_FAULTS[type(error)])
    if is_still_ours:
        return _back(request, done=_say_done(request, form, moved))
    return redirect(request, _say_handed_over(code, moved) if name == "hand_over" else QUEUE)


async def draft(request: DeskRequest) -> Response:
    """Keep what was written so far, and say what it costs: a part of the page."""
    text = await request.field("value")
    try:
        size = await _keep_draft(request, text)
    except TextTooLong:
        raise HTTPException(413) from None
    return render(request, "request_size.html", size=size, is_kept=bool(text.strip()))


async def use_canned(request: DeskRequest) -> Response:
    """Put a reply that is written often behind what was written so far."""
    written = (await request.field("value")).strip()
    try:
        async with at_request(request) as (session, code):
            chosen = _number(await request.field("canned"))
            filled = await fill(session, request.visitor, code, chosen, now=request.now())
    except CannedReplyNotFound:
        return await _keep_and_say(request, written, "not_allowed")
    except CannedReplyEnded:
        return await _keep_and_say(request, written, "canned_ended")
    try:
        await _keep_draft(request, f"{written}\n{filled}".strip())
    except TextTooLong:
        return await _keep_and_say(request, written, "too_long")
    # No fragment: to the same page with one a browser would only scroll.
    return redirect(request, f"{_address(request)}?at=reply")


async def _keep_and_say(request: DeskRequest, written: str, wrong: str) -> Response:
    """The words as they were, and why nothing was put behind them."""
    await _keep_draft(request, written)
    return _back(request, wrong=wrong)


async def reveal(request: DeskRequest) -> Response:
    """The page once more, this time with name and numbers; the address keeps nothing of it."""
    reason, why = await request.field("value"), await request.field("why")
    try:
        async with at_request(request, desk_requests.REVEALED) as (session, code):
            revealed = await desk_requests.reveal(
                session,
                request.visitor,
                code,
                reason,
                why=why,
                seen=await _seen(request),
                now=request.now(),
            )
    except EmptyText:
        return _back(request, wrong="reason")
    except (ReasonTooShort, TextTooLong) as error:
        return await _show(request, wrong=_FAULTS[type(error)], typed=Typed("reveal", why, reason))
    return await _show(request, revealed=revealed)


async def go_back(request: DeskRequest) -> Response:
    """To the page without what a form had led to: a change of language asks for it so."""
    return redirect(request, _address(request))


@asynccontextmanager
async def at_request(
    request: DeskRequest, tried: str | None = None
) -> AsyncIterator[tuple[Session, str]]:
    """A transaction about the request of this address; `tried` is what the log calls the act.

    What is not the visitor's answers as what does not exist. That they asked for it is written
    down, and so is what else no form of ours asks for.
    """
    code: str = request.path_params["code"]
    try:
        async with request.acting() as session:
            yield session, code
    except (*desk_requests.REFUSED, CannedReplyNotFound) as error:
        async with request.acting() as session:
            await desk_requests.note_refused(
                session, request.visitor, code, tried=tried, now=request.now()
            )
        if isinstance(error, RequestNotFound):
            raise HTTPException(404) from None
        raise


async def _show(
    request: DeskRequest,
    *,
    done: str | None = None,
    wrong: str | None = None,
    is_writing: bool = False,
    revealed: Revealed | None = None,
    typed: Typed | None = None,
) -> Response:
    async with at_request(request) as (session, code):
        shown = await desk_requests.get_page(session, request.visitor, code, now=request.now())
        referrals = await list_referrals(session, shown.request, now=request.now())
    size = desk_requests.count_parts(
        shown.draft or "",
        shown.person.channel,
        shown.person.language,
        code,
        request.parts.words,
        is_shared=shown.person.is_shared is True,
    )
    opened = {"since": request.now().isoformat(), "digest": shown.digest, "read": shown.read}
    return render(
        request,
        "request.html",
        **view(request, shown),
        is_pushed=False,
        live=f"{_address(request)}/live?{urlencode(opened)}",
        referrals=referrals,
        size=size,
        done=done,
        wrong=wrong,
        answered=_find_answer(shown) if wrong == "answered" else None,
        beside_reply=BESIDE_REPLY,
        is_writing=is_writing or wrong in BESIDE_REPLY,
        revealed=revealed,
        typed=typed,
        call=find_call(shown),
        waiting=_name_waiting(request, referrals),
        is_kept=bool(shown.draft),
        code=codes.display(code),
        known_sectors=SECTORS,
        outcomes=[(one, request.text(f"desk-outcome-{one}")) for one in OUTCOMES],
        call_results=[(one, request.text(f"desk-call-{one}")) for one in CALL_RESULTS],
        reasons=[(one, request.text(f"desk-reason-{one}")) for one in REASONS],
        urgencies=[(one, request.text(f"desk-urgency-{one}")) for one in URGENCIES],
        longest_draft=LONGEST_DRAFT,
        longest_reason=LONGEST_REASON,
        display_code=codes.display,
        display_number=display_number,
    )


def _name_waiting(request: DeskRequest, referrals: Sequence[ReferralLine]) -> str:
    """The agencies that nobody helps by yet."""
    waiting = [one for one in referrals if one.state in AGENCY_WAITS]
    return ", ".join(one.agency.name(request.language) for one in waiting)


def _find_answer(shown: RequestPage) -> ThreadEvent | None:
    """What somebody here wrote to the person last."""
    return next((one for one in reversed(shown.events) if one.kind == "staff_message"), None)


def view(request: DeskRequest, shown: RequestPage) -> dict[str, Any]:
    """What the page and what is pushed to it while it lies open are written from."""
    due_at = shown.request.due_at
    return {
        "shown": shown,
        "lines": list_lines(request, shown),
        "is_overdue": due_at is not None and due_at <= request.now(),
        "own": _address(request),
        "known_topics": TOPICS,
    }


async def _keep_draft(request: DeskRequest, text: str) -> ReplySize:
    async with at_request(request) as (session, code):
        return await desk_requests.save_draft(
            session,
            request.visitor,
            code,
            text,
            seen=await _seen(request),
            words=request.parts.words,
            now=request.now(),
        )


def _say_done(request: DeskRequest, form: Move, moved: Moved) -> str:
    """What the page says afterwards, one of DONE."""
    if moved.again:
        return "again"
    if form.name == "assign" and moved.request.owner_id == request.visitor.staff_id:
        return "take"
    if moved.sent is None:
        return form.name
    if form.name == "finish":
        return "finished_unasked" if moved.sent.withheld else "finished"
    if moved.sent.withheld:
        return "withheld"
    return "held" if moved.sent.not_before else "sent"


def _say_handed_over(code: str, moved: Moved) -> str:
    """The address that says which request went where, and whether its person hears of it."""
    said = {"handed_over": f"{code}.{moved.request.centre_id}"}
    if moved.sent is not None and moved.sent.outbox_id is not None:
        at = moved.sent.not_before
        said["person_told"] = "1" if at is None else at.isoformat()
    return f"{QUEUE}?{urlencode(said)}"


def _back(request: DeskRequest, *, done: str | None = None, wrong: str | None = None) -> Response:
    said = f"done={done}" if done else f"wrong={wrong}"
    return redirect(request, f"{_address(request)}?{said}")


def _address(request: DeskRequest) -> str:
    return f"{ADDRESS}/requests/{request.path_params['code']}"


async def _read(request: DeskRequest) -> int | None:
    typed = await request.field("read")
    return _number(typed) if typed else None


async def _seen(request: DeskRequest) -> int:
    return _number(await request.field("seen"))


def _number(typed: str) -> int:
    """What a hidden field brings back; 0 for what it never held."""
    is_ours = typed.isascii() and typed.isdigit() and len(typed) <= _LONGEST_NUMBER
    return int(typed) if is_ours else 0


def _one_of(typed: str, known: tuple[str, ...]) -> str | None:
    return typed if typed in known else None


ROUTES: Final = (
    page("/requests/{code}", show, roles=REQUEST_ROLES),
    page("/requests/{code}/draft", draft, ["POST"], roles=REQUEST_ROLES, lapsed=say_lapsed),
    page("/requests/{code}/canned", use_canned, ["POST"], roles=REQUEST_ROLES, lapsed=keep_words),
    page("/requests/{code}/reveal", reveal, ["POST"], roles=REQUEST_ROLES, lapsed=keep_reason),
    page("/requests/{code}/reveal", go_back, roles=REQUEST_ROLES),
    page("/requests/{code}/do/{move}", go_back, roles=REQUEST_ROLES),
    page("/requests/{code}/do/{move}", move, ["POST"], roles=REQUEST_ROLES, lapsed=keep_words),
)
