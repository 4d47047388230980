"""Replies that are written often: everybody reads them, managers and administrators keep them.

A preview shows what would really go out, on both channels, and what it costs by SMS.
"""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from starlette.responses import Response

from desk.access import REQUEST_ROLES, page, redirect
from desk.pages.centre_parts import (
    CHANGED,
    SECTIONS,
    WRONG,
    at_subject,
    number_of,
    one_of,
    seen_at,
)
from desk.rendering import render
from desk.request import ADDRESS, DeskRequest
from services import centres, codes
from services.acting import Session
from services.desk_requests import ReplySize, canned, count_parts
from services.desk_requests.canned import PLACEHOLDERS
from services.errors import ChangedMeanwhile, UnusableForm

CANNED: Final = f"{ADDRESS}/canned"
DONE: Final = ("added", "changed", "ended", "taken_up")
FAULTS: Final = ("placeholder",)
KEEPERS: Final = ("centre_manager", "administrator")
# Somebody who does not exist.
_EXAMPLE_NAMES: Final = {"km": "ចាន់ សុភា", "en": "Chan Sophea"}
_EXAMPLE_CODE: Final = "12345678"


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the form; `seen` is the version that it was made from."""

    title: str = ""
    text_km: str = ""
    text_en: str = ""
    seen: datetime | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """One message of a preview, as somebody would get it."""

    language: str
    channel: str
    text: str
    size: ReplySize


async def list_replies(request: DeskRequest) -> Response:
    """Those that are offered; to their keepers also the ended ones, behind a link."""
    visitor = request.visitor
    is_ended = request.query_params.get("ended") == "yes" and canned.may_keep(visitor)
    async with request.acting() as session:
        if is_ended:
            replies = await canned.list_ended(session, visitor)
        else:
            replies = await canned.list_replies(session, visitor.centre_id)
        names = await _centre_names(request, session)
    return render(
        request,
        "canned.html",
        sections=SECTIONS,
        replies=[(one, _parts(request, one.text_km, "km", names["km"])) for one in replies],
        is_ended=is_ended,
        may_keep=canned.may_keep(visitor),
        own_centre=canned.owner_of(visitor),
        done=one_of(request.query_params.get("done", ""), DONE),
    )


async def show_new(request: DeskRequest) -> Response:
    return await _form(request, Typed())


async def add(request: DeskRequest) -> Response:
    typed = await _read(request)
    if await request.field("do") == "preview":
        return await _form(request, typed)
    try:
        async with request.acting() as session:
            await canned.add(
                *(session, request.visitor),
                *(typed.title, typed.text_km, typed.text_en),
                now=request.now(),
            )
    except UnusableForm as error:
        return await _form(request, typed, faults=error.faults)
    return redirect(request, f"{CANNED}?done=added")


async def show(request: DeskRequest) -> Response:
    async with _at_reply(request) as session:
        reply = await canned.get_own(session, request.visitor, _reply_id(request))
    typed = Typed(reply.title, reply.text_km, reply.text_en or "", reply.updated_at)
    return await _form(request, typed)


async def change(request: DeskRequest) -> Response:
    """Keep it, or show only what it would look like; of two who write, the second decides anew."""
    typed = await _read(request)
    async with _at_reply(request) as session:
        kept = await canned.get_own(session, request.visitor, _reply_id(request))
    if await request.field("do") == "preview":
        return await _form(request, typed)
    try:
        async with _at_reply(request) as session:
            await canned.change(
                session,
                request.visitor,
                _reply_id(request),
                title=typed.title,
                text_km=typed.text_km,
                text_en=typed.text_en,
                seen=typed.seen,
                now=request.now(),
            )
    except UnusableForm as error:
        return await _form(request, typed, faults=error.faults)
    except ChangedMeanwhile:
        now = Typed(kept.title, kept.text_km, kept.text_en or "", kept.updated_at)
        return await _form(request, replace(typed, seen=kept.updated_at), kept=now)
    return redirect(request, f"{CANNED}?done=changed")


async def end(request: DeskRequest) -> Response:
    async with _at_reply(request) as session:
        await canned.end(session, request.visitor, _reply_id(request), now=request.now())
    return redirect(request, f"{CANNED}?done=ended")


async def take_up(request: DeskRequest) -> Response:
    async with _at_reply(request) as session:
        await canned.take_up(session, request.visitor, _reply_id(request), now=request.now())
    return redirect(request, f"{CANNED}?done=taken_up")


async def _form(
    request: DeskRequest,
    typed: Typed,
    *,
    faults: Mapping[str, str] | None = None,
    kept: Typed | None = None,
) -> Response:
    """`kept` is what somebody else has written meanwhile."""
    async with request.acting() as session:
        names = await _centre_names(request, session)
    return render(
        request,
        "canned_form.html",
        status=WRONG if faults else CHANGED if kept else 200,
        sections=SECTIONS,
        typed=typed,
        faults=faults or {},
        unknown={
            field: canned.find_unknown(words)
            for field, words in (("text_km", typed.text_km), ("text_en", typed.text_en))
        },
        kept=kept,
        is_new="reply" not in request.path_params,
        placeholders=PLACEHOLDERS,
        preview=_preview(request, typed, names),
    )


def _preview(request: DeskRequest, typed: Typed, names: Mapping[str, str]) -> list[Shown]:
    written = [("km", typed.text_km.strip()), ("en", typed.text_en.strip())]
    return [
        _shown(request, words, language, channel, names[language])
        for language, words in written
        if words
        for channel in ("sms", "telegram")
    ]


def _shown(request: DeskRequest, written: str, language: str, channel: str, centre: str) -> Shown:
    words = request.parts.words
    filled = canned.filled(written, _example(language, centre))
    said = words.reply(language, channel, _EXAMPLE_CODE, filled).text
    return Shown(
        language, channel, said, count_parts(filled, channel, language, _EXAMPLE_CODE, words)
    )


def _parts(request: DeskRequest, written: str, language: str, centre: str) -> int:
    return _shown(request, written, language, "sms", centre).size.parts


def _example(language: str, centre: str) -> Mapping[str, str]:
    return {
        "name": _EXAMPLE_NAMES[language],
        "code": codes.display(_EXAMPLE_CODE),
        "centre": centre,
    }


async def _centre_names(request: DeskRequest, session: Session) -> Mapping[str, str]:
    """Of the visitor's own centre; for who works for all, the longest, which costs the most."""
    own = request.visitor.centre_id
    known = [one for one in await centres.list_all(session) if own in (None, one.id)]
    return {
        "km": max((one.name_km for one in known), key=len),
        "en": max((one.name_en for one in known), key=len),
    }


async def _read(request: DeskRequest) -> Typed:
    title, text_km, text_en = [
        await request.field(name) for name in ("title", "text_km", "text_en")
    ]
    return Typed(title, text_km, text_en, await seen_at(request))


def _at_reply(request: DeskRequest) -> AbstractAsyncContextManager[Session]:
    return at_subject(request, "canned_reply", _reply_id(request))


def _reply_id(request: DeskRequest) -> int:
    return number_of(request.path_params["reply"])


ROUTES: Final = (
    page("/canned", list_replies, roles=REQUEST_ROLES),
    page("/canned/new", show_new, roles=KEEPERS),
    page("/canned/new", add, ["POST"], roles=KEEPERS),
    page("/canned/{reply}", show, roles=KEEPERS),
    page("/canned/{reply}", change, ["POST"], roles=KEEPERS),
    page("/canned/{reply}/end", end, ["POST"], roles=KEEPERS),
    page("/canned/{reply}/take-up", take_up, ["POST"], roles=KEEPERS),
)
