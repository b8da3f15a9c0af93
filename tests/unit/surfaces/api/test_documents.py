"""What documents say: exact amounts, times in the zone asked for, null for what is not known."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from processor.core.errors import NotFoundError
from processor.core.questions import TIME_END_S
from processor.surfaces.api import table_of, write_csv, write_json
from processor.surfaces.api.documents.values import moment, moment_ns

TRACE = (1).to_bytes(16).hex()


def usd(rows, name="cost_usd"):
    return sum((Decimal(getattr(row, name)) for row in rows), Decimal(0))


async def test_rows_add_up_to_the_totals(api):
    """Guarantees: groups and the rest together are the totals, to the nano-dollar."""
    document = await api()("/costs", ("group_by", "agent"), ("limit", "1"))
    assert usd(document.data) == Decimal(document.totals.cost_usd) == Decimal("5.000000003")
    listed, rest = document.data
    assert (listed.group, listed.other, listed.groups) == ({"agent": "writer"}, False, None)
    assert (rest.group, rest.other, rest.groups) == ({}, True, 2)
    assert (document.other.groups, document.has_more) == (2, True)
    assert document.totals.at_least
    assert document.totals.unpriced_calls == 1


async def test_what_belongs_to_nobody_is_null(api):
    document = await api()("/costs", ("group_by", "agent"))
    assert [row.group["agent"] for row in document.data] == ["writer", "reader", None]


async def test_buckets_stand_in_the_time_zone_asked_for(api):
    """Guarantees: a day begins at midnight of that zone, written with its offset."""
    document = await api()(
        "/costs", ("window", "today"), ("bucket", "1d"), ("time_zone", "America/New_York")
    )
    [row] = document.data
    assert row.starting_at == "2027-01-15T00:00:00-05:00"
    assert row.partial, "the day is not over"
    assert document.time_zone == "America/New_York"


async def test_a_series_by_group_has_each_bucket_as_a_whole_as_well(api):
    document = await api()("/costs", ("window", "7d"), ("bucket", "1d"), ("group_by", "agent"))
    assert usd(document.buckets) == usd(document.data) == Decimal("5.000000003")
    assert len(document.buckets) > len({row.starting_at for row in document.data})


async def test_a_date_is_midnight_of_the_time_zone_asked_for(api):
    document = await api()(
        "/costs", ("starting_at", "2027-01-15"), ("ending_at", "2027-01-16"),
        ("time_zone", "Asia/Kolkata"),
    )  # fmt: skip
    assert document.starting_at == "2027-01-15T00:00:00+05:30"
    again = await api()(
        "/costs", ("starting_at", document.starting_at.replace("+", " ")),
        ("ending_at", document.ending_at), ("time_zone", "Asia/Kolkata"),
    )  # fmt: skip
    assert again.totals == document.totals, "a plus is a space in an address"


async def test_a_comparison_says_what_has_changed(api):
    document = await api()("/costs", ("window", "today"), ("compare", "previous"))
    assert document.previous.cost_usd == "4.000000000"
    assert document.previous.change_usd == "-2.999999997"
    assert document.previous.change == -0.75


async def test_classes_are_there_where_they_are_asked_for(api):
    assert (await api()("/costs")).totals.classes is None
    assert (await api()("/costs", ("classes", "true"))).totals.classes is not None


async def test_a_call_of_unknown_cost_has_none(api):
    """Guarantees: unknown is null in a list of calls, not zero."""
    document = await api()("/calls")
    by_model = {call.model: call for call in document.data}
    assert (by_model["who"].cost_usd, by_model["who"].at_least) == (None, True)
    assert by_model["gpt-4o"].cost_usd is not None
    assert {call.dimensions.get("team") for call in document.data} == {None, "search"}


async def test_pages_of_calls_hold_every_call_once(api):
    ask, found, query = api(), [], [("limit", "1")]
    while True:
        page = await ask("/calls", *query)
        found += [call.span_id for call in page.data]
        if page.next_cursor is None:
            break
        query = [("limit", "1"), ("cursor", page.next_cursor)]
    assert len(found) == len(set(found)) == 4


async def test_an_execution_has_the_names_of_other_cost_services(api):
    ask = api()
    document = await ask(f"/executions/{TRACE}")
    assert document.data.cost == "1.000000001"
    assert document.data.token_usage.model_dump() == {
        "prompt_tokens": 70, "completion_tokens": 30, "total_tokens": 100, "cached_tokens": 0,
    }  # fmt: skip
    calls = await ask("/traces", ("execution_id", TRACE))
    [call] = calls.data
    assert (call.model_name, call.prompt_tokens, call.cost) == ("gpt-4o", 70, "1.000000001")


async def test_traces_are_filtered_by_one_owner(api):
    document = await api()("/traces", ("filter[agent]", "writer"))
    assert [each.trace_id[-1] for each in document.data] == ["4", "1"]
    assert document.data[1].task == "t1"


async def test_a_trace_is_a_tree_that_adds_up(api, given_calls):
    made = given_calls.charged
    ask = api(made(1, 10, 5, kind="agent"), made(2, 5, 7, parent=1), made(3, 6, 9, parent=1))
    document = await ask(f"/traces/{TRACE}")
    assert [(span.depth, span.subtotal.cost_usd[-2:]) for span in document.spans] == [
        (0, "21"), (1, "07"), (1, "09"),
    ]  # fmt: skip
    assert document.totals.cost_usd == document.trace.cost_usd == "0.000000021"
    with pytest.raises(NotFoundError):
        await ask("/traces/" + "ab" * 16)


async def test_a_large_trace_is_shown_in_part(api, given_calls):
    """Guarantees: its totals are of all its spans, and it says that some are not shown."""
    ask = api(*(given_calls.charged(n, n, 1) for n in range(1, 6)))
    document = await ask(f"/traces/{TRACE}", ("spans", "2"))
    assert (len(document.spans), document.is_cut) == (2, True)
    assert document.totals.cost_usd == "0.000000005"


@pytest.mark.parametrize(
    ("path", "dimension"),
    [
        ("/agents/writer", "agent"), ("/users/u1", "user"), ("/sessions/s1", "session"),
        ("/tasks/t1", "task"), ("/owners/team/search", "team"), ("/owners/model/gpt-4o", "model"),
    ],
)  # fmt: skip
async def test_an_owner_is_shown_by_model_with_its_traces(api, path, dimension):
    document = await api()(path)
    assert document.dimension == dimension
    assert usd(document.costs.data) == Decimal(document.costs.totals.cost_usd) > 0
    assert [row.group for row in document.costs.data] == [
        {"agent" if dimension == "model" else "model": row} for row in
        (["writer", "reader"] if dimension == "model" else ["gpt-4o"])
    ]  # fmt: skip


async def test_a_name_in_a_path_may_have_any_character(api, given_calls):
    ask = api(given_calls.charged(1, 1, 5, agent="a/b ü"))
    document = await ask("/agents/a%2Fb%20%C3%BC")
    assert (document.value, document.costs.totals.cost_usd) == ("a/b ü", "0.000000005")


async def test_names_that_are_used_come_with_what_they_cost(api):
    ask = api()
    dimensions = {each.name: each for each in (await ask("/dimensions")).data}
    assert [each.value for each in dimensions["agent"].values] == ["writer", "reader", None]
    assert dimensions["session"].values is None
    prices = (await ask("/prices")).data
    assert [(each.model, each.source) for each in prices] == [
        ("gpt-4o", "price_file"), ("who", None),
    ]  # fmt: skip
    assert {"quantity": "input", "usd": "2.5", "per": 10**6} in [
        rate.model_dump() for rate in prices[0].rates
    ]


async def test_the_status_says_what_answers(api):
    document = await api()("/status")
    assert (document.health, document.time_zone, document.dimensions) == (None, "UTC", ["team"])
    assert document.as_of.version


@pytest.mark.parametrize(
    "path",
    ["/costs", "/calls", "/traces", f"/traces/{TRACE}", f"/executions/{TRACE}", "/agents/writer",
     "/budgets", "/crossings", "/dimensions", "/unpriced", "/prices", "/audit", "/status"],
)  # fmt: skip
async def test_every_document_is_a_table_as_well(api, path):
    """Guarantees: each row has a cell for each column, and amounts are the document's own."""
    document = await api()(path)
    [header, *rows] = csv.reader(io.StringIO(write_csv(table_of(document))))
    assert len(set(header)) == len(header)
    assert {len(row) for row in rows} <= {len(header)}
    assert write_json(document).endswith("}\n")


