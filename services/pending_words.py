"""Words that wait until their writer has said whether they are for the centre.

They lie in the database from the moment they came, so that neither a flushed Redis nor somebody who
never answers loses them: a job gives them to the centre when nobody has said otherwise in time.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypedDict, cast

from sqlalchemy.ext.asyncio import AsyncSession

from services import addresses, drafts, jobs, requests, threads
from services.types import Address, Draft, Request

FORM = "whose"
GIVEN_AFTER = timedelta(minutes=30)
_PIECES = "pieces"


class Piece(TypedDict):
    """One message: what it says, its number in the inbox, and its number at the carrier."""

    text: str
    inbox_id: int | None
    message_id: int | None


async def keep(
    session: AsyncSession, address: Address, piece: Piece, *, now: datetime
) -> Sequence[Piece]:
    """Add a message to what waits, and promise the job; returns all that waits.

    Handled again it is added once, and not at all when it has been given already. What was said
    before is not said twice.
    """
    await requests.lock_address(session, address.id)
    if await requests.find_made_by(session, address, piece["inbox_id"]) is not None:
        return [piece]
    draft = await _find(session, address.id)
    if draft is None:
        draft = Draft(address_id=address.id, form=FORM, answers={_PIECES: [piece]}, updated_at=now)
        session.add(draft)
        await session.flush()
    elif not _is_kept(piece, _pieces_of(draft)):
        draft.answers = {_PIECES: [*_pieces_of(draft), piece]}
        draft.updated_at = now
    # Nothing is promised where a job waits already; one that was given up is followed by another.
    await jobs.defer(
        session,
        jobs.GIVE_WORDS,
        run_at=now + GIVEN_AFTER,
        queueing_lock=_lock(address.id),
        address_id=address.id,
    )
    return _pieces_of(draft)


async def correct(session: AsyncSession, address: Address, message_id: int, text: str) -> bool:
    """A message that waits was edited: it waits with its new words. False when it does not wait."""
    await requests.lock_address(session, address.id)
    draft = await _find(session, address.id)
    if draft is None or all(one["message_id"] != message_id for one in _pieces_of(draft)):
        return False
    draft.answers = {
        _PIECES: [
            {**one, "text": text} if one["message_id"] == message_id else one
            for one in _pieces_of(draft)
        ]
    }
    return True


async def give(
    session: AsyncSession, address_id: int, *, now: datetime, first_inbox_id: int | None = None
) -> Request | None:
    """What waits goes to the centre, and waits no more.

    `first_inbox_id` is the number of the first message: when nothing waits because it has been
    given already, the request that it went to is returned all the same. None when there is none.
    """
    address = await addresses.lock(session, address_id)
    if address is None:
        return None
    draft = await _find(session, address_id)
    if draft is None:
        return await requests.find_made_by(session, address, first_inbox_id)
    pieces = _pieces_of(draft)
    await _end(session, address_id)
    with_words = [one for one in pieces if one["text"].strip()]
    if not with_words:
        return None
    first = with_words[0]
    return await threads.talk(
        session,
        address,
        words_of(with_words),
        now=now,
        inbox_id=first["inbox_id"],
        message_id=first["message_id"],
    )


async def forget(session: AsyncSession, address: Address) -> None:
    """They were not for the centre."""
    await requests.lock_address(session, address.id)
    await _end(session, address.id)


def get_words(draft: Draft) -> str:
    """What waits, for who may see everything that is kept."""
    return words_of(_pieces_of(draft))


def words_of(pieces: Sequence[Piece]) -> str:
    """A line for each message."""
    return "\n".join(one["text"] for one in pieces)


def _pieces_of(draft: Draft) -> Sequence[Piece]:
    return cast(Sequence[Piece], draft.answers[_PIECES])


def _is_kept(piece: Piece, kept: Sequence[Piece]) -> bool:
    return any(
        one["text"] == piece["text"]
        or (piece["inbox_id"] is not None and one["inbox_id"] == piece["inbox_id"])
        for one in kept
    )


async def _find(session: AsyncSession, address_id: int) -> Draft | None:
    """As it is now: the address is held."""
    draft = await drafts.find_draft(session, address_id, FORM)
    if draft is not None:
        await session.refresh(draft)
    return draft


async def _end(session: AsyncSession, address_id: int) -> None:
    await drafts.discard(session, address_id, FORM)
    await jobs.cancel(session, [_lock(address_id)])


def _lock(address_id: int) -> str:
    return f"{jobs.GIVE_WORDS}:{address_id}"
