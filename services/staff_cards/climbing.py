"""A card that nobody looks at climbs: owner or workers, the centre's managers, administrators.

One who has seen it is enough: from then on the clock of the request itself is the only one. Where
nobody stands above, those who were told last are told again, once a day.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import OutboxRow, Request, StaffCard
from services.office_hours import CAMBODIA
from services.outbox import UNSENT
from services.staff_cards.recipients import list_linked
from services.staff_cards.roles import LADDER
from services.staff_cards.telling import is_wanted, round_of, tell_above, write_cards

REPEAT_AFTER: Final = timedelta(days=1)
BATCH: Final = 200


async def climb(session: AsyncSession, now: datetime, limit: int = BATCH) -> int:
    """Tell the next ones above of what lay unseen too long, or never arrived.

    Returns how many cards were looked at. Rows that somebody is changing wait for the next run.
    """
    query = (
        select(StaffCard, Request, OutboxRow.state)
        .join(Request, Request.id == StaffCard.request_id)
        .join(OutboxRow, OutboxRow.id == StaffCard.outbox_id)
        .where(
            StaffCard.climb_at.is_not(None),
            or_(StaffCard.climb_at <= now, OutboxRow.state.in_(UNSENT)),
        )
        .order_by(StaffCard.climb_at, StaffCard.id)
        .limit(limit)
        # The request too: handing it over changes its cards, and each would wait for the other.
        .with_for_update(key_share=True, skip_locked=True, of=(StaffCard, Request))
        .execution_options(populate_existing=True)
    )
    rows = (await session.execute(query)).all()
    unseen: list[tuple[StaffCard, Request]] = []
    lost: list[tuple[StaffCard, Request]] = []
    for card, request, state in rows:
        card.climb_at = None
        if not is_wanted(card, request):
            card.ended_at = now
        elif state in UNSENT:
            lost.append((card, request))
        else:
            unseen.append((card, request))
    await session.flush()
    for card, request in _highest_of_each(unseen):
        await _go_up(session, request, card, now)
    await give_up(session, lost, now)
    await session.flush()
    return len(rows)


async def give_up(
    session: AsyncSession, lost: Sequence[tuple[StaffCard, Request]], now: datetime
) -> None:
    """These cards reach nobody: where no other of their level can be seen, the next above hears."""
    for card, _ in lost:
        card.climb_at = None
        card.ended_at = now
    await session.flush()
    for card, request in _highest_of_each(lost):
        others = await _list_round(session, card)
        if not any(other.climb_at is not None and other.level == card.level for other in others):
            await _go_up(session, request, card, now)


def _highest_of_each(
    found: Sequence[tuple[StaffCard, Request]],
) -> Sequence[tuple[StaffCard, Request]]:
    """One card of each round: the climb goes on from the highest."""
    by_level = sorted(found, key=lambda one: LADDER.index(one[0].level))
    highest = {(card.request_id, card.cause): (card, request) for card, request in by_level}
    return list(highest.values())


async def _go_up(session: AsyncSession, request: Request, card: StaffCard, now: datetime) -> None:
    """Unless somebody has seen one of the round, or somebody higher has one already."""
    cards = await _list_round(session, card)
    highest = max((LADDER.index(other.level) for other in cards), default=0)
    if any(other.seen_at is not None for other in cards) or LADDER.index(card.level) < highest:
        return
    if not await tell_above(session, request, card, now=now):
        await _tell_again(session, request, card, now)


async def _tell_again(
    session: AsyncSession, request: Request, card: StaffCard, now: datetime
) -> None:
    at = max(now, card.created_at + REPEAT_AFTER)
    linked = await list_linked(session, request, card.level)
    day = at.astimezone(CAMBODIA).date().isoformat()
    own = round_of(card)
    await write_cards(
        session, request, card.cause, card.level, linked, in_round=own, at=at, again=f":{day}"
    )


async def _list_round(session: AsyncSession, card: StaffCard) -> Sequence[StaffCard]:
    """The card and all others of its round."""
    query = select(StaffCard).where(
        StaffCard.request_id == card.request_id,
        StaffCard.cause_key.startswith(round_of(card), autoescape=True),
    )
    return (await session.scalars(query)).all()
