"""Friday is 20 November 2026; from the 23rd to the 25th is the Water Festival."""

from datetime import UTC, datetime, timedelta

import pytest

from services.office_hours import (
    CAMBODIA,
    add_working_time,
    is_holiday,
    is_open,
    next_opening,
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


def test_somebody_is_there_or_comes_at_the_next_opening() -> None:
    assert is_open(at(20, 9))
    assert not is_open(at(20, 17))
    assert not is_open(at(24, 9))
    assert next_opening(at(20, 9)) == at(20, 9)
    assert next_opening(at(20, 12)) == at(20, 13, 30)
    assert next_opening(at(20, 18)) == at(26, 8)
