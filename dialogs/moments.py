"""Days and hours as people say them here: by part of the day, never 14:00 or 6/3."""

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_date

from locales.catalogue import SMS, Catalogue

CAMBODIA: Final = ZoneInfo("Asia/Phnom_Penh")
_DAY: Final = "EEEE d MMMM"
_NEAR: Final = "EEEE d"
_A_WEEK: Final = 7  # days
_HALF_AN_HOUR: Final = 30
_MORNING, _NOON, _AFTERNOON, _EVENING, _NIGHT = 4, 12, 13, 17, 19
# What the data of Unicode writes otherwise than the centres do.
_SPELT: Final = {"ច័ន្ទ": "ចន្ទ"}


def say_moment(
    catalogue: Catalogue, language: str, channel: str, at: datetime, now: datetime
) -> str:
    """ "ថ្ងៃចន្ទ 23 វិច្ឆិកា ម៉ោង 10 ព្រឹក", or today's hour.

    What is to come is rounded up to the half hour, so that it can be kept; what was has its minute.
    """
    local = at.astimezone(CAMBODIA)
    if at > now:
        local = _round_up(local)
    time = _say_time(catalogue, language, channel, local)
    if local.date() == now.astimezone(CAMBODIA).date():
        return catalogue.text("moment-today", language, channel, time=time)
    is_near = channel == SMS and abs(local - now) < timedelta(days=_A_WEEK)
    day = say_day(language, local, _NEAR if is_near else _DAY)
    return catalogue.text("moment-day", language, channel, day=day, time=time)


def say_opening(
    catalogue: Catalogue, language: str, channel: str, at: datetime, now: datetime
) -> str:
    """ "ចាប់ពីថ្ងៃចន្ទ 23 វិច្ឆិកា ម៉ោង 8 ព្រឹក": from when on a centre is open again.

    By SMS the day of the week is enough for a week, and the day alone beyond it.
    """
    local = _round_up(at.astimezone(CAMBODIA))
    time = _say_time(catalogue, language, channel, local)
    if local.date() == now.astimezone(CAMBODIA).date():
        return catalogue.text("opens-today", language, channel, time=time)
    if channel != SMS:
        day = say_day(language, local)
        return catalogue.text("opens-day", language, channel, day=day, time=time)
    if (local.date() - now.astimezone(CAMBODIA).date()).days < _A_WEEK:
        day = say_day(language, local, "EEEE")
        return catalogue.text("opens-day", language, channel, day=day, time=time)
    return catalogue.text("opens-later", language, channel, day=say_day(language, local, _NEAR))


def say_day(language: str, at: datetime, pattern: str = _DAY) -> str:
    """ "ចន្ទ 23 វិច្ឆិកា", without the word for day."""
    day: str = format_date(at.astimezone(CAMBODIA).date(), pattern, locale=language)
    for foreign, ours in _SPELT.items():
        day = day.replace(foreign, ours)
    return day


def _say_time(catalogue: Catalogue, language: str, channel: str, local: datetime) -> str:
    hour = (local.hour - 1) % 12 + 1
    clock = f"{hour}:{local.minute:02}" if local.minute else str(hour)
    return catalogue.text(f"time-{_part_of_day(local.hour)}", language, channel, clock=clock)


def _part_of_day(hour: int) -> str:
    """The night after midnight is "late": not every language names it like the one before."""
    if hour < _MORNING:
        return "late"
    if hour < _NOON:
        return "morning"
    if hour < _AFTERNOON:
        return "noon"
    if hour < _EVENING:
        return "afternoon"
    return "evening" if hour < _NIGHT else "night"


def _round_up(at: datetime) -> datetime:
    """To the half hour: nobody promises a minute."""
    whole = at.replace(second=0, microsecond=0)
    if whole < at:
        whole += timedelta(minutes=1)
    return whole + timedelta(minutes=-whole.minute % _HALF_AN_HOUR)
