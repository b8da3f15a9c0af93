"""How much was used: totals, series, rankings and comparisons, worked out by hand."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from processor.core.budgets.zones import ReportingZones
from processor.core.errors import InvalidQuestionError
from processor.surfaces.queries import TimeRange, UsageRequest

TODAY = TimeRange("today")


@pytest.fixture
def calls(given_calls):
    """Two agents and two models today, and a call yesterday."""
    made = given_calls.charged
    return [
        made(1, 3600, 5_000, agent="planner", model="a", user="u1", org="acme"),
        made(2, 7200, 7_000, agent="planner", model="b", user="u2", org="acme"),
        made(3, 7300, 11_000, agent="coder", model="a", user="u1", unpriced=1),
        made(4, 9000, 13_000, model="a", input_tokens=100, cached_tokens=40, cache_hits=1),
        made(5, -60, 17_000, agent="planner", model="a"),
    ]


def cost(totals):
    return totals.cost_nano_usd


async def test_the_summary_of_a_day(ask, calls):
    report = await ask(*calls).usage(UsageRequest(TODAY))
    assert cost(report.totals) == 36_000
    assert (report.totals.calls, report.totals.unpriced) == (4, 1)
    assert (report.groups, report.others, report.buckets) == ([], None, [])
    assert report.partial == ()


async def test_all_time_is_what_is_asked_without_a_time(ask, calls):
    report = await ask(*calls).usage(UsageRequest())
    assert cost(report.totals) == 53_000


async def test_groups_are_the_largest_first_and_others_add_up(ask, calls):
    """Guarantees: groups and others are the total, and it is said how many the others are."""
    report = await ask(*calls).usage(UsageRequest(TODAY, group_by=["agent"], limit=1))
    [group] = report.groups
    assert (group.values, cost(group.totals)) == (("",), 13_000)
    assert (report.others.groups, cost(report.others.totals)) == (2, 23_000)
    everybody = await ask(*calls).usage(UsageRequest(TODAY, group_by=["agent"]))
    assert [(each.values, cost(each.totals)) for each in everybody.groups] == [
        (("",), 13_000), (("planner",), 12_000), (("coder",), 11_000),
    ]  # fmt: skip
    assert everybody.others is None


async def test_two_dimensions_and_a_filter(ask, calls):
    request = UsageRequest(
        TODAY, group_by=["agent", "model"], filters={"user": ["u1", "u2"]}, order_by="calls"
    )
    report = await ask(*calls).usage(request)
    assert [(each.values, cost(each.totals)) for each in report.groups] == [
        (("coder", "a"), 11_000), (("planner", "a"), 5_000), (("planner", "b"), 7_000),
    ]  # fmt: skip
    assert cost(report.totals) == 23_000


async def test_what_has_no_value_can_be_filtered_by(ask, calls):
    report = await ask(*calls).usage(UsageRequest(TODAY, filters={"agent": [""]}))
    assert cost(report.totals) == 13_000


async def test_dimensions_of_the_operators_own(ask, given_calls):
    made = given_calls.charged
    queries = ask(made(1, 10, 1, own=(("team", "red"),)), made(2, 20, 2), dimensions=("team",))
    report = await queries.usage(UsageRequest(TODAY, group_by=["team"]))
    assert [(each.values, cost(each.totals)) for each in report.groups] == [
        (("",), 2), (("red",), 1),
    ]  # fmt: skip
    report = await queries.usage(UsageRequest(TODAY, filters={"team": ["red"]}))
    assert cost(report.totals) == 1


async def test_a_series_has_every_bucket(ask, calls):
    """Guarantees: a bucket without usage is there as zero; those that are not over are partial."""
    report = await ask(*calls).usage(UsageRequest(TODAY, bucket="hour", group_by=["model"]))
    assert len(report.buckets) == 24
    assert [cost(each.totals) for each in report.buckets[:4]] == [0, 5_000, 31_000, 0]
    assert [each.is_partial for each in report.buckets] == [False] * 8 + [True] * 16
    assert sum(cost(each.totals) for each in report.buckets) == cost(report.totals)
    [a, b] = report.groups
    assert [(row.bucket, cost(row.totals)) for row in a.series] == [(1, 5_000), (2, 24_000)]
    assert [(row.bucket, cost(row.totals)) for row in b.series] == [(2, 7_000)]


async def test_the_series_of_all_time_begins_with_the_first_call(ask, calls, given_calls):
    report = await ask(*calls).usage(UsageRequest(bucket="day"))
    assert [cost(each.totals) for each in report.buckets] == [17_000, 36_000]
    assert report.start_s == given_calls.TODAY_S - 60


async def test_days_of_another_zone(ask, given_calls):
    """Guarantees: a day is that of the zone that is asked for, also in sums of another one."""
    made, hour = given_calls.charged, 3600
    charges = [made(1, -6 * hour, 1), made(2, -hour, 2), made(3, 17 * hour, 4)]
    queries = ask(*charges, zones=ReportingZones.of(ZoneInfo("Europe/Berlin")))
    time = TimeRange("today", time_zone="Asia/Kathmandu")
    report = await queries.usage(UsageRequest(time))
    assert cost(report.totals) == 2 + 4
    assert report.time_zone == "Asia/Kathmandu"
    assert report.end_s - report.start_s == given_calls.DAY_S


async def test_a_comparison_with_the_day_before_ends_at_the_same_time(ask, given_calls):
    """Guarantees: eight hours of today are compared with the first eight of yesterday."""
    made, day, hour = given_calls.charged, given_calls.DAY_S, 3600
    queries = ask(made(1, hour, 1), made(2, 7 * hour - day, 2), made(3, 9 * hour - day, 4))
    report = await queries.usage(UsageRequest(TODAY, compare=True))
    assert cost(report.previous.totals) == 2
    assert report.previous.start_s == given_calls.TODAY_S - day
    assert report.previous.end_s == given_calls.NOW_S - day
    report = await queries.usage(UsageRequest(TimeRange("24h"), compare=True))
    assert (cost(report.totals), cost(report.previous.totals)) == (5, 2)


async def test_whole_days_are_compared_with_as_many_whole_days(ask):
    """Guarantees: also where clocks are put back or forward, so that a day has 25 or 23 hours."""
    berlin = ZoneInfo("Europe/Berlin")

    def midnight(day):
        return int(datetime(2025, 10, day, tzinfo=berlin).timestamp())

    for first, last, before in ((25, 28, 22), (26, 27, 25), (27, 28, 26)):
        time = TimeRange(start_s=midnight(first), end_s=midnight(last), time_zone="Europe/Berlin")
        report = await ask().usage(UsageRequest(time, compare=True))
        assert report.previous.start_s == midnight(before)
        assert report.previous.end_s == midnight(first)


async def test_what_caches_have_done(ask, calls):
    report = await ask(*calls).usage(UsageRequest(TODAY))
    assert (report.cache.hits, report.cache.hit_rate) == (1, 0.25)
    assert (report.cache.cached_tokens, report.cache.cached_share) == (40, 0.4)
    nothing = await ask().usage(UsageRequest(TODAY))
    assert nothing.cache.hit_rate is None


KEEP_CALLS_FROM = "INSERT INTO kept_from (what, time_s) VALUES ('calls', ?)"


async def test_what_deleted_calls_would_tell_is_named(ask, given_calls):
    """Guarantees: what is missing is in no number, and the answer says so."""
    made, hour = given_calls.charged, 3600
    queries = ask(
        made(1, hour + 600, 1, model="a"),
        made(2, 3 * hour, 2, model="a"),
        change=lambda writer: writer.execute(KEEP_CALLS_FROM, (given_calls.NOW_S,)),
    )
    start_s = given_calls.TODAY_S + hour + 300
    time = TimeRange(start_s=start_s, end_s=given_calls.TODAY_S + 4 * hour)
    report = await queries.usage(UsageRequest(time, group_by=["model"]))
    assert cost(report.totals) == 2
    [reason] = report.partial
    assert reason == (
        "single calls are kept from 2027-01-15 08:00 UTC on (ledger.retention.calls): of the time "
        f"before, 3300 s between {start_s} and {start_s + 3300} are left out, of which no sums are "
        "kept"
    )


async def test_an_empty_ledger_answers(ask):
    report = await ask().usage(UsageRequest(bucket="day", group_by=["model", "user"]))
    assert (cost(report.totals), report.groups, report.as_of.last_charge_s) == (0, [], 0)


async def test_an_answer_says_how_far_it_reaches(ask, calls, given_calls):
    as_of = (await ask(*calls).usage(UsageRequest())).as_of
    assert as_of.read_ns == given_calls.NOW_S * 10**9
    assert as_of.last_charge_s == given_calls.TODAY_S + 9000
    assert await ask(*calls).freshness() == as_of


async def test_tasks_have_their_titles(ask, given_calls):
    queries = ask(
        given_calls.charged(1, 10, 5, task="T-1"),
        change=lambda db: db.execute("INSERT INTO task_titles VALUES ('T-1', 'Fix it', 1)"),
    )
    [group] = (await queries.usage(UsageRequest(group_by=["task"]))).groups
    assert (group.values, group.label) == (("T-1",), "Fix it")


async def test_sums_beyond_64_bits_are_exact(ask, given_calls):
    """Guarantees: neither an overflow nor a double."""
    made = given_calls.charged
    queries = ask(
        made(1, 10, 2**62, agent="a"), made(2, 20, 2**62, agent="a"), made(3, 30, 2**70 + 1),
    )  # fmt: skip
    report = await queries.usage(UsageRequest(TODAY, group_by=["agent"]))
    assert cost(report.totals) == 2**63 + 2**70 + 1
    assert [cost(each.totals) for each in report.groups] == [2**70 + 1, 2**63]


async def test_an_owner_is_shown_by_model_and_with_its_traces(ask, given_calls):
    made = given_calls.charged
    queries = ask(
        made(1, 10, 5, trace=1, session="s", model="a"),
        made(2, 20, 7, trace=1, session="s", model="b"),
        made(3, 30, 11, trace=2, session="other", model="a"),
    )
    report = await queries.owner("session", "s")
    assert cost(report.usage.totals) == 12
    assert [each.values for each in report.usage.groups] == [("b",), ("a",)]
    assert [(each.trace_id[-1], cost(each.totals)) for each in report.traces] == [(1, 12)]
    assert (await queries.owner("agent", "nobody")).traces == []
    with pytest.raises(InvalidQuestionError, match=r"filters\[session\]: is the session asked"):
        await queries.owner("session", "s", UsageRequest(filters={"session": ["x"]}))


async def test_only_a_task_has_the_title_of_a_task(ask, given_calls):
    queries = ask(
        given_calls.charged(1, 0, 5, user="t1", task="t2"),
        given_calls.charged(2, 0, 7, user="x", task="t1"),
        change=lambda database: database.execute(
            "INSERT INTO task_titles (task, title, time_ns) VALUES ('t1', 'Title of t1', 1)"
        ),
    )
    report = await queries.usage(UsageRequest(group_by=("user", "task")))
    labels = {group.values: group.label for group in report.groups}
    assert labels == {("t1", "t2"): "", ("x", "t1"): "Title of t1"}
