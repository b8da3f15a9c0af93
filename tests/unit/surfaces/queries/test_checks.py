"""What cannot be asked is refused with the fix, whatever surface it comes from."""

from __future__ import annotations

from contextlib import suppress

import pytest

from processor.core.errors import InvalidQuestionError
from processor.surfaces.queries import CallsRequest, TimeRange, UsageRequest


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"group_by": ["agnet"]}, r"group_by: unknown dimension 'agnet'; did you mean agent\?"),
        ({"group_by": ["team"]}, r"add dimensions: \{team: \[team, team\.id\]\} to the settings"),
        ({"filters": {"team": ["x"]}}, r"filters: unknown dimension 'team'; add dimensions: "),
        ({"group_by": ["own"]}, "unknown dimension"),
        ({"group_by": ["agent", "agent"]}, "group_by: names a dimension twice"),
        ({"group_by": ["agent", "model", "user"]}, "takes up to 2 dimensions, got 3; use filters"),
        ({"filters": {"agent": []}}, r"filters\[agent\]: accepts no value; leave it out"),
        ({"filters": {"agent": ["x"] * 101}}, "takes up to 100 values, got 101"),
        ({"filters": {"trace": ["zz"]}}, "must be a trace id of 32 hex digits"),
        ({"order_by": "price"}, "order_by: unknown value 'price'; .*it takes cost, calls, tokens"),
        ({"limit": 0}, "limit: must be from 1 to 1000, got 0"),
        ({"limit": 1001}, "limit: must be from 1 to 1000, got 1001"),
        ({"bucket": "fortnight"}, "bucket: unknown value 'fortnight'; .*15min, hour, day"),
        ({"time": TimeRange("todai")}, r"window: unknown value 'todai'; did you mean today\?"),
        ({"time": TimeRange("7d", start_s=5)}, "give either a window or a start and an end"),
        ({"time": TimeRange(start_s=9, end_s=5)}, "end: must be after start: 5 is not after 9"),
        ({"time": TimeRange(start_s=9, end_s=9)}, "end: must be after start"),
        (
            {"time": TimeRange("today", time_zone="Europe/Berln")},
            r"time_zone: unknown time zone 'Europe/Berln'; did you mean Europe/Berlin\?",
        ),
        (
            {"time": TimeRange("30d"), "bucket": "15min"},
            "30 days have more than 1000 buckets of 15min; ask for buckets of day",
        ),
        (
            {"time": TimeRange("7d"), "bucket": "hour", "group_by": ["user"], "limit": 100},
            "limit: 100 groups in 169 buckets are more than 10000 rows; ask for at most 59 groups",
        ),
    ],
)
async def test_a_question_that_cannot_be_asked(ask, request_, message):
    """Guarantees: the field is named, what is wrong with it, and what to ask instead."""
    with pytest.raises(InvalidQuestionError, match=message):
        await ask().usage(UsageRequest(**request_))


async def test_an_unknown_value_is_cut_short(ask):
    with pytest.raises(InvalidQuestionError) as caught:
        await ask().usage(UsageRequest(group_by=["x" * 10_000]))
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("window", ["yesterday", "week", "last_week", "month", "lastmonth", "24h"])
async def test_windows_are_ranges(ask, given_calls, window):
    report = await ask().usage(UsageRequest(TimeRange(window)))
    day = given_calls.DAY_S
    expected = {
        "yesterday": (-day, 0), "week": (-4 * day, 3 * day), "last_week": (-11 * day, -4 * day),
        "month": (-14 * day, 17 * day), "lastmonth": (-45 * day, -14 * day),
        "24h": (8 * 3600 + 1 - day, 8 * 3600 + 1),
    }  # fmt: skip
    found = report.start_s - given_calls.TODAY_S, report.end_s - given_calls.TODAY_S
    assert found == expected[window]


@pytest.mark.parametrize(
    ("cursor", "message"),
    [("nonsense!", "is none that was given here"), ("MS4yLjMuNA", "belongs to another question")],
)
async def test_a_cursor_is_checked(ask, cursor, message):
    with pytest.raises(InvalidQuestionError, match=message):
        await ask().calls(CallsRequest(cursor=cursor))


async def test_a_cursor_of_other_filters_is_refused(ask, given_calls):
    queries = ask(*(given_calls.charged(span, span) for span in range(1, 4)))
    cursor = (await queries.calls(CallsRequest(limit=2))).cursor
    with pytest.raises(InvalidQuestionError, match="cursor: belongs to another question"):
        await queries.calls(CallsRequest(filters={"agent": ["x"]}, cursor=cursor))


async def test_limits_of_pages(ask):
    with pytest.raises(InvalidQuestionError, match="limit: must be from 1 to 200"):
        await ask().calls(CallsRequest(limit=201))
    with pytest.raises(InvalidQuestionError, match="ids: must be from 1 to 1000"):
        await ask().budgets(ids=0)


@pytest.mark.parametrize("run", ["x", "00" * 16, "00" * 16 + ":zz", "00:" + "00" * 8])
async def test_the_id_of_a_run_is_checked(ask, run):
    with pytest.raises(InvalidQuestionError, match="run: must be"):
        await ask().run(run)


@pytest.mark.parametrize("start_s", [None, -(2**63), -1, 0, 2**31, 2**64, 10**30])
@pytest.mark.parametrize("end_s", [None, -(2**63), 0, 1, 2**63, 2**64, 10**30])
async def test_any_number_is_a_time_or_is_refused(ask, given_calls, start_s, end_s):
    queries = ask(given_calls.charged(1, 0, 5))
    time = TimeRange(start_s=start_s, end_s=end_s)
    for bucket in ("", "month"):
        with suppress(InvalidQuestionError):
            await queries.usage(UsageRequest(time, bucket=bucket, compare=True))
    with suppress(InvalidQuestionError):
        await queries.calls(CallsRequest(time))


async def test_a_value_that_is_no_text_is_refused(ask, given_calls):
    queries = ask(given_calls.charged(1, 0, 5))
    with pytest.raises(InvalidQuestionError, match="surrogate"):
        await queries.usage(UsageRequest(filters={"user": ("\ud800",)}))


async def test_groups_in_buckets_of_all_time_are_bounded_as_others_are(ask, given_calls):
    days = [given_calls.charged(at, -at * 86400, 1) for at in range(1, 40)]
    queries = ask(*days)
    with pytest.raises(InvalidQuestionError, match="more than 10000 rows"):
        await queries.usage(
            UsageRequest(TimeRange(window="all"), bucket="day", group_by=("agent",), limit=1000)
        )
