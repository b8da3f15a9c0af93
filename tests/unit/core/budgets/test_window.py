"""Windows begin and end where the clock of their zone says, whatever that clock does."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from processor.core.budgets.window import BUCKET_S, _reached, bucket_of, window_of
from processor.core.model import Calendar

HOUR = 3600
DAY = 24 * HOUR


def at(text: str) -> int:
    """An ISO time with its offset, as epoch seconds."""
    return int(datetime.fromisoformat(text).timestamp())


def calendar(zone: str = "UTC", week_start: int = 0, reset_hour: int = 0) -> Calendar:
    return Calendar(ZoneInfo(zone), week_start, reset_hour)


@pytest.mark.parametrize(
    ("kind", "zone", "moment", "start", "end"),
    [
        ("hour", "UTC", "2026-07-31T23:59:59Z", "2026-07-31T23:00Z", "2026-08-01T00:00Z"),
        ("day", "UTC", "2026-07-31T23:59:59Z", "2026-07-31T00:00Z", "2026-08-01T00:00Z"),
        ("week", "UTC", "2026-08-02T12:00Z", "2026-07-27T00:00Z", "2026-08-03T00:00Z"),
        ("month", "UTC", "2026-12-31T23:59:59Z", "2026-12-01T00:00Z", "2027-01-01T00:00Z"),
        ("month", "UTC", "2028-02-29T12:00Z", "2028-02-01T00:00Z", "2028-03-01T00:00Z"),
        (
            "month",
            "Asia/Tokyo",
            "2026-07-31T23:59:59+09:00",
            "2026-07-01T00:00+09:00",
            "2026-08-01T00:00+09:00",
        ),
        (
            "month",
            "Asia/Tokyo",
            "2026-08-01T00:00:00+09:00",
            "2026-08-01T00:00+09:00",
            "2026-09-01T00:00+09:00",
        ),
        (
            "day",
            "Asia/Kathmandu",
            "2026-08-01T00:10+05:45",
            "2026-08-01T00:00+05:45",
            "2026-08-02T00:00+05:45",
        ),
        (
            "hour",
            "Asia/Kathmandu",
            "2026-08-01T00:50+05:45",
            "2026-08-01T00:00+05:45",
            "2026-08-01T01:00+05:45",
        ),
    ],
)
def test_window_holds_the_moment_between_two_marks_of_its_clock(kind, zone, moment, start, end):
    assert window_of(kind, at(moment), calendar(zone)) == (at(start), at(end))


@pytest.mark.parametrize(
    ("zone", "noon", "start", "hours"),
    [
        ("Europe/Berlin", "2026-03-29T12:00+02:00", "2026-03-29T00:00+01:00", 23),
        ("Europe/Berlin", "2026-10-25T12:00+01:00", "2026-10-25T00:00+02:00", 25),
        ("Australia/Lord_Howe", "2026-04-05T12:00+10:30", "2026-04-05T00:00+11:00", 24.5),
        # Midnight does not exist: the clock jumps from 23:59:59 to 01:00.
        ("America/Sao_Paulo", "2018-11-04T12:00-02:00", "2018-11-04T01:00-02:00", 23),
        # Midnight comes twice: the day begins with the first one.
        ("America/Havana", "2026-11-01T12:00-05:00", "2026-11-01T00:00-04:00", 25),
        # At midnight the clock goes back to 23:00 of the day before.
        ("America/Sao_Paulo", "2018-02-17T12:00-02:00", "2018-02-17T00:00-02:00", 25),
    ],
)
def test_day_is_as_long_as_the_clock_makes_it(zone, noon, start, hours):
    begin, end = window_of("day", at(noon), calendar(zone))
    assert begin == at(start)
    assert end - begin == hours * HOUR


def test_day_begins_with_the_jump_when_midnight_is_inside_it():
    # In Toronto the clock once jumped from 23:30 to 00:30. OTLP cannot name a time that old, but
    # a zone may do the same again.
    toronto = calendar("America/Toronto")
    assert _reached(date(1919, 3, 31), toronto) == at("1919-03-31T00:30-04:00")


@pytest.mark.parametrize(
    ("kind", "moment", "start", "end"),
    [
        ("day", "2026-11-30T05:59:59+01:00", "2026-11-29T06:00+01:00", "2026-11-30T06:00+01:00"),
        ("day", "2026-11-30T06:00:00+01:00", "2026-11-30T06:00+01:00", "2026-12-01T06:00+01:00"),
        ("week", "2026-11-30T05:59:59+01:00", "2026-11-23T06:00+01:00", "2026-11-30T06:00+01:00"),
        ("month", "2026-12-01T05:59:59+01:00", "2026-11-01T06:00+01:00", "2026-12-01T06:00+01:00"),
        ("hour", "2026-12-01T05:59:59+01:00", "2026-12-01T05:00+01:00", "2026-12-01T06:00+01:00"),
        ("day", "2026-10-25T12:00:00+01:00", "2026-10-25T06:00+01:00", "2026-10-26T06:00+01:00"),
        ("day", "2026-10-25T04:00:00+01:00", "2026-10-24T06:00+02:00", "2026-10-25T06:00+01:00"),
    ],
)
def test_days_weeks_and_months_begin_at_the_reset_hour(kind, moment, start, end):
    berlin = calendar("Europe/Berlin", reset_hour=6)
    assert window_of(kind, at(moment), berlin) == (at(start), at(end))


@pytest.mark.parametrize(
    ("reset_hour", "date_", "start", "hours"),
    [
        # The clock jumps from 02:00 to 03:00, so the day begins with the jump.
        (2, "2026-03-29", "2026-03-29T03:00+02:00", 23),
        # 02:00 comes twice: the day begins with the first one.
        (2, "2026-10-25", "2026-10-25T02:00+02:00", 25),
        (3, "2026-10-25", "2026-10-25T03:00+01:00", 24),
    ],
)
def test_a_reset_hour_that_is_skipped_or_comes_twice(reset_hour, date_, start, hours):
    berlin = calendar("Europe/Berlin", reset_hour=reset_hour)
    begin, end = window_of("day", at(f"{date_}T12:00+00:00"), berlin)
    assert begin == at(start)
    assert end - begin == hours * HOUR


def test_day_that_its_zone_skipped_is_nobodys_window():
    # Samoa went from 29 December 2011 straight to the 31st.
    samoa = calendar("Pacific/Apia")
    thursday = window_of("day", at("2011-12-29T12:00-10:00"), samoa)
    saturday = window_of("day", at("2011-12-31T12:00+14:00"), samoa)
    assert thursday == (at("2011-12-29T00:00-10:00"), at("2011-12-31T00:00+14:00"))
    assert saturday[0] == thursday[1]


def test_date_that_comes_back_after_midnight_belongs_to_the_new_day():
    # At 00:01 on 7 November 2010 the clock of St. John's went back to 23:01 of the 6th.
    newfoundland = calendar("America/St_Johns")
    again_saturday = window_of("day", at("2010-11-06T23:30-03:30"), newfoundland)
    sunday = window_of("day", at("2010-11-07T12:00-03:30"), newfoundland)
    assert again_saturday == sunday
    assert sunday[0] == at("2010-11-07T00:00-02:30")


def test_hour_that_comes_twice_is_two_windows():
    berlin = calendar("Europe/Berlin")
    first = window_of("hour", at("2026-10-25T02:30+02:00"), berlin)
    second = window_of("hour", at("2026-10-25T02:30+01:00"), berlin)
    assert first[1] == second[0] == at("2026-10-25T02:00+01:00")
    assert second[1] - second[0] == HOUR


def test_hours_are_cut_where_the_clock_jumps_by_half_an_hour():
    island = calendar("Australia/Lord_Howe")
    before = window_of("hour", at("2026-04-05T01:45+11:00"), island)
    after = window_of("hour", at("2026-04-05T01:45+10:30"), island)
    assert before == (at("2026-04-05T01:00+11:00"), at("2026-04-05T02:00+11:00"))
    assert after == (at("2026-04-05T01:30+10:30"), at("2026-04-05T02:00+10:30"))


@pytest.mark.parametrize(
    ("week_start", "start"), [(0, "2026-07-27"), (5, "2026-08-01"), (6, "2026-08-02")]
)
def test_week_begins_on_the_weekday_asked_for(week_start, start):
    sunday_noon = at("2026-08-02T12:00Z")
    begin, end = window_of("week", sunday_noon, calendar(week_start=week_start))
    assert datetime.fromtimestamp(begin, UTC).date().isoformat() == start
    assert end - begin == 7 * DAY


def test_budget_without_a_window_has_none():
    assert window_of("none", at("2026-08-02T12:00Z"), calendar()) == (0, 0)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/Los_Angeles", "Europe/Dublin"])
@pytest.mark.parametrize("kind", ["hour", "day", "week", "month"])
def test_times_at_and_past_the_ends_of_otlp_are_moved_to_the_nearest_one(kind, zone):
    last = (2**64 - 1) // 10**9
    assert window_of(kind, -(10**15), calendar(zone)) == window_of(kind, 0, calendar(zone))
    assert window_of(kind, 10**15, calendar(zone)) == window_of(kind, last, calendar(zone))
    start, end = window_of(kind, last, calendar(zone))
    assert start <= last < end


def test_bucket_is_the_quarter_hour():
    quarter = at("2026-08-01T10:15Z")
    assert bucket_of(quarter * 10**9) == quarter
    assert bucket_of((quarter + BUCKET_S) * 10**9 - 1) == quarter


def test_bucket_of_an_impossible_time_is_the_nearest_possible_one():
    assert bucket_of(-1) == 0
    assert bucket_of(10**30) == bucket_of(2**64 - 1)
