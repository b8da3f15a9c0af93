"""Which files a request makes."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from processor.core.errors import InvalidQuestionError
from processor.core.model import Calendar
from processor.surfaces.exports import ExportRequest
from processor.surfaces.exports.requests import check_export, check_finished
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


def finished(request, until, zone="UTC", first_s=FIRST_S, most=3):
    asked = check_finished(
        request, Calendar(ZoneInfo(zone)), ("team",), first_s, until_s=at(until), most=most
    )
    return [each.label for each in asked.periods]


def test_files_that_are_due_are_the_latest_of_times_that_have_ended():
    days = ExportRequest("usage", every="day")
    assert finished(days, "2026-11-30T00:00") == ["2026-11-27", "2026-11-28", "2026-11-29"]
    assert finished(days, "2026-11-29T23:59") == ["2026-11-26", "2026-11-27", "2026-11-28"]
    assert finished(days, "2026-11-29T23:59", "Asia/Tokyo")[-1] == "2026-11-29"
    assert finished(ExportRequest("calls", every="month"), "2026-11-30") == ["2026-09", "2026-10"]
    focus = ExportRequest("focus", every="day")
    assert finished(focus, "2026-11-29T23:59", "Asia/Tokyo")[-1] == "2026-11-28"


def test_there_is_no_file_of_before_the_first_call_but_that_of_the_last_time():
    days = ExportRequest("usage", every="day")
    assert finished(days, "2026-10-02", most=9) == ["2026-09-30", "2026-10-01"]
    assert finished(days, "2026-08-01") == ["2026-07-31"]
    assert finished(days, "2026-08-01", first_s=0) == ["2026-07-31"]


def test_files_of_a_day_or_month_as_asked_for():
    assert labels("calls", TimeRange("month"), every="month") == ["2026-11"]
    time = TimeRange(start_s=at("2026-11-03"), end_s=at("2026-11-05"))
    assert labels("focus", time, every="day") == ["2026-11-03", "2026-11-04"]
    with pytest.raises(InvalidQuestionError, match="every"):
        labels("usage", time, every="week")
