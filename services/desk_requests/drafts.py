"""A reply while it is written: kept on every pause, and counted as it would go out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address, ReplyDraft, Request
from services import plain_text, sms_text
from services.accounts.types import Visitor
from services.desk_requests.replays import was_done
from services.desk_requests.rights import get_readable
from services.errors import TextTooLong
from services.message_words import MessageWords
from services.messages import LONGEST, as_sent

LONGEST_DRAFT = 10_000
"""Characters; more than any channel carries, so that somebody can shorten it here."""


@dataclass(frozen=True, slots=True)
class ReplySize:
    """What a reply takes with what is said around it.

    `units` are those of its channel (of GSM-7 or UCS-2 by SMS, UTF-16 on Telegram), `most` how many
    of UTF-16 fit in one message. `parts` are SMS that the centre pays for; 0 on Telegram.
    """

    channel: str
    units: int
    most: int
    parts: int
    fits: bool


async def save_draft(
    session: AsyncSession,
    visitor: Visitor,
    code: str,
    text: str,
    *,
    seen: int,
    words: MessageWords,
    now: datetime,
) -> ReplySize:
    """Keep what the visitor has written so far; what shows nothing is kept no more.

    Words that were sent meanwhile do not come back as a draft (`seen` as in `RequestPage`). Raises
    RequestNotFound, and TextTooLong over LONGEST_DRAFT.
    """
    # A reply that is on its way out now would clear the draft before it is kept.
    request = await get_readable(session, visitor, code, as_it_stays=True)
    if len(text) > LONGEST_DRAFT:
        raise TextTooLong(len(text), LONGEST_DRAFT)
    said = plain_text.clean(text)
    sent: Mapping[str, object] = {"text": said}
    if said and not await was_done(session, visitor, request, "staff_message", sent, seen=seen):
        await _keep(session, visitor, request, text, now)
    else:
        await clear_draft(session, visitor, request)
    address = await session.get_one(Address, request.address_id)
    is_shared = address.is_shared is True
    return count_parts(text, address.channel, address.language, code, words, is_shared=is_shared)


async def clear_draft(session: AsyncSession, visitor: Visitor, request: Request) -> None:
    """It was sent, or is not wanted any more."""
    mine = ReplyDraft.staff_id == visitor.staff_id
    await session.execute(delete(ReplyDraft).where(mine, ReplyDraft.request_id == request.id))


def count_parts(
    text: str,
    channel: str,
    language: str | None,
    code: str,
    words: MessageWords,
    *,
    is_shared: bool = False,
) -> ReplySize:
    """Counted on the very letters that leave when `services.threads.reply` is asked.

    On a phone that others read too these are others, but the reply must fit all the same.
    """
    worded = words.reply(language, channel, code, plain_text.clean(text))
    length = len(as_sent(channel, worded.text).encode("utf-16-le")) // 2
    fits = length <= LONGEST[channel]
    if channel != "sms":
        return ReplySize(channel, length, LONGEST[channel], 0, fits)
    counted = sms_text.count(as_sent(channel, worded.neutral if is_shared else worded.text))
    return ReplySize(channel, counted.units, LONGEST[channel], counted.parts, fits)


async def _keep(
    session: AsyncSession, visitor: Visitor, request: Request, text: str, now: datetime
) -> None:
    draft = insert(ReplyDraft).values(
        staff_id=visitor.staff_id, request_id=request.id, text=text, updated_at=now
    )
    await session.execute(
        draft.on_conflict_do_update(
            index_elements=[ReplyDraft.staff_id, ReplyDraft.request_id],
            set_={"text": draft.excluded.text, "updated_at": draft.excluded.updated_at},
        )
    )
