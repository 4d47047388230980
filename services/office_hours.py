"""The centres' clock: times to answer are counted while a centre is open.

A request that comes on Friday evening before the Water Festival is not overdue on Saturday. Times
are Phnom Penh's; a holiday is one of the whole kingdom.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from holidays import HolidayBase, country_holidays

CAMBODIA = ZoneInfo("Asia/Phnom_Penh")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Hours = Mapping[str, Sequence[Sequence[str]]]
"""Opening hours by day: {"mon": [["08:00", "12:00"], ["13:30", "17:00"]], …}."""
IsHoliday = Callable[[date], bool]

# An assumption (the hours of public offices) until a centre has told its own.
DEFAULT_HOURS: Hours = dict.fromkeys(
    ("mon", "tue", "wed", "thu", "fri"), (("08:00", "12:00"), ("13:30", "17:00"))
)


@cache
def _holidays_of(year: int) -> HolidayBase:
    return country_holidays("KH", years=year, expand=False)


def is_holiday(day: date) -> bool:
    """Whether public offices of the kingdom are closed on this day."""
    return day in _holidays_of(day.year)


def add_working_time(
    start: datetime,
    duration: timedelta,
    hours: Hours | None = None,
    holiday: IsHoliday = is_holiday,
) -> datetime:
    """The moment at which a centre will have been open for `duration` since `start`.

    Hours of None, or that never open, are the assumed ones. The answer is in `start`'s time zone.
    """
    openings = _list_openings(start, hours, holiday)
    opens, closes = next(openings)
    left = duration
    while opens + left > closes:
        left -= closes - opens
        opens, closes = next(openings)
    return (opens + left).astimezone(start.tzinfo)


def is_open(at: datetime, hours: Hours | None = None, holiday: IsHoliday = is_holiday) -> bool:
    """Whether somebody is at the centre."""
    return next_opening(at, hours, holiday) <= at


def next_opening(
    at: datetime, hours: Hours | None = None, holiday: IsHoliday = is_holiday
) -> datetime:
    """When somebody is there again: `at` itself while the centre is open."""
    opens, _ = next(_list_openings(at, hours, holiday))
    return opens.astimezone(at.tzinfo)


def _list_openings(
    since: datetime, hours: Hours | None, holiday: IsHoliday
) -> Iterator[tuple[datetime, datetime]]:
    """When a centre is open from a moment on, without end; the first may already run."""
    since = since.astimezone(CAMBODIA)
    if not hours or not any(hours.get(day) for day in WEEKDAYS):
        hours = DEFAULT_HOURS
    day = since.date()
    while True:
        spans = () if holiday(day) else hours.get(WEEKDAYS[day.weekday()], ())
        for first, last in spans:
            closes = datetime.combine(day, time.fromisoformat(last), CAMBODIA)
            if closes > since:
                opens = datetime.combine(day, time.fromisoformat(first), CAMBODIA)
                yield max(opens, since), closes
        day += timedelta(days=1)
