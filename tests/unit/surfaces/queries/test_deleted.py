"""Answers about calls that are no longer kept one by one: never a silent nothing."""

from __future__ import annotations

import pytest

from processor.core.errors import NotFoundError
from processor.io.ledger.reading.unknown import DELETED
from processor.surfaces.queries import CallsRequest, TimeRange, UsageRequest

KEPT = "single calls are kept from 2027-01-15 08:00 UTC on (ledger.retention.calls)"
HOUR_S = 3600


@pytest.fixture
def queries(ask, given_calls):
    """A ledger that has deleted the calls of one trace, and of one whose cost was not known."""
    made = given_calls.charged

    def delete(writer):
        writer.execute("INSERT INTO kept_from VALUES ('calls', ?)", (given_calls.NOW_S,))
        for table in ("charges", "charge_sums", "spans"):
            of_first = "id IN (SELECT s.id FROM spans s JOIN traces t ON t.id = s.trace"
            writer.execute(f"DELETE FROM {table} WHERE {of_first} WHERE t.id = 1)")
        columns = [row[1] for row in writer.execute("PRAGMA table_info(deleted_days)")]
        values = [given_calls.TODAY_S] + [int(name == "unpriced") for name in columns[1:]]
        marks = ", ".join("?" * len(values))
        writer.execute(f"INSERT INTO deleted_days VALUES ({marks})", values)

    return ask(
        made(1, HOUR_S, 5, trace=1, session="old", model="a"),
        made(2, 10 * HOUR_S, 2, trace=2, session="new", model="a"),
        change=delete,
    )


async def test_a_list_of_calls_says_from_when_on_it_has_them(queries, given_calls):
    page = await queries.calls(CallsRequest())
    assert page.partial == (f"{KEPT}: older ones are not listed",)
    later = TimeRange(start_s=given_calls.NOW_S, end_s=given_calls.NOW_S + 10)
    assert (await queries.calls(CallsRequest(later))).partial == ()


async def test_a_trace_without_its_spans_still_has_its_cost_and_says_why(queries):
    report = await queries.trace(f"{1:032x}")
    assert (report.totals.cost_nano_usd, report.spans) == (5, [])
    assert report.partial == (f"{KEPT}: older ones are not listed",)
    assert (await queries.trace(f"{2:032x}")).partial == ()
    with pytest.raises(NotFoundError, match=r"kept from 2027-01-15 08:00 UTC on"):
        await queries.run(f"{1:032x}:{1:016x}")


async def test_a_session_of_which_all_calls_are_there_lacks_nothing(queries):
    whole = await queries.owner("session", "new")
    assert (whole.usage.totals.cost_nano_usd, whole.usage.partial) == (2, ())
    cut = await queries.owner("session", "old")
    assert cut.usage.totals.cost_nano_usd == 0
    [reason] = cut.usage.partial
    assert reason.startswith(KEPT)
    asked = UsageRequest(group_by=["session"])
    assert (await queries.usage(asked)).totals.cost_nano_usd == 7


LATE = (
    "calls that ended between 2027-01-15 09:00 and 2027-01-15 10:00 UTC came after those of their "
    "traces were deleted (ledger.retention.calls): they are counted as of unknown cost, and not "
    "kept one by one"
)


@pytest.fixture
def with_late(ask, given_calls):
    """A ledger in which calls of one hour came too late."""

    def add(writer):
        writer.execute("INSERT INTO kept_from VALUES ('calls', ?)", (given_calls.NOW_S,))
        hours = ((given_calls.NOW_S + at * HOUR_S, 2) for at in (-1, 1))
        writer.executemany("INSERT INTO late_hours VALUES (?, ?)", hours)

    made = given_calls.charged(1, 10 * HOUR_S, 5, session="new", user="ada")
    return ask(made, change=add)


@pytest.mark.parametrize(
    ("hours", "asked"),
    [
        ((0, 2), {"group_by": ["session"]}),
        ((0, 2), {"group_by": ["user"]}),
        ((1.5, 1.6), {"group_by": ["user"]}),
        ((0.9, 1.1), {"filters": {"session": ["new"]}}),
        ((0, 1.4), {}),
        ((0, 1.5), {"group_by": ["model"]}),
    ],
)
async def test_numbers_of_single_calls_say_that_late_ones_may_lack(
    with_late, given_calls, hours, asked
):
    start_s, end_s = (int(given_calls.NOW_S + at * HOUR_S) for at in hours)
    time = TimeRange(start_s=start_s, end_s=end_s)
    report = await with_late.usage(UsageRequest(time, compare=True, **asked))
    assert report.partial[0] == f"{LATE}, so that these numbers may lack them"
    assert all(each.startswith("of the time before, to") for each in report.partial[1:])


@pytest.mark.parametrize(
    ("hours", "asked"),
    [
        ((0, 1), {"group_by": ["session"]}),
        ((2, 3), {"group_by": ["session"]}),
        ((0, 2), {}),
        ((0, 2), {"group_by": ["model"]}),
        ((-8, 16), {"group_by": ["user"]}),
    ],
)
async def test_other_times_and_kept_sums_lack_no_late_calls(with_late, given_calls, hours, asked):
    start_s, end_s = (given_calls.NOW_S + at * HOUR_S for at in hours)
    time = TimeRange(start_s=start_s, end_s=end_s)
    assert (await with_late.usage(UsageRequest(time, **asked))).partial == ()


async def test_a_comparison_says_what_the_time_before_lacks(with_late, given_calls):
    start_s = given_calls.NOW_S + 2 * HOUR_S
    time = TimeRange(start_s=start_s, end_s=start_s + HOUR_S)
    asked = UsageRequest(time, filters={"session": ["new"]}, compare=True)
    [reason] = (await with_late.usage(asked)).partial
    assert reason.startswith(f"of the time before, to compare with: {LATE}")


async def test_a_list_of_calls_names_those_that_came_too_late(with_late, given_calls):
    time = TimeRange(start_s=given_calls.NOW_S, end_s=given_calls.NOW_S + 2 * HOUR_S)
    [reason] = (await with_late.calls(CallsRequest(time))).partial
    assert reason == f"{LATE}, so that they are not listed"


async def test_unknown_costs_of_deleted_calls_are_among_all_that_are_unknown(queries):
    report = await queries.unknown()
    [found] = report.unknown
    assert (found.calls.calls, found.calls.status, found.calls.reason) == (1, "deleted", DELETED)
    assert (report.calls, report.kinds_left_out) == (1, 0)
    assert found.fix.startswith("nothing makes it known any more")
