"""Replies that are written often. Whoever chooses one gets it filled in, to change it as they like.

Filled with {name} it tells the person's name, so choosing one is a read of that person.
"""

import string
from collections.abc import Sequence
from datetime import datetime

import regex
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address, CannedReply, Centre, Person
from services import audit, codes
from services.accounts.types import Visitor
from services.desk_requests.rights import across_centres, get_readable
from services.errors import DomainError, EmptyText, NotAllowed

PLACEHOLDERS = ("name", "code", "centre")
_PLACEHOLDER = regex.compile(r"\{(" + "|".join(PLACEHOLDERS) + r")\}")
_KEEPERS = ("centre_manager", "administrator")


class CannedReplyNotFound(DomainError):  # noqa: N818
    """There is no such reply for this request, or it is not the asker's to end."""


class UnknownPlaceholder(DomainError):  # noqa: N818
    """The text wants something filled in that nobody knows; `name` is how it calls it."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"nothing is known under the name {name!r}")


async def list_replies(session: AsyncSession, centre_id: str | None) -> Sequence[CannedReply]:
    """Those of a centre and those of all, by title; None for those of all alone."""
    query = (
        select(CannedReply)
        .where(
            CannedReply.ended_at.is_(None),
            or_(CannedReply.centre_id.is_(None), CannedReply.centre_id == centre_id),
        )
        .order_by(CannedReply.title, CannedReply.id)
    )
    return (await session.scalars(query)).all()


async def fill(
    session: AsyncSession, visitor: Visitor, code: str, reply_id: int, *, now: datetime
) -> str:
    """A reply about this request, in the person's language as far as it was written in it.

    The look at the name is written down. Raises RequestNotFound and CannedReplyNotFound.
    """
    request = await get_readable(session, visitor, code)
    reply = await session.get(CannedReply, reply_id)
    if reply is None or reply.ended_at is not None:
        raise CannedReplyNotFound
    if reply.centre_id not in (None, request.centre_id):
        raise CannedReplyNotFound
    address = await session.get_one(Address, request.address_id)
    centre = await session.get_one(Centre, request.centre_id)
    async with across_centres(session):
        person = None if request.person_id is None else await session.get(Person, request.person_id)
    is_english = address.language == "en" and reply.text_en is not None
    text = reply.text_en if is_english and reply.text_en else reply.text_km
    if person is not None and "{name}" in text:
        await audit.record(
            session,
            actor="staff",
            actor_id=visitor.staff_id,
            action="read",
            subject="person",
            subject_id=person.id,
            fields=("name",),
            now=now,
        )
    return _filled(
        text,
        {
            "name": "" if person is None else person.name,
            "code": codes.display(code),
            "centre": centre.name_en if is_english else centre.name_km,
        },
    )


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

    Raises NotAllowed, EmptyText and UnknownPlaceholder.
    """
    _check_keeper(visitor)
    title, text_km, text_en = title.strip(), text_km.strip(), (text_en or "").strip() or None
    if not title or not text_km:
        raise EmptyText
    for text in (text_km, text_en or ""):
        _check_placeholders(text)
    reply = CannedReply(
        centre_id=_centre_of(visitor),
        title=title,
        text_km=text_km,
        text_en=text_en,
        created_at=now,
        updated_at=now,
    )
    session.add(reply)
    await session.flush()
    await _note(session, visitor, "added", reply, now)
    return reply


async def end(session: AsyncSession, visitor: Visitor, reply_id: int, *, now: datetime) -> None:
    """Offer it no more; ended twice, it is ended once. Raises NotAllowed, CannedReplyNotFound."""
    _check_keeper(visitor)
    reply = await session.get(CannedReply, reply_id)
    if reply is None or reply.centre_id != _centre_of(visitor):
        raise CannedReplyNotFound
    if reply.ended_at is None:
        reply.ended_at = now
        await session.flush()
        await _note(session, visitor, "ended", reply, now)


def may_keep(visitor: Visitor) -> bool:
    """Whether they say which replies there are."""
    return visitor.role in _KEEPERS


def _check_keeper(visitor: Visitor) -> None:
    if not may_keep(visitor):
        raise NotAllowed


def _centre_of(visitor: Visitor) -> str | None:
    return None if visitor.role == "administrator" else visitor.centre_id


def _check_placeholders(text: str) -> None:
    try:
        named = {name for _, name, *_ in string.Formatter().parse(text) if name is not None}
    except ValueError:
        raise UnknownPlaceholder("{") from None
    if unknown := sorted(named - set(PLACEHOLDERS)):
        raise UnknownPlaceholder(unknown[0])


def _filled(text: str, values: dict[str, str]) -> str:
    """What is not known leaves no gap."""
    filled = _PLACEHOLDER.sub(lambda found: values[found[1]], text)
    return regex.sub(r"[^\S\n]{2,}", " ", filled).strip()


async def _note(
    session: AsyncSession, visitor: Visitor, action: str, reply: CannedReply, now: datetime
) -> None:
    await audit.record(
        session,
        actor="staff",
        actor_id=visitor.staff_id,
        action=action,
        subject="canned_reply",
        subject_id=reply.id,
        now=now,
    )
