"""The second factor of somebody who is signed in: another phone, and new codes on paper.

The secret of another phone is shown on a page of its own, which may be loaded again: the browser
keeps it, sealed, in a cookie until it is used or over. A code that was used is not asked for twice.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response

from desk import security
from desk.access import EVERY_ROLE, page, redirect
from desk.pages.sign_in import (
    MOST_LETTERS,
    RECOVERY_CODES,
    draw_code,
    grouped,
    minutes_left,
    say_wrong_code,
    with_next,
)
from desk.pages.start import local_address
from desk.rendering import render
from desk.request import ADDRESS, DeskRequest
from services import accounts
from services.accounts import NewFactor
from services.acting import Session
from services.errors import LockedOut, NotAllowed, WrongCode, WrongSignIn

ACCOUNT: Final = f"{ADDRESS}/account"
PHONE: Final = f"{ACCOUNT}/second-factor"
_WRONG: Final = 422
_TOO_MANY: Final = 429
_LONGEST_PROOF: Final = 1000


class _Unproved(Exception):  # noqa: N818 - a state of the form, not a fault
    """Password or code are not theirs; `answer` says so on the page that asked."""

    def __init__(self, answer: Response) -> None:
        self.answer = answer


# Codes on paper


async def show_codes(request: DeskRequest) -> Response:
    """Codes to write down, where none is left; else the form that makes new ones."""
    async with request.acting() as session:
        proposed = await accounts.find_proposed_codes(session, request.visitor)
    if proposed is None:
        return await _ask_again(request, "account_codes.html")
    wanted = local_address(request.query_params.get("next", ""))
    return render(request, "recovery_codes.html", proposed=proposed, wanted=wanted)


async def change_codes(request: DeskRequest) -> Response:
    """They are written down; or new ones are wanted."""
    after = await request.field("after", most=MOST_LETTERS)
    if after:
        try:
            async with request.acting() as session:
                await accounts.keep_proposed_codes(
                    session, request.visitor, _number(after), now=request.now()
                )
        except NotAllowed:  # an administrator signed them out in this very moment
            return redirect(request, ACCOUNT)
        return redirect(request, local_address(await request.field("next")))
    try:
        async with _proved(request, "account_codes.html") as (session, password, code):
            await accounts.renew_recovery_codes(
                session, request.visitor, password, code, now=request.now()
            )
    except _Unproved as refused:
        return refused.answer
    return redirect(request, with_next(RECOVERY_CODES, f"{ACCOUNT}?done=codes"))


# Another phone


async def show_phone(request: DeskRequest) -> Response:
    """What the new phone needs, once password and code were given; else the form that asks."""
    proof = security.read_cookie(request, request.parts, security.PHONE_COOKIE)
    if proof is None:
        return await _ask_again(request, "account_factor.html")
    return await _go_on(request, proof)


async def change_phone(request: DeskRequest) -> Response:
    """First password and code of the old one, then the first code of the new one."""
    proof = await request.field("proof", most=_LONGEST_PROOF)
    if proof:
        return await _finish(request, proof)
    try:
        async with _proved(request, "account_factor.html") as (session, password, code):
            factor = await accounts.begin_change(
                session, request.visitor, password, code, now=request.now()
            )
    except _Unproved as refused:
        return refused.answer
    response = redirect(request, PHONE)
    lasts = accounts.CHANGE_WITHIN
    security.set_cookie(response, request.parts, security.PHONE_COOKIE, factor.proof, lasts=lasts)
    return response


async def _finish(request: DeskRequest, proof: str) -> Response:
    """What is over begins anew: the old phone still signs in."""
    code = await request.field("code", most=MOST_LETTERS)
    visitor, now = request.visitor, request.now()
    try:
        async with request.parts.new_session.begin() as session:
            await accounts.finish_change(session, visitor, proof, code, now=now)
    except NotAllowed:
        return _leave(request, PHONE)
    except WrongCode as error:
        return await _go_on(request, proof, fault=say_wrong_code(request, error))
    return _leave(request, f"{ACCOUNT}?done=factor")


async def _go_on(request: DeskRequest, proof: str, fault: str | None = None) -> Response:
    try:
        async with request.parts.new_session.begin() as session:
            factor = await accounts.go_on_with_change(
                session, request.visitor, proof, now=request.now()
            )
    except NotAllowed:
        return _leave(request, PHONE)
    return _show_factor(request, factor, fault)


def _leave(request: DeskRequest, address: str) -> Response:
    """The secret that waited is not shown any more."""
    response = redirect(request, address)
    security.drop_cookie(response, request.parts, security.PHONE_COOKIE)
    return response


def _show_factor(request: DeskRequest, factor: NewFactor, fault: str | None = None) -> Response:
    return render(
        request,
        "account_factor_new.html",
        status=200 if fault is None else _WRONG,
        fault=fault,
        minutes=None,
        uri=factor.uri,
        secret=grouped(factor.secret),
        picture=draw_code(factor.uri),
        proof=factor.proof,
    )


# What both ask for


@asynccontextmanager
async def _proved(request: DeskRequest, template: str) -> AsyncIterator[tuple[Session, str, str]]:
    """A transaction, password and code as typed. Raises _Unproved for what it finds wrong."""
    password = await request.field("password", most=MOST_LETTERS)
    code = await request.field("code", most=MOST_LETTERS)
    try:
        async with request.parts.sign_ins, request.parts.new_session.begin() as session:
            yield session, password, code
    except WrongSignIn:
        said = {"password": request.text("desk-password-old-wrong")}
        raise _Unproved(await _ask_again(request, template, said)) from None
    except WrongCode as error:
        said = {"code": say_wrong_code(request, error)}
        raise _Unproved(await _ask_again(request, template, said)) from None
    except NotAllowed:  # an administrator took the second factor away in this very moment
        raise _Unproved(redirect(request, ACCOUNT)) from None
    except LockedOut as error:
        raise _Unproved(await _ask_again(request, template, locked=error)) from None


async def _ask_again(
    request: DeskRequest,
    template: str,
    said: Mapping[str, str] | None = None,
    *,
    locked: LockedOut | None = None,
) -> Response:
    """The form; `said` are words for its fields."""
    async with request.acting() as session:
        left = await accounts.count_recovery_codes(session, request.visitor.staff_id)
    status = _TOO_MANY if locked else _WRONG if said else 200
    return render(
        request,
        template,
        status=status,
        fault=None,
        said=said or {},
        minutes=minutes_left(request, locked),
        codes_left=left,
    )


def _number(typed: str) -> int:
    if not typed.isascii() or not typed.isdecimal():
        raise HTTPException(400)
    return int(typed)


ROUTES: Final = (
    page("/account/recovery-codes", show_codes, roles=EVERY_ROLE),
    page("/account/recovery-codes", change_codes, ["POST"], roles=EVERY_ROLE),
    page("/account/second-factor", show_phone, roles=EVERY_ROLE),
    page("/account/second-factor", change_phone, ["POST"], roles=EVERY_ROLE),
)
