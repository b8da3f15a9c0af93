"""A question is answered by whole cells where they fit, and by charges at the edges."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from processor.core.budgets.zones import ReportingZones
from processor.core.questions import (
    TIME_END_S,
    Segment,
    Stored,
    UsageQuestion,
    plan_reading,
)

IN_UTC = ReportingZones.of(ZoneInfo("UTC"))
IN_BERLIN = ReportingZones.of(ZoneInfo("Europe/Berlin"))
IN_KATHMANDU = ReportingZones.of(ZoneInfo("Asia/Kathmandu"))
BY_MODEL = ("model",)


def at(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def asked(start, end, **more):
    return UsageQuestion(at(start), at(end), **more)


def read(question, zones=IN_UTC, **stored):
    """Segments as (source, start, end) in short, those that are taken off with a minus."""

    def short(time_s):
        return f"{datetime.fromtimestamp(time_s, UTC):%d %H:%M}"

    plan = plan_reading(question, Stored(zones, **stored))
    return [
        ("-" * each.is_taken_off + each.source, short(each.start_s), short(each.end_s))
        for each in plan.segments
    ]


def test_whole_days_are_read_from_days():
    question = asked("2026-10-01", "2026-10-04", group_by=BY_MODEL)
    assert read(question) == [("days", "01 00:00", "04 00:00")]


def test_hours_and_charges_are_read_where_days_do_not_fit():
    question = asked("2026-10-01 22:10", "2026-10-03 01:20", group_by=BY_MODEL)
    assert read(question) == [
        ("hours", "01 22:00", "01 23:00"),
        ("-charges", "01 22:00", "01 22:10"),
        ("hours", "01 23:00", "02 00:00"),
        ("days", "02 00:00", "03 00:00"),
        ("hours", "03 00:00", "03 01:00"),
        ("charges", "03 01:00", "03 01:20"),
    ]  # fmt: skip


def test_days_of_another_zone_are_read_from_hours():
    """Guarantees: a day in Berlin is exact in a ledger whose days are UTC's."""
    question = asked("2026-10-01 22:00", "2026-10-02 22:00", group_by=BY_MODEL)
    assert read(question) == [
        ("hours", "01 22:00", "02 00:00"),
        ("days", "02 00:00", "03 00:00"),
        ("-hours", "02 22:00", "03 00:00"),
    ]
    assert read(question, IN_BERLIN) == [("days", "01 22:00", "02 22:00")]


def test_a_zone_with_quarter_hours_has_cells_of_that_length():
    question = asked("2026-10-01 18:15", "2026-10-02 18:15", group_by=BY_MODEL)
    assert read(question, IN_KATHMANDU) == [("days", "01 18:15", "02 18:15")]
    question = asked("2026-10-01 18:30", "2026-10-01 18:45", group_by=BY_MODEL)
    assert read(question, IN_KATHMANDU) == [("hours", "01 18:30", "01 18:45")]


@pytest.mark.parametrize("question", [
    {"group_by": ("user",)}, {"group_by": ("model",), "filters": (("user", ("u",)),)},
])  # fmt: skip
def test_users_have_days_only(question):
    assert read(asked("2026-10-01 23:00", "2026-10-03 01:00", **question)) == [
        ("charges", "01 23:00", "02 00:00"),
        ("user_days", "02 00:00", "03 00:00"),
        ("charges", "03 00:00", "03 01:00"),
    ]


@pytest.mark.parametrize("name", ["session", "task", "trace"])
def test_what_has_no_cells_is_read_from_charges(name):
    question = asked("2026-10-01", "2026-10-04", group_by=("model", name))
    assert read(question) == [("charges", "01 00:00", "04 00:00")]


