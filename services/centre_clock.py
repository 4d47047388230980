"""The clock of each centre: its hours, the holidays of the kingdom, and what was said otherwise.

Whatever asks for working time asks here, so that a flood or a holiday that the government moves
counts everywhere at once: in due times, in what climbs, in the cards of staff.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Centre, ClosedDay
from services.errors import UnknownCentre
from services.office_hours import Hours, add_working_time, is_holiday


@dataclass(frozen=True, slots=True)
class CentreClock:
    """When a centre is open; `otherwise` are the days of which the calendar is not right.

    They are True for a day on which the centre is open, False for one on which it is closed.
    """

    hours: Hours | None = None
    otherwise: Mapping[date, bool] = field(default_factory=dict)

    def is_closed_on(self, day: date) -> bool:
        """Whether it is closed all day, whatever its hours are."""
        is_open = self.otherwise.get(day)
        return is_holiday(day) if is_open is None else not is_open

    def after(self, start: datetime, working_time: timedelta) -> datetime:
        """The moment at which the centre will have been open for so long since `start`."""
        return add_working_time(start, working_time, self.hours, self.is_closed_on)

    def next_open(self, at: datetime) -> datetime:
        """This moment when the centre is open, else when it opens next."""
        return self.after(at, timedelta(0))


async def get(session: AsyncSession, centre_id: str) -> CentreClock:
    """Raises UnknownCentre."""
    clock = (await list_for(session, {centre_id})).get(centre_id)
    if clock is None:
        raise UnknownCentre
    return clock


async def list_for(session: AsyncSession, centre_ids: Collection[str]) -> Mapping[str, CentreClock]:
    """The clocks of these centres, by id."""
    if not centre_ids:
        return {}
    told = await session.execute(select(Centre.id, Centre.hours).where(Centre.id.in_(centre_ids)))
    query = select(ClosedDay.centre_id, ClosedDay.day, ClosedDay.is_open).where(
        or_(ClosedDay.centre_id.is_(None), ClosedDay.centre_id.in_(centre_ids))
    )
    days = (await session.execute(query)).all()
    for_all = {day: is_open for centre_id, day, is_open in days if centre_id is None}
    return {
        one: CentreClock(
            hours, for_all | {day: is_open for owner, day, is_open in days if owner == one}
        )
        for one, hours in told
    }
