"""The centres' clock: times to answer are counted while a centre is open.

A request that comes on Friday evening before the Water Festival is not overdue on Saturday. Times
are Phnom Penh's; a holiday is one of the whole kingdom as far as nobody has said otherwise
(`services.centre_clock`). Hours come from people: those that cannot
be understood are refused where they are told, and replaced by the usual ones where they are found,
since one centre's slip must not stop the clocks of all.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

import structlog
from holidays import HolidayBase, country_holidays

from services import khmer
from services.errors import UnusableHours

log = structlog.get_logger(__name__)

CAMBODIA = ZoneInfo("Asia/Phnom_Penh")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Hours = Mapping[str, Sequence[Sequence[str]]]
"""Opening hours by day: {"mon": [["08:00", "12:00"], ["13:30", "17:00"]], …}. A day ends at 24:00;
who is open over midnight is so on two days."""
Week = Mapping[str, Sequence[tuple[timedelta, timedelta]]]
"""The same as times since midnight, in their order."""
IsHoliday = Callable[[date], bool]

# An assumption (the hours of public offices) until a centre has told its own.
DEFAULT_HOURS: Hours = dict.fromkeys(
    ("mon", "tue", "wed", "thu", "fri"), (("08:00", "12:00"), ("13:30", "17:00"))
)

_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00")
_TYPED_TIME = re.compile(
    r"(?:ម៉ោង)?\s*(\d{1,2})(?:[:.h]?(\d\d))?\s*(?:h|(?P<am>am|ព្រឹក)|(?P<pm>pm|រសៀល|ល្ងាច))?"
)
_NOON = 12
_DAY = timedelta(days=1)
_CALENDAR_LANGUAGES = {"km": "km", "en": "en_US"}


@dataclass(frozen=True, slots=True)
class Holiday:
    """Days in a row on which an office is closed; `last` is the `first` of a single one."""

    name: str
    first: date
    last: date


@cache
def _holidays_of(year: int, language: str = "en") -> HolidayBase:
    said = _CALENDAR_LANGUAGES[language]
    return country_holidays("KH", years=year, expand=False, language=said)


def day_of(at: datetime) -> date:
    """The day in Cambodia."""
    return at.astimezone(CAMBODIA).date()


def is_holiday(day: date) -> bool:
    """Whether public offices of the kingdom are closed on this day."""
    return day in _holidays_of(day.year)


def list_holidays(since: date, until: date, language: str) -> Mapping[date, str]:
    """The holidays of the kingdom between two days (both included), named in 'km' or 'en'."""
    years = range(since.year, until.year + 1)
    return {
        day: name
        for year in years
        for day, name in sorted(_holidays_of(year, language).items())
        if since <= day <= until
    }


def in_rows(days: Iterable[tuple[date, str]]) -> Sequence[Holiday]:
    """Days in their order, those of one name that follow one another as one."""
    rows: list[Holiday] = []
    for day, name in days:
        if rows and (name, day) == (rows[-1].name, rows[-1].last + _DAY):
            rows[-1] = Holiday(name, rows[-1].first, day)
        else:
            rows.append(Holiday(name, day, day))
    return rows


def add_working_time(
    start: datetime,
    duration: timedelta,
    hours: Hours | None = None,
    holiday: IsHoliday = is_holiday,
) -> datetime:
    """The moment at which a centre will have been open for `duration` since `start`.

    Hours of None, that never open, or that `parse_hours` refuses are the assumed ones. The answer
    is in `start`'s time zone.
    """
    openings = _list_openings(start, _find_week(json.dumps(hours)), holiday)
    opens, closes = next(openings)
    left = duration
    while opens + left > closes:
        left -= closes - opens
        opens, closes = next(openings)
    return (opens + left).astimezone(start.tzinfo)


def are_assumed(hours: Hours | None) -> bool:
    """Whether the usual hours stand in for those of a centre: told none, or none that can be."""
    try:
        return hours is None or not any(parse_hours(hours).values())
    except UnusableHours:
        return True


def read_time(typed: str) -> str | None:
    """A time as people write it (8, 8h, 8.30, 1330, 5pm, ៨ព្រឹក) as `Hours` have it, else None."""
    found = _TYPED_TIME.fullmatch(khmer.normalise(typed).strip())
    if found is None:
        return None
    hour = int(found[1])
    if found["am"] or found["pm"]:
        if not 1 <= hour <= _NOON:
            return None
        hour = hour % _NOON + (_NOON if found["pm"] else 0)
    told = f"{hour:02}:{found[2] or '00'}"
    return told if _TIME.fullmatch(told) else None


def parse_hours(told: object) -> Week:
    """Read `Hours` as they came from outside. Raises UnusableHours, which says where they fail."""
    if not isinstance(told, Mapping):
        raise UnusableHours("opening hours are spans by day")
    unknown = set(told) - set(WEEKDAYS)
    if unknown:
        raise UnusableHours(f"the days are {', '.join(WEEKDAYS)}; not {min(map(str, unknown))!r}")
    return {day: _parse_day(day, spans) for day, spans in told.items()}


def _parse_day(day: str, told: object) -> Sequence[tuple[timedelta, timedelta]]:
    if not isinstance(told, list | tuple):
        raise UnusableHours(f"{day}: a list of spans is needed")
    spans = [_parse_span(day, span) for span in told]
    times = [moment for span in spans for moment in span]
    if times != sorted(times) or any(opens == closes for opens, closes in spans):
        raise UnusableHours(f"{day}: each span ends after it begins and before the next one begins")
    return spans


def _parse_span(day: str, told: object) -> tuple[timedelta, timedelta]:
    match told:
        case [str(opens), str(closes)]:
            return _parse_time(day, opens), _parse_time(day, closes)
        case _:
            raise UnusableHours(f"{day}: a span is two times, as 08:00 and 12:00")


def _parse_time(day: str, told: str) -> timedelta:
    if _TIME.fullmatch(told) is None:
        raise UnusableHours(f"{day}: {told!r} is no time of a day from 00:00 to 24:00")
    hours, minutes = told.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes))


@lru_cache(maxsize=256)
def _find_week(told: str) -> Week:
    """The hours that count, from JSON; what is wrong with others is logged once."""
    hours = json.loads(told)
    week: Week = {}
    if hours is not None:
        try:
            week = parse_hours(hours)
        except UnusableHours as error:
            log.error("opening_hours_unusable", reason=str(error))
    return week if any(week.values()) else parse_hours(DEFAULT_HOURS)


def _list_openings(
    since: datetime, week: Week, holiday: IsHoliday
) -> Iterator[tuple[datetime, datetime]]:
    """When a centre is open from a moment on, without end; the first may already run."""
    since = since.astimezone(CAMBODIA)
    day = since.date()
    while True:
        midnight = datetime.combine(day, time(), CAMBODIA)
        for opens, closes in () if holiday(day) else week.get(WEEKDAYS[day.weekday()], ()):
            if midnight + closes > since:
                yield max(midnight + opens, since), midnight + closes
        day += _DAY