@pytest.mark.parametrize("name", ["session", "task", "trace"])
def test_lifetimes_are_read_where_no_time_is_left_out(name):
    segment = Segment("lifetime", 0, 0, TIME_END_S)
    assert plan_reading(UsageQuestion(group_by=(name,)), Stored(IN_UTC)).segments == (segment,)
    question = UsageQuestion(group_by=(name,), filters=(("model", ("m",)),))
    assert {each.source for each in plan_reading(question, Stored(IN_UTC)).segments} == {"charges"}


@pytest.mark.parametrize("filters", [(), (("user", ("u",)),), (("org", ("a", "b")),)])
def test_totals_of_few_ids_are_read_by_quarter_hour(filters):
    question = asked("2026-10-01 00:10", "2026-10-04", filters=filters)
    assert read(question) == [
        ("charges", "01 00:10", "01 00:15"), ("totals", "01 00:15", "04 00:00"),
    ]  # fmt: skip


def test_totals_have_no_parts():
    question = asked("2026-10-01", "2026-10-04", with_parts=True)
    assert read(question) == [("days", "01 00:00", "04 00:00")]


def test_each_bucket_is_cut_for_itself():
    edges = tuple(map(at, ("2026-10-01 12:00", "2026-10-02", "2026-10-03")))
    question = UsageQuestion(edges[0], edges[-1], BY_MODEL, (), edges)
    assert plan_reading(question, Stored(IN_UTC)).segments == (
        Segment("hours", 0, edges[0], edges[1]),
        Segment("days", 1, edges[1], edges[2], is_cell=True),
    )  # fmt: skip


def test_a_change_of_the_zone_ends_a_day_early():
    """Guarantees: days before and after it are read as days, the short one among them."""
    now_s = at("2026-10-10 09:00")
    zones = IN_UTC.with_zone(ZoneInfo("Asia/Kathmandu"), now_s)
    assert zones.zones[1].start_s == at("2026-10-10 18:15")
    question = asked("2026-10-09", "2026-10-12 18:15", group_by=BY_MODEL)
    assert read(question, zones) == [("days", "09 00:00", "12 18:15")]
    question = asked("2026-10-10", "2026-10-11", group_by=BY_MODEL)
    assert read(question, zones) == [
        ("days", "10 00:00", "10 18:15"), ("hours", "10 18:15", "11 00:00"),
    ]  # fmt: skip


def test_what_only_deleted_charges_would_tell_is_left_out():
    """Guarantees: the answer says which time is missing, and the rest is there."""
    question = asked("2026-10-01 22:30", "2026-10-03", group_by=BY_MODEL)
    plan = plan_reading(question, Stored(IN_UTC, at("2026-10-20")))
    assert plan.left_out == ((at("2026-10-01 22:30"), at("2026-10-01 23:00")),)
    assert [each.source for each in plan.segments] == ["hours", "days"]
    plan = plan_reading(question, Stored(IN_UTC, at("2026-10-01 22:40")))
    assert plan.left_out == ((at("2026-10-01 22:30"), at("2026-10-01 22:40")),)
    assert plan.segments[0] == Segment("charges", 0, at("2026-10-01 22:40"), at("2026-10-01 23:00"))


YEAR = {"months_until_s": at("2026-11-20"), "last_charge_s": at("2026-11-20 13:05")}


def test_a_month_is_read_from_months():
    question = asked("2026-10-01", "2026-11-01", group_by=BY_MODEL)
    assert plan_reading(question, Stored(IN_UTC, **YEAR)).segments == (
        Segment("months", 0, at("2026-10-01"), at("2026-11-01"), is_cell=True),
    )
    assert read(question) == [("days", "01 00:00", "01 00:00")], "none is added up yet"


@pytest.mark.parametrize("end", ["2026-11-20 14:00", "2026-12-01", "2040-01-01"])
def test_what_is_not_over_is_read_from_whole_cells(end):
    """Guarantees: until now, until the end of the month: where nothing comes later, it is one."""
    question = asked("2026-11-01", end, group_by=BY_MODEL)
    found = read(question, **YEAR)
    assert found[0] == ("months", "01 00:00", "20 00:00")
    assert [each[0] for each in found] == ["months", "days"]


