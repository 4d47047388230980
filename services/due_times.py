"""How soon a request must be answered, and after how long the next one above learns that it is not.

All are hours in which the centre is open. They are assumptions until the centres have agreed on
their own.
"""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from db.models.request import Due
from services import centre_clock
from services.centre_clock import CentreClock

TIME_TO_ANSWER = {
    "urgent": timedelta(hours=2),
    "normal": timedelta(hours=8),
    "low": timedelta(hours=24),
}
CLIMB_AFTER = {
    "urgent": timedelta(hours=1),
    "normal": timedelta(hours=4),
    "low": timedelta(hours=8),
}


async def get_due(session: AsyncSession, centre_id: str) -> Due:
    """The clock of a centre: (urgency, from when) -> until when it should have answered."""
    clock = await centre_clock.get(session, centre_id)
    return lambda urgency, start: clock.after(start, TIME_TO_ANSWER[urgency])


def climb_at(urgency: str, now: datetime, clock: CentreClock) -> datetime:
    """When the next one above learns of a request that somebody learnt of now."""
    return clock.after(now, CLIMB_AFTER[urgency])
