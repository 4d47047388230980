"""Friday is 20 November 2026; from the 23rd to the 25th is the Water Festival."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from services.errors import UnusableHours
from services.office_hours import (
    CAMBODIA,
    DEFAULT_HOURS,
    Hours,
    add_working_time,
    are_assumed,
    in_rows,
    is_holiday,
    list_holidays,
    parse_hours,
    read_time,
)

HOUR = timedelta(hours=1)
ALL_DAY_SATURDAY = {"sat": [["00:00", "23:59"]]}


def at(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=CAMBODIA)


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        (at(20, 8), 2, at(20, 10)),
        (at(20, 11), 2, at(20, 14, 30)),  # over lunch
        (at(20, 12, 30), 1, at(20, 14, 30)),  # in the middle of it
        (at(20, 16), 1, at(20, 17)),  # to the last minute of the day
        (at(19, 16), 2, at(20, 9)),  # over a night
        (at(20, 16), 2, at(26, 9)),  # over a weekend and a festival
        (at(21, 3), 2, at(26, 10)),  # from a Saturday night
        (at(20, 8), 8, at(26, 8, 30)),  # longer than a day of seven and a half hours
        (at(31, 16, month=12), 2, datetime(2027, 1, 4, 9, tzinfo=CAMBODIA)),  # New Year
    ],
)
def test_time_counts_while_the_centre_is_open(start: datetime, hours: int, end: datetime) -> None:
    assert add_working_time(start, hours * HOUR) == end


def test_a_centre_that_told_its_hours_is_counted_by_them() -> None:
    assert add_working_time(at(20, 8), 2 * HOUR, ALL_DAY_SATURDAY) == at(21, 2)


@pytest.mark.parametrize("hours", [None, {}, {"mon": []}])
def test_a_centre_that_never_opens_is_counted_by_the_usual_hours(
    hours: dict[str, list[list[str]]] | None,
) -> None:
    assert add_working_time(at(20, 8), HOUR, hours) == at(20, 9)


def test_holidays_are_those_of_the_kingdom() -> None:
    assert [is_holiday(at(day, 0).date()) for day in (20, 23, 24, 25, 26)] == [
        False,
        True,
        True,
        True,
        False,
    ]
    assert add_working_time(at(20, 16), 2 * HOUR, holiday=lambda day: False) == at(23, 9)


def test_the_answer_keeps_the_time_zone_of_the_question() -> None:
    end = add_working_time(datetime(2026, 11, 20, 1, tzinfo=UTC), HOUR)
    assert (end, end.tzinfo) == (at(20, 9), UTC)


@pytest.mark.parametrize(
    "hours",
    [
        {"mon": [["08:00", "12:00"], ["13:30", "24:00"]], "sun": [["00:00", "24:00"]]},
        {"sat": []},
        {},
        DEFAULT_HOURS,
    ],
)
def test_hours_that_people_tell(hours: Hours) -> None:
    assert set(parse_hours(hours)) == set(hours)


@pytest.mark.parametrize(
    ("hours", "why"),
    [
        ("08:00-12:00", "spans by day"),
        ([["08:00", "12:00"]], "spans by day"),
        ({"Monday": [["08:00", "12:00"]]}, "'Monday'"),
        ({"mon": "08:00-12:00"}, "mon: a list"),
        ({"mon": ["08:00", "12:00"]}, "mon: a span is"),
        ({"mon": [["08:00"]]}, "mon: a span is"),
        ({"mon": [[8, 12]]}, "mon: a span is"),
        ({"mon": [["8 o'clock", "12:00"]]}, "no time"),
        ({"mon": [["08:00", "24:01"]]}, "'24:01'"),
        ({"fri": [["22:00", "06:00"]]}, "fri: each span ends after"),
        ({"fri": [["08:00", "08:00"]]}, "fri: each span ends after"),
        ({"fri": [["08:00", "12:00"], ["11:00", "17:00"]]}, "before the next"),
    ],
)
def test_hours_that_cannot_be_are_refused_and_stop_no_clock(hours: Any, why: str) -> None:
    with pytest.raises(UnusableHours, match=why):
        parse_hours(hours)
    with capture_logs() as logs:
        for _ in range(2):
            assert add_working_time(at(20, 16), 2 * HOUR, hours) == at(26, 9), "the usual hours"
    assert [line["event"] for line in logs] == ["opening_hours_unusable"]


def test_who_is_open_until_midnight_is_so_until_its_end() -> None:
    hours = {"fri": [["20:00", "24:00"]], "sat": [["00:00", "02:00"]]}
    assert add_working_time(at(20, 23), 2 * HOUR, hours) == at(21, 1)


def test_days_of_one_holiday_are_named_once_and_go_on_over_the_year() -> None:
    days = list_holidays(date(2026, 11, 24), date(2027, 1, 1), "en")
    assert [(one.name, one.first, one.last) for one in in_rows(days.items())] == [
        ("Water Festival", date(2026, 11, 24), date(2026, 11, 25)),
        ("Peace Day in Cambodia", date(2026, 12, 29), date(2026, 12, 29)),
        ("International New Year Day", date(2027, 1, 1), date(2027, 1, 1)),
    ]
    named = list_holidays(date(2026, 11, 24), date(2027, 1, 1), "km").values()
    assert all("\u1780" <= name[0] <= "\u17ff" for name in named)


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("8", "08:00"),
        ("8:00", "08:00"),
        ("08.30", "08:30"),
        (" 0830 ", "08:30"),
        ("៨:៣០", "08:30"),
        ("24:00", "24:00"),
        ("8h", "08:00"),
        ("8h30", "08:30"),
        ("1330", "13:30"),
        ("13.30", "13:30"),
        ("5pm", "17:00"),
        ("5:30 PM", "17:30"),
        ("12am", "00:00"),
        ("12pm", "12:00"),
        ("ម៉ោង៨ព្រឹក", "08:00"),
        ("៥ ល្ងាច", "17:00"),
        *[(wrong, None) for wrong in ("", "24:01", "25", "8:60", "8:5", "8x", "-8", "1e3")],
        *[(wrong, None) for wrong in ("13pm", "0am", "pm", "h30", "8h3")],
    ],
)
def test_times_are_read_as_people_write_them(typed: str, read: str | None) -> None:
    assert read_time(typed) == read


@pytest.mark.parametrize(
    ("hours", "assumed"),
    [(None, True), ({}, True), ({"mon": []}, True), ({"mon": "x"}, True), (DEFAULT_HOURS, False)],
)
def test_hours_that_nobody_could_keep_are_assumed(hours: Any, assumed: bool) -> None:
    assert are_assumed(hours) is assumed