async def test_the_table_of_costs_names_dimensions_and_the_rest(api):
    document = await api()("/costs", ("group_by", "agent"), ("limit", "1"))
    rows = list(csv.DictReader(io.StringIO(write_csv(table_of(document)))))
    assert [(row["agent"], row["other"], row["groups"]) for row in rows] == [
        ("writer", "false", ""), ("", "true", "2"),
    ]  # fmt: skip
    assert [row["cost_usd"] for row in rows] == [row.cost_usd for row in document.data]
    assert rows[0]["input_tokens"] == "70"


def test_the_ends_of_all_time_are_null():
    utc = ZoneInfo("UTC")
    assert [moment(each, utc) for each in (0, TIME_END_S)] == [None, None]
    assert moment_ns(10**9, ZoneInfo("Africa/Monrovia")) == "1970-01-01T00:00:01.000000+00:00"
    assert moment(1, ZoneInfo("Africa/Monrovia")) == "1970-01-01T00:00:01+00:00", (
        "its offset had seconds then"
    )


async def test_a_forecast_says_how_it_was_found(api, given_calls):
    made, day = given_calls.charged, given_calls.DAY_S
    calls = [made(1 + back, 60 - back * day, 24 * 10**9, trace=1 + back) for back in range(6)]
    document = await api(*calls)("/forecast", ("window", "today"), ("time_zone", "Asia/Tokyo"))
    assert document.spent_usd == "24.000000000"
    assert document.projected_usd == "24.000000000", "this hour of the day has been"
    assert (document.low_usd, document.high_usd) == (None, None)
    assert "no range around it yet: that needs 8 days" in document.reason
    assert document.history.method == "hour_of_day_means"
    assert document.ending_at == "2027-01-16T00:00:00+09:00"


async def test_without_history_a_forecast_is_a_reason(api, given_calls):
    document = await api(given_calls.charged(1, 10, 5, unpriced=1))("/forecast")
    assert (document.projected_usd, document.history, document.at_least) == (None, None, True)
    assert "too little to go by" in document.reason


async def test_a_comparison_says_what_stands_for_what_and_how(api):
    document = await api()("/what-if", ("model", "who=gpt-4o"), ("window", "last_month"))
    assert document.models == {"who": "gpt-4o"}
    assert (document.calls, document.actual_usd, document.difference) == (0, "0.000000000", None)
    assert "priced again" in document.method