def test_a_range_before_the_last_charge_is_not_made_longer():
    question = asked("2026-11-01", "2026-11-20 13:00", group_by=BY_MODEL)
    assert read(question, **YEAR) == [
        ("months", "01 00:00", "20 00:00"),
        ("hours", "20 00:00", "20 13:00"),
    ]


def test_a_part_of_a_month_is_the_month_without_the_rest_where_that_is_less():
    question = asked("2026-10-03", "2026-11-01", group_by=BY_MODEL)
    assert read(question, **YEAR) == [
        ("months", "01 00:00", "01 00:00"), ("-days", "01 00:00", "03 00:00"),
    ]  # fmt: skip
    question = asked("2026-10-14", "2026-11-01", group_by=BY_MODEL)
    assert read(question, **YEAR) == [
        ("days", "14 00:00", "17 00:00"), ("month_parts", "17 00:00", "01 00:00"),
    ]  # fmt: skip
    question = asked("2026-10-11", "2026-10-13", group_by=BY_MODEL)
    assert read(question, **YEAR) == [("days", "11 00:00", "13 00:00")]


def test_every_hour_of_a_range_is_counted_once():
    """Guarantees: whatever is read whole and taken off again, in any zone, around a change."""
    zones = IN_BERLIN.with_zone(ZoneInfo("Asia/Kathmandu"), at("2026-10-10 09:00"))
    first_s, quarters = at("2026-08-01"), 120 * 96
    times = random.Random(1)
    for stored in (Stored(zones), Stored(zones, 0, zones.day_of(at("2026-11-05"))[0])):
        for _ in range(200):
            low, high = sorted(times.sample(range(30 * 96, quarters), 2))
            question = UsageQuestion(first_s + low * 900, first_s + high * 900, BY_MODEL)
            counted = [0] * (2 * quarters)
            for each in plan_reading(question, stored).segments:
                if each.source in {"months", "month_parts"}:
                    assert each.end_s <= stored.months_until_s
                for at_s in range(each.start_s, each.end_s, 900):
                    counted[(at_s - first_s) // 900] += -1 if each.is_taken_off else 1
            assert counted == [int(low <= at < high) for at in range(2 * quarters)]


def test_an_empty_range_reads_nothing():
    assert plan_reading(asked("2026-10-01", "2026-10-01"), Stored(IN_UTC)).segments == ()


FOLDED = {"hours_since_s": at("2026-10-03"), "charges_since_s": at("2026-10-10")}


def test_what_is_added_up_by_day_answers_for_whole_days_only():
    question = asked("2026-10-01 22:00", "2026-10-05 02:00", group_by=BY_MODEL)
    assert read(question, **FOLDED) == [
        ("days", "02 00:00", "05 00:00"),
        ("hours", "05 00:00", "05 02:00"),
    ]
    assert plan_reading(question, Stored(IN_UTC, **FOLDED)).left_out == (
        (at("2026-10-01 22:00"), at("2026-10-02")),
    )
    of_all = asked("2026-10-01 22:00", "2026-10-03 02:15")
    assert read(of_all, **FOLDED) == [("totals", "02 00:00", "03 02:15")]


def test_a_day_that_a_change_of_zone_cut_short_is_a_day_where_its_hours_are_gone():
    noon_s = 1_790_856_000
    zones = ReportingZones.of(ZoneInfo("UTC")).with_zone(ZoneInfo("Pacific/Apia"), noon_s - 7200)
    start_s, end_s = zones.day_of(zones.zones[-1].start_s - 1)
    assert end_s - start_s < 43_200
    stored = Stored(zones, hours_since_s=end_s + 10 * 86_400)
    plan = plan_reading(UsageQuestion(start_s, end_s, ("agent",)), stored)
    assert [each.source for each in plan.segments] == ["days"]
