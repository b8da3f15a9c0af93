"""Which files a request makes."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from processor.core.errors import InvalidQuestionError
from processor.core.model import Calendar
from processor.surfaces.exports import ExportRequest
from processor.surfaces.exports.requests import check_export
from processor.surfaces.queries import TimeRange

NOW_S = int(datetime(2026, 11, 30, 12, tzinfo=UTC).timestamp())
FIRST_S = int(datetime(2026, 9, 30, 23, 30, tzinfo=UTC).timestamp())


def checked(dataset, time, zone="UTC", reach=(FIRST_S, NOW_S - 60), **more):
    request = ExportRequest(dataset, time, **more)
    return check_export(request, Calendar(ZoneInfo(zone)), ("team",), reach, NOW_S)


def labels(*arguments, **more):
    return [each.label for each in checked(*arguments, **more).periods]


def at(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("dataset", "time", "zone", "expected"),
    [
        ("usage", TimeRange("month"), "UTC", ["2026-11"]),
        ("usage", TimeRange("last_month"), "UTC", ["2026-10"]),
        ("usage", TimeRange("all"), "UTC", ["2026-09", "2026-10", "2026-11"]),
        ("usage", TimeRange("all"), "Europe/Berlin", ["2026-10", "2026-11"]),
        ("focus", TimeRange("all"), "Europe/Berlin", ["2026-09", "2026-10", "2026-11"]),
        ("calls", TimeRange("today"), "UTC", ["2026-11-30"]),
        ("calls", TimeRange("48h"), "UTC", ["2026-11-28", "2026-11-29", "2026-11-30"]),
        (
            "calls",
            TimeRange(start_s=at("2026-11-03T10:00"), end_s=at("2026-11-05T00:00")),
            "UTC",
            ["2026-11-03", "2026-11-04"],
        ),
        ("usage", TimeRange(start_s=at("2026-11-03T10:00")), "UTC", ["2026-11"]),
    ],
)
def test_files_are_whole_days_or_months(dataset, time, zone, expected):
    assert labels(dataset, time, zone) == expected


def test_files_follow_each_other_without_a_gap_where_clocks_change():
    time = TimeRange(start_s=at("2026-10-20"), end_s=at("2026-11-10"))
    periods = checked("calls", time, "America/New_York").periods
    assert [each.end_s for each in periods[:-1]] == [each.start_s for each in periods[1:]]
    assert {each.end_s - each.start_s for each in periods} == {86400, 90000}
    assert len({each.label for each in periods}) == len(periods)


def test_an_empty_ledger_has_the_file_of_now():
    assert labels("usage", TimeRange("all"), reach=(0, 0)) == ["2026-11"]


@pytest.mark.parametrize(
    ("dataset", "time", "more", "field"),
    [
        ("focus", TimeRange("month", time_zone="Europe/Berlin"), {}, "time_zone"),
        ("usage", TimeRange("moth"), {}, "window"),
        ("usage", TimeRange("month"), {"grain": "minute"}, "grain"),
        ("usage", TimeRange("month"), {"filters": {"tem": ["a"]}}, "filters"),
        ("calls", TimeRange(start_s=at("2020-01-01")), {}, "window"),
        ("calls", TimeRange(start_s=NOW_S + 90, end_s=NOW_S + 99), {}, "start"),
    ],
)
def test_what_makes_no_sense_is_refused_where_it_stands(dataset, time, more, field):
    with pytest.raises(InvalidQuestionError) as refused:
        checked(dataset, time, **more)
    assert refused.value.field == field
