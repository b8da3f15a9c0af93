"""Buckets begin and end where clocks say, also where these are changed."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from processor.core.model import Calendar
from processor.core.questions import BUCKETS_MAX, TooManyBucketsError, bucket_at, edges_of


def at(text, zone="UTC"):
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp())


def hours(start, end, width, zone):
    edges = edges_of(at(start, zone), at(end, zone), width, Calendar(ZoneInfo(zone)))
    return [(high - low) / 3600 for low, high in pairwise(edges)]


@pytest.mark.parametrize(
    ("zone", "start", "end", "lengths"),
    [
        ("Europe/Berlin", "2026-10-24", "2026-10-27", [24, 25, 24]),
        ("Europe/Berlin", "2026-03-28", "2026-03-31", [24, 23, 24]),
        ("America/New_York", "2026-11-01", "2026-11-02", [25]),
        ("Australia/Lord_Howe", "2026-10-04", "2026-10-05", [23.5]),
        ("Asia/Kathmandu", "2026-10-04", "2026-10-05", [24]),
    ],
)
def test_days_are_as_long_as_clocks_make_them(zone, start, end, lengths):
    assert hours(start, end, "day", zone) == lengths


def test_the_first_and_the_last_bucket_are_cut():
    assert hours("2026-10-01 06:00", "2026-10-03 03:00", "day", "UTC") == [18, 24, 3]


def test_weeks_and_months():
    assert hours("2026-10-01", "2026-12-01", "month", "UTC") == [31 * 24, 30 * 24]
    assert hours("2026-10-05", "2026-10-19", "week", "UTC") == [168, 168]


def test_quarters_of_an_hour():
    assert hours("2026-10-01 00:10", "2026-10-01 00:40", "15min", "UTC") == [1 / 12, 0.25, 1 / 6]
    assert bucket_at("15min", 1000, Calendar(ZoneInfo("UTC"))) == (900, 1800)


def test_too_many_buckets_name_a_width_that_fits():
    with pytest.raises(TooManyBucketsError) as caught:
        hours("2026-01-01", "2026-03-01", "15min", "UTC")
    assert caught.value.fitting == "day"
    with pytest.raises(TooManyBucketsError) as caught:
        hours("1971-01-01", "2200-01-01", "day", "UTC")
    assert caught.value.fitting == ""


def test_as_many_buckets_as_there_may_be():
    edges = edges_of(0, BUCKETS_MAX * 900, "15min", Calendar(ZoneInfo("UTC")))
    assert len(edges) == BUCKETS_MAX + 1
