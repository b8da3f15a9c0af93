"""Days and hours of the reporting zone, and what a change of that zone leaves as it was."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from processor.core.budgets.zones import ReportingZones

BERLIN, KATHMANDU, UTC = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kathmandu"), ZoneInfo("UTC")


def at(zone, *moment):
    return int(datetime(*moment, tzinfo=zone).timestamp())


def test_a_day_is_one_of_the_zone_and_as_long_as_its_clock_makes_it():
    zones = ReportingZones.of(BERLIN)
    start_s, end_s = zones.day_of(at(BERLIN, 2026, 10, 25, 12))
    assert (start_s, end_s) == (at(BERLIN, 2026, 10, 25), at(BERLIN, 2026, 10, 26))
    assert end_s - start_s == 25 * 3600


@pytest.mark.parametrize(
    ("zone", "cell_s"),
    [(UTC, 3600), (BERLIN, 3600), (KATHMANDU, 900), (ZoneInfo("Australia/Lord_Howe"), 900)],
    ids=str,
)
def test_cells_are_hours_but_where_days_begin_between_them(zone, cell_s):
    start_s, end_s = ReportingZones.of(zone).cell_of(at(UTC, 2026, 5, 1, 12, 20))
    assert end_s - start_s == cell_s
    assert start_s % cell_s == 0


def test_another_zone_applies_from_its_next_day_and_the_last_day_before_ends_early():
    now_s = at(UTC, 2026, 5, 1, 12)
    zones = ReportingZones.of(UTC).with_zone(KATHMANDU, now_s)
    change_s = at(KATHMANDU, 2026, 5, 2)
    assert zones.day_of(now_s) == (at(UTC, 2026, 5, 1), change_s)
    assert zones.day_of(change_s - 1)[1] == change_s
    assert zones.day_of(change_s) == (change_s, at(KATHMANDU, 2026, 5, 3))
    assert zones.cell_of(change_s - 1) == (at(UTC, 2026, 5, 1, 18), change_s)


def test_cells_after_a_change_never_start_before_it():
    now_s = at(UTC, 2026, 5, 1, 12)
    zones = ReportingZones.of(KATHMANDU).with_zone(UTC, now_s).with_zone(KATHMANDU, now_s)
    assert len(zones.zones) == 1, "a change that has not begun is taken back"
    back = ReportingZones.of(KATHMANDU).with_zone(ZoneInfo("Asia/Kolkata"), now_s)
    change_s = back.zones[-1].start_s
    assert back.cell_of(change_s)[0] == change_s
