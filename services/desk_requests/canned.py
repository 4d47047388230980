"""Replies that are written often. Whoever chooses one gets it filled in, to change it as they like.

Filled with {name} it tells the person's name, so choosing one is a read of that person.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import regex
from sqlalchemy import or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address, CannedReply, Centre, Person
from services import audit, codes, khmer
from services.accounts.types import Visitor
from services.acting import across_centres
from services.desk_requests.looks import note_look
from services.desk_requests.rights import get_readable
from services.errors import ChangedMeanwhile, DomainError, NotAllowed, UnusableForm
from services.plain_text import clean, clean_line

PLACEHOLDERS: Final = ("name", "code", "centre")
LONGEST_TITLE: Final = 80
LONGEST_TEXT: Final = 1000
"""Characters."""
_PLACEHOLDER = regex.compile(r"\{(" + "|".join(PLACEHOLDERS) + r")\}")
_BRACES = regex.compile(r"\{[^{}]*\}|[{}]")
_KEEPERS = ("centre_manager", "administrator")


class CannedReplyNotFound(DomainError):  # noqa: N818
    """There is no such reply for this request, or it is not the asker's to end."""


class CannedReplyEnded(DomainError):  # noqa: N818
    """It was offered when the page was made, and is offered no more."""


async def list_replies(session: AsyncSession, centre_id: str | None) -> Sequence[CannedReply]:
    """Those of a centre and those of all, by title; None for those of all alone."""
    query = (
        select(CannedReply)
        .where(
            CannedReply.ended_at.is_(None),
            or_(CannedReply.centre_id.is_(None), CannedReply.centre_id == centre_id),
        )
        .execution_options(populate_existing=True)
    )
    return _in_order((await session.scalars(query)).all())


async def list_ended(session: AsyncSession, visitor: Visitor) -> Sequence[CannedReply]:
    """Those of the visitor's keeping that are offered no more, by title. Raises NotAllowed."""
    _check_keeper(visitor)
    owner = owner_of(visitor)
    query = (
        select(CannedReply)
        .where(
            CannedReply.ended_at.is_not(None),
            CannedReply.centre_id.is_not_distinct_from(owner),
        )
        .execution_options(populate_existing=True)
    )
    return _in_order((await session.scalars(query)).all())


async def get_own(session: AsyncSession, visitor: Visitor, reply_id: int) -> CannedReply:
    """One that is offered and that the visitor keeps. Raises NotAllowed, CannedReplyNotFound."""
    _check_keeper(visitor)
    reply = await session.get(CannedReply, reply_id, populate_existing=True)
    if reply is None or reply.ended_at is not None or reply.centre_id != owner_of(visitor):
        raise CannedReplyNotFound
    return reply


async def fill(
    session: AsyncSession, visitor: Visitor, code: str, reply_id: int, *, now: datetime
) -> str:
    """A reply about this request, in the person's language as far as it was written in it.

    The look at the name is written down. Raises RequestNotFound, CannedReplyNotFound and
    CannedReplyEnded.
    """
    request = await get_readable(session, visitor, code)
    reply = await session.get(CannedReply, reply_id, populate_existing=True)
    if reply is None or reply.centre_id not in (None, request.centre_id):
        raise CannedReplyNotFound
    if reply.ended_at is not None:
        raise CannedReplyEnded
    address = await session.get_one(Address, request.address_id)
    centre = await session.get_one(Centre, request.centre_id)
    async with across_centres(session):
        person = None if request.person_id is None else await session.get(Person, request.person_id)
    is_english = address.language == "en" and reply.text_en is not None
    words = reply.text_en if is_english and reply.text_en else reply.text_km
    if person is not None and "{name}" in words:
        await note_look(session, visitor, request, "read", ("name",), now=now)
    return filled(
        words,
        {
            "name": "" if person is None else person.name,
            "code": codes.display(code),
            "centre": centre.name_en if is_english else centre.name_km,
        },
    )


def filled(words: str, values: Mapping[str, str]) -> str:
    """The text with the value of each of PLACEHOLDERS; what is not known leaves no gap."""
    said = _PLACEHOLDER.sub(lambda found: values[found[1]], words)
    return regex.sub(r"[^\S\n]{2,}", " ", said).strip()


def find_unknown(words: str) -> str | None:
    """The first thing in braces that cannot be filled in, as it stands in the text."""
    braced = (found.group() for found in _BRACES.finditer(words))
    return next((one for one in braced if _PLACEHOLDER.fullmatch(one) is None), None)


