"""What is overdue climbs: to its owner, then to the centre's manager, then to the administrator."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Request, Staff
from db.models.request_moves import CLIMBED_TO
from services import centre_clock
from services.due_times import climb_at
from services.staff_cards import telling


async def climb(session: AsyncSession, now: datetime, limit: int = 100) -> int:
    """Move everything whose time has passed one level up; returns how much that was.

    Rows that somebody is changing this moment wait for the next run.
    """
    query = (
        select(Request, Staff.ended_at)
        .outerjoin(Staff, Staff.id == Request.owner_id)
        .where(Request.climb_at <= now)
        .order_by(Request.climb_at)
        .limit(limit)
        .with_for_update(key_share=True, skip_locked=True, of=Request)
        .execution_options(populate_existing=True)
    )
    overdue = (await session.execute(query)).all()
    clocks = await centre_clock.list_for(session, {request.centre_id for request, _ in overdue})
    for request, owner_left_at in overdue:
        clock = clocks[request.centre_id]
        level = _next_level(request, has_owner=request.owner_id is not None and not owner_left_at)
        again_at = None if level == CLIMBED_TO[-1] else climb_at(request.urgency, now, clock)
        request.climb(level, now=now, climb_at=again_at)
        await telling.tell_overdue(session, request, level, now=now)
    await session.flush()
    return len(overdue)


def _next_level(request: Request, *, has_owner: bool) -> str:
    """Without an owner the first to learn is the manager."""
    if request.climbed_to is None:
        return CLIMBED_TO[0 if has_owner else 1]
    return CLIMBED_TO[min(CLIMBED_TO.index(request.climbed_to) + 1, len(CLIMBED_TO) - 1)]
