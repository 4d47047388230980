"""Referring somebody to an agency: what is asked of the person, what is given, what was answered.

A form that cannot be done comes back with all that was typed, and says beside the field why.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.responses import Response

from desk.access import REQUEST_ROLES, Forged, page, redirect
from desk.pages.centre_parts import WRONG, number_of, one_of, say_day
from desk.pages.referral_words import say_field, write_sheet
from desk.pages.request import at_request
from desk.rendering import CAMBODIA, render
from desk.request import ADDRESS, DeskRequest
from services import audit, codes
from services.acting import Session
from services.agencies import PURPOSES, display_phone
from services.errors import MoveNotAllowed, UnusableForm
from services.referrals import asking, reading, steps
from services.referrals.asking import TOLD_HOW, UNKNOWN, Begun, Told, Wanted
from services.referrals.errors import NotGivable, ReferralNotFound
from services.referrals.fields import LONGEST_ANSWER, LONGEST_NEED, LONGEST_NEED_BY_SMS, SHARED
from services.referrals.gate import (
    AGENCY_CHANGED,
    AGENCY_ENDED,
    NOT_AGREED,
    OVER,
    TAKEN_BACK,
    TOLD,
)
from services.referrals.states import RESULTS
from services.referrals.steps import GIVEN_BY, STEPS, Step

DONE: Final = ("asked", "held", "noted", "again", *STEPS, "untold")
WRONG_WORDS: Final = ("changed", NOT_AGREED, TAKEN_BACK, AGENCY_ENDED, AGENCY_CHANGED, OVER)
FAULTS: Final = (
    *("no_way", "refused_since", "before_yes", "sensitive"),
    *("stopped", "unreachable", "no_consent", "refused_before"),
)
"""Faults that only these forms have; the others are those of every form."""
_LONGEST_NUMBER: Final = 18


async def show(request: DeskRequest) -> Response:
    """All referrals of a request, with what can be done with each."""
    return await _show(request)


async def show_new(request: DeskRequest) -> Response:
    """The form for a new one; what it is for is chosen first, since agencies follow from it."""
    wanted = Wanted(0, request.query_params.get("purpose", ""), ())
    return await _form(request, wanted)


async def begin(request: DeskRequest) -> Response:
    """Ask the person, or note their yes."""
    wanted, day = await _read(request)
    try:
        wanted = _with_day(wanted, day)
        async with _at_referral(request) as (session, code):
            begun = await asking.begin(
                session,
                request.visitor,
                code,
                wanted,
                seen=await _seen(request),
                words=request.parts.words,
                now=request.now(),
            )
    except UnusableForm as error:
        await _note_forged(request, error)
        return await _form(request, wanted, day=day, faults=error.faults)
    except MoveNotAllowed:
        return _back(request, wrong="changed")
    return _back(request, done=_say_begun(begun))


async def step(request: DeskRequest) -> Response:
    """Do what a form of one of them asks."""
    name = request.path_params["step"]
    if name not in STEPS:
        raise Forged
    typed = {each: await request.field(each) for each in ("on", "how", "text", "result")}
    try:
        on = _read_day(typed["on"], "on")
        made = Step(
            name,
            on,
            typed["how"],
            typed["text"],
            typed["result"],
            taken_back=await request.field("taken_back") != "",
        )
        async with _at_referral(request) as (session, code):
            done = await steps.do(
                session,
                request.visitor,
                code,
                _referral_id(request),
                made,
                words=request.parts.words,
                now=request.now(),
            )
    except UnusableForm as error:
        await _note_forged(request, error)
        return await _show(request, wrong_step=name, typed=typed, faults=error.faults)
    except NotGivable as error:
        return _back(request, wrong=error.reason)
    except MoveNotAllowed:
        return _back(request, wrong="changed")
    if done.again:
        return _back(request, done="again")
    return _back(request, done="untold" if name == "give" and not done.is_told else name)


async def show_sheet(request: DeskRequest) -> Response:
    """What the agency gets, to be printed."""
    try:
        async with _at_referral(request) as (session, code):
            sheet = await reading.get_sheet(
                session, request.visitor, code, _referral_id(request), now=request.now()
            )
    except NotGivable as error:
        return _back(request, wrong=error.reason)
    return render(
        request, "referral_sheet.html", sheet=write_sheet(request, sheet), own=_address(request)
    )


@asynccontextmanager
async def _at_referral(request: DeskRequest) -> AsyncIterator[tuple[Session, str]]:
    """As `at_request`; a referral of another request is not there either."""
    try:
        async with at_request(request) as found:
            yield found
    except ReferralNotFound:
        await _note_refused(request)
        raise HTTPException(404) from None


async def _show(
    request: DeskRequest,
    *,
    wrong_step: str | None = None,
    typed: Mapping[str, str] | None = None,
    faults: Mapping[str, str] | None = None,
) -> Response:
    asked = request.query_params
    async with at_request(request) as (session, code):
        found, lines = await reading.get_all(session, request.visitor, code, now=request.now())
    return render(
        request,
        "referrals.html",
        status=WRONG if faults else 200,
        lines=lines,
        is_open=found.state in reading.OPEN_STATES,
        code=codes.display(code),
        own=_address(request),
        done=one_of(asked.get("done", ""), DONE),
        wrong=one_of(asked.get("wrong", ""), WRONG_WORDS),
        wrong_at=(_referral_id(request), wrong_step) if wrong_step else None,
        typed=typed or {},
        faults=faults or {},
        **_choices(request),
    )


async def _form(
    request: DeskRequest,
    wanted: Wanted,
    *,
    day: str = "",
    faults: Mapping[str, str] | None = None,
) -> Response:
    async with at_request(request) as (session, code):
        form = await reading.get_form(
            session, request.visitor, code, wanted.purpose, now=request.now()
        )
    return render(
        request,
        "referral_new.html",
        status=WRONG if faults else 200,
        form=form,
        wanted=wanted,
        day=day or _today(request),
        known={name: say_field(request, name, said) for name, said in form.known.items()},
        code=codes.display(code),
        own=_address(request),
        faults=faults or {},
        is_typed=faults is not None,
        shared=SHARED,
        **_choices(request),
    )


def _choices(request: DeskRequest) -> dict[str, Any]:
    """What both pages choose from, and how days and numbers read."""
    return {
        "purposes": PURPOSES,
        "told_how": TOLD_HOW,
        "given_by": GIVEN_BY,
        "results": RESULTS,
        "today": _today(request),
        "longest_need": LONGEST_NEED,
        "longest_need_by_sms": LONGEST_NEED_BY_SMS,
        "longest_answer": LONGEST_ANSWER,
        "moment_now": request.now(),
        "display_phone": display_phone,
        "say_day": lambda on: say_day(on, request.language),
    }


async def _read(request: DeskRequest) -> tuple[Wanted, str]:
    """What stands in the form, and the day of a yes as it was typed."""
    told = None
    if await request.field("consent") == TOLD:
        told = Told(
            None, await request.field("told_how"), (await request.field("told_note")).strip()
        )
    agency = await request.field("agency")
    wanted = Wanted(
        agency_id=_number(agency),
        purpose=await request.field("purpose"),
        shared=tuple(await request.fields("shared")),
        need=await request.field("need"),
        through_us=await request.field("through_us") != "",
        asked_again=agency in await request.fields("asked_again"),
        told=told,
    )
    return wanted, await request.field("told_on")


def _with_day(wanted: Wanted, typed: str) -> Wanted:
    """Raises UnusableForm."""
    if wanted.told is None:
        return wanted
    return replace(wanted, told=replace(wanted.told, on=_read_day(typed, "told_on")))


def _read_day(typed: str, name: str) -> date | None:
    """Raises UnusableForm."""
    if not typed.strip():
        return None
    try:
        return date.fromisoformat(typed.strip())
    except ValueError:
        raise UnusableForm({name: "day"}) from None


async def _note_forged(request: DeskRequest, error: UnusableForm) -> None:
    """What no form of ours offers was made up, or is gone since: it is written down."""
    made_up = [name for name, fault in error.faults.items() if fault == UNKNOWN]
    if made_up:
        await _note_refused(request, made_up)


async def _note_refused(request: DeskRequest, fields: list[str] | None = None) -> None:
    visitor = request.visitor
    async with request.acting() as session:
        await audit.record_refused(
            session,
            visitor.staff_id,
            "referral",
            request.path_params.get("referral"),
            fields=fields or (),
            now=request.now(),
        )


def _say_begun(begun: Begun) -> str:
    """What the page says afterwards, one of DONE."""
    if begun.again:
        return "again"
    if not begun.is_asked:
        return "noted"
    return "held" if begun.not_before else "asked"


def _back(request: DeskRequest, *, done: str | None = None, wrong: str | None = None) -> Response:
    said = f"done={done}" if done else f"wrong={wrong}"
    return redirect(request, f"{_address(request)}/referrals?{said}")


def _address(request: DeskRequest) -> str:
    return f"{ADDRESS}/requests/{request.path_params['code']}"


def _referral_id(request: DeskRequest) -> int:
    return number_of(request.path_params["referral"])


async def _seen(request: DeskRequest) -> int:
    return _number(await request.field("seen"))


def _number(typed: str) -> int:
    """0 for what was not chosen, or never was an id."""
    is_ours = typed.isascii() and typed.isdigit() and len(typed) <= _LONGEST_NUMBER
    return int(typed) if is_ours else 0


def _today(request: DeskRequest) -> str:
    return request.now().astimezone(CAMBODIA).date().isoformat()


ROUTES: Final = (
    page("/requests/{code}/referrals", show, roles=REQUEST_ROLES),
    page("/requests/{code}/referrals/new", show_new, roles=REQUEST_ROLES),
    page("/requests/{code}/referrals/new", begin, ["POST"], roles=REQUEST_ROLES),
    page("/requests/{code}/referrals/{referral}/sheet", show_sheet, roles=REQUEST_ROLES),
    page("/requests/{code}/referrals/{referral}/do/{step}", step, ["POST"], roles=REQUEST_ROLES),
)
