"""Cards are written in the transaction of their cause; a job makes messages of them.

Cards of one cause are a *round*, and know how the request stood then (whose it is, and until when
it should be answered). Who was told in a round is not told again; when anything of how it stood
changes, because somebody took the request or answered it, its cards are needless.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Request, RequestEvent, StaffCard
from services import centre_clock, jobs
from services.staff_cards import looks
from services.staff_cards.recipients import list_linked, list_wakeful
from services.staff_cards.roles import ADMINISTRATOR, MANAGER, OWNER, WORKER, levels_above

URGENT, OVERDUE = "urgent", "overdue"
FREE_STATES = ("new", "reopened")
_STAND_ENDS, _ROUND_ENDS = "#", "|"
# What is overdue stays so: however it climbs, nobody hears of it twice.
_ONE_ROUND = 0


async def promise_look(session: AsyncSession, request: Request) -> None:
    """Whatever is about to become of it, its cards are to say so (`services.staff_cards.standing`).

    The job runs when the caller's transaction is done. The request is held, or new.
    """
    query = select(StaffCard.id).where(
        StaffCard.request_id == request.id, StaffCard.outbox_id.is_not(None)
    )
    if await session.scalar(query.limit(1)) is not None:
        await looks.promise(session, jobs.SHOW_CARDS, request_id=request.id)


async def tell_urgent(
    session: AsyncSession, request: Request, *, now: datetime, by: UUID | None = None
) -> None:
    """Word of an urgent request that waits for the centre; `by` has made it so, and knows.

    Its owner hears of it, else those of the centre who may take it; where none of them has linked
    a chat, the next above.
    """
    await promise_look(session, request)
    is_own = by is not None and request.owner_id == by
    if request.urgency != URGENT or request.due_at is None or is_own:
        return
    levels = [MANAGER, ADMINISTRATOR]
    if request.state in FREE_STATES:
        levels.insert(0, WORKER)
    if request.owner_id is not None:
        levels.insert(0, OWNER)
    await session.flush()
    last = select(func.max(RequestEvent.id)).where(RequestEvent.request_id == request.id)
    event = await session.scalar(last) or 0
    await _tell_first(session, request, URGENT, levels, event=event, now=now, by=by)


async def tell_overdue(
    session: AsyncSession, request: Request, level: str, *, now: datetime
) -> None:
    """Word of what was not answered in time, to who learns of it now; level as in `escalation`."""
    if request.due_at is not None:
        levels = (level, *levels_above(level))
        await _tell_first(session, request, OVERDUE, levels, event=_ONE_ROUND, now=now)


async def tell_above(
    session: AsyncSession, request: Request, card: StaffCard, *, now: datetime
) -> bool:
    """Tell the nearest above of whom anybody was not told yet; False when there is nobody."""
    for above in levels_above(card.level):
        linked = await list_linked(session, request, above)
        own = round_of(card)
        if await write_cards(session, request, card.cause, above, linked, in_round=own, at=now):
            return True
    return False


async def write_cards(
    session: AsyncSession,
    request: Request,
    cause: str,
    level: str,
    staff_ids: Sequence[UUID],
    *,
    in_round: str,
    at: datetime,
    again: str = "",
) -> int:
    """Cards of a round, to be sent at a moment or as soon as the centre opens then.

    Who has chosen so hears of what is urgent at any hour.

    `again` tells a repeated card from the first. Returns how many are new.
    """
    if not staff_ids:
        return 0
    # Nobody is rung up at night.
    opens_at = (await centre_clock.get(session, request.centre_id)).next_open(at)
    at_once = await list_wakeful(session, staff_ids) if cause == URGENT else frozenset()
    cards = [
        {
            "staff_id": staff_id,
            "request_id": request.id,
            "centre_id": request.centre_id,
            "cause": cause,
            "level": level,
            "cause_key": f"{in_round}{staff_id}{again}",
            "created_at": at,
            "climb_at": at if staff_id in at_once else opens_at,
        }
        for staff_id in staff_ids
    ]
    new = insert(StaffCard).on_conflict_do_nothing(index_elements=["cause_key"])
    written = (await session.scalars(new.returning(StaffCard.id), cards)).all()
    if written and (opens_at <= at or at_once):
        await jobs.defer(session, jobs.SEND_CARDS, lock=jobs.STAFF_CARDS)
    return len(written)


def round_of(card: StaffCard) -> str:
    """What all cards of its round begin their `cause_key` with."""
    return card.cause_key.rpartition(_ROUND_ENDS)[0] + _ROUND_ENDS


def _stand_of(request: Request, cause: str) -> str:
    """How it stands: whose it is, and until when it should be answered."""
    due = "-" if request.due_at is None else int(request.due_at.timestamp())
    stands = "free" if request.state in FREE_STATES else "held"
    owner = request.owner_id or "-"
    return f"{cause}:{request.id}:{request.centre_id}:{due}:{owner}:{stands}{_STAND_ENDS}"


def is_wanted(card: StaffCard, request: Request) -> bool:
    """Whether the request stands as it did when the card was written."""
    if request.due_at is None or (card.cause == URGENT and request.urgency != URGENT):
        return False
    return card.cause_key.startswith(_stand_of(request, card.cause))


async def _tell_first(
    session: AsyncSession,
    request: Request,
    cause: str,
    levels: Sequence[str],
    *,
    event: int,
    now: datetime,
    by: UUID | None = None,
) -> None:
    """The first of these levels with anybody at all; who has word of just this keeps it."""
    stand = _stand_of(request, cause)
    for level in levels:
        linked = await list_linked(session, request, level)
        if linked:
            know = {by, *await _list_waiting(session, request, stand)}
            others = [staff_id for staff_id in linked if staff_id not in know]
            own = f"{stand}{event}{_ROUND_ENDS}"
            await write_cards(session, request, cause, level, others, in_round=own, at=now)
            return


async def _list_waiting(session: AsyncSession, request: Request, stand: str) -> Sequence[UUID]:
    """Whose card of the request as it stands waits to be sent or seen."""
    query = select(StaffCard.staff_id).where(
        StaffCard.request_id == request.id,
        StaffCard.climb_at.is_not(None),
        StaffCard.cause_key.startswith(stand, autoescape=True),
    )
    return (await session.scalars(query)).all()