async def add(
    session: AsyncSession,
    visitor: Visitor,
    title: str,
    text_km: str,
    text_en: str | None,
    *,
    now: datetime,
) -> CannedReply:
    """A new one: a manager's is of their centre, an administrator's of all.

    The same again is the one that is there. Raises NotAllowed and UnusableForm: title (missing,
    long), text_km (missing, long, placeholder), text_en (long, placeholder).
    """
    _check_keeper(visitor)
    told = _read(title, text_km, text_en)
    # A form that is sent twice in one moment must find what its first self has made.
    await session.execute(text("LOCK TABLE canned_reply IN SHARE ROW EXCLUSIVE MODE"))
    for known in await list_replies(session, owner_of(visitor)):
        if known.centre_id == owner_of(visitor) and not _changed(known, told):
            return known
    reply = CannedReply(centre_id=owner_of(visitor), **told, created_at=now, updated_at=now)
    session.add(reply)
    await session.flush()
    await _note(session, visitor, "added", reply, sorted(told), now=now)
    return reply


async def change(
    session: AsyncSession,
    visitor: Visitor,
    reply_id: int,
    *,
    title: str,
    text_km: str,
    text_en: str | None,
    seen: datetime | None,
    now: datetime,
) -> CannedReply:
    """What it says from now on. `seen` is the `updated_at` of the page that the words come from.

    The same form again changes nothing. Raises NotAllowed, CannedReplyNotFound, ChangedMeanwhile
    and UnusableForm as `add`.
    """
    reply = await _hold(session, visitor, reply_id)
    told = _read(title, text_km, text_en)
    changed = _changed(reply, told)
    if reply.ended_at is not None:
        raise CannedReplyNotFound
    if changed:
        if reply.updated_at != seen:
            raise ChangedMeanwhile
        for column in changed:
            setattr(reply, column, told[column])
        reply.updated_at = now
        await session.flush()
        await _note(session, visitor, "changed", reply, changed, now=now)
    return reply


async def end(session: AsyncSession, visitor: Visitor, reply_id: int, *, now: datetime) -> None:
    """Offer it no more; ended twice, it is ended once. Raises NotAllowed, CannedReplyNotFound."""
    reply = await _hold(session, visitor, reply_id)
    if reply.ended_at is None:
        reply.ended_at = reply.updated_at = now
        await session.flush()
        await _note(session, visitor, "ended", reply, ("ended_at",), now=now)


async def take_up(session: AsyncSession, visitor: Visitor, reply_id: int, *, now: datetime) -> None:
    """Offer it again; twice is once. Raises NotAllowed, CannedReplyNotFound."""
    reply = await _hold(session, visitor, reply_id)
    if reply.ended_at is not None:
        reply.ended_at = None
        reply.updated_at = now
        await session.flush()
        await _note(session, visitor, "changed", reply, ("ended_at",), now=now)


def may_keep(visitor: Visitor) -> bool:
    """Whether they say which replies there are."""
    return visitor.role in _KEEPERS


def owner_of(visitor: Visitor) -> str | None:
    """The centre whose replies a keeper writes; None for those of all."""
    return None if visitor.role == "administrator" else visitor.centre_id


def _in_order(replies: Sequence[CannedReply]) -> Sequence[CannedReply]:
    return sorted(replies, key=lambda reply: (khmer.sort_key(reply.title), reply.id))


def _check_keeper(visitor: Visitor) -> None:
    if not may_keep(visitor):
        raise NotAllowed


def _read(title: str, text_km: str, text_en: str | None) -> dict[str, str | None]:
    """The columns that the form means. Raises UnusableForm."""
    told = {
        "title": clean_line(title),
        "text_km": clean(text_km),
        "text_en": clean(text_en or ""),
    }
    faults = {field: fault for field, words in told.items() if (fault := _fault(field, words))}
    if faults:
        raise UnusableForm(faults)
    return {field: words or None for field, words in told.items()}


def _fault(field: str, words: str) -> str | None:
    if not words:
        return None if field == "text_en" else "missing"
    if field == "title":
        return "long" if len(words) > LONGEST_TITLE else None
    if len(words) > LONGEST_TEXT:
        return "long"
    return None if find_unknown(words) is None else "placeholder"


async def _hold(session: AsyncSession, visitor: Visitor, reply_id: int) -> CannedReply:
    _check_keeper(visitor)
    reply = await session.get(CannedReply, reply_id, with_for_update=True, populate_existing=True)
    if reply is None or reply.centre_id != owner_of(visitor):
        raise CannedReplyNotFound
    return reply


def _changed(reply: CannedReply, told: Mapping[str, object]) -> Sequence[str]:
    return [column for column, value in told.items() if getattr(reply, column) != value]


async def _note(
    session: AsyncSession,
    visitor: Visitor,
    action: str,
    reply: CannedReply,
    fields: Sequence[str],
    *,
    now: datetime,
) -> None:
    await audit.record_by(
        session,
        by=visitor.staff_id,
        action=action,
        subject="canned_reply",
        subject_id=reply.id,
        fields=fields,
        now=now,
    )
