"""Rows of an export add up to what every other surface says, to the nano-dollar."""

import pytest

from processor.surfaces.exports import ExportRequest, reading
from processor.surfaces.queries import TimeRange, UsageRequest

COST = {"calls": "cost_usd", "usage": "cost_usd", "focus": "BilledCost"}
CALLS = {"calls": "calls", "usage": "calls", "focus": "x_Calls"}


def added(rows, name):
    return sum(row[name] or 0 for row in rows)


async def costs_of(costs, readings, filters):
    """What the ledger says of the time of the files."""
    time = TimeRange(start_s=readings[0].period.start_s, end_s=readings[-1].period.end_s)
    report = await costs.usage(UsageRequest(time, filters=filters))
    return report.totals


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "America/New_York"])
@pytest.mark.parametrize(
    ("dataset", "grain"),
    [("calls", "day"), ("usage", "hour"), ("usage", "day"), ("focus", "hour"), ("focus", "day")],
)
async def test_rows_add_up_to_costs(opened, read, charges, zone, dataset, grain):
    ledger = opened(charges, zone)
    for filters in ({}, {"team": ["red"], "user": ["u1", ""]}, {"session": ["own4", "s1"]}):
        request = ExportRequest(dataset, TimeRange("all"), grain, filters)
        rows, readings = await read(ledger.exports, request)
        totals = await costs_of(ledger.costs, readings, filters)
        assert added(rows, COST[dataset]) == totals.cost_nano_usd
        assert added(rows, CALLS[dataset]) == totals.calls
        assert all(each.agrees and not each.ending.partial for each in readings)
        assert sum(each.totals.unpriced for each in readings) == totals.unpriced


async def test_hours_and_days_are_those_of_the_zone_asked_for(opened, read, charges):
    """Guarantees: a file of a zone that the ledger keeps no days of is as exact."""
    ledger = opened(charges)
    request = ExportRequest("usage", TimeRange("all", time_zone="Pacific/Chatham"), "hour")
    rows, readings = await read(ledger.exports, request)
    assert added(rows, "calls") == len(charges)
    assert {row["starting_at"] // 10**9 % 3600 for row in rows} == {900}
    assert [each.period.label for each in readings] == ["2026-10", "2026-11"]


async def test_calls_come_in_order_each_once_however_they_are_read(
    opened, read, charges, monkeypatch
):
    ledger = opened(charges)
    request = ExportRequest("calls", TimeRange("all"))
    whole, _ = await read(ledger.exports, request)
    monkeypatch.setattr(reading, "_CALLS_READ", 7)
    in_slices, _ = await read(ledger.exports, request)
    assert in_slices == whole
    assert {(row["trace_id"], row["span_id"]) for row in whole} == {
        (each.trace_id.hex(), each.span.to_bytes(8).hex()) for each in charges
    }
    assert [row["ended_at"] for row in whole] == sorted(row["ended_at"] for row in whole)


@pytest.mark.parametrize("dataset", ["calls", "usage", "focus"])
async def test_a_cost_that_nobody_knows_is_no_zero_and_may_be_left_out(
    opened, read, charges, dataset
):
    ledger = opened(charges)
    rows, readings = await read(ledger.exports, ExportRequest(dataset, TimeRange("all")))
    if dataset == "calls":
        unknown = [row for row in rows if row["at_least"]]
        assert unknown
        assert all(row["cost_usd"] != 0 for row in unknown)
    request = ExportRequest(dataset, TimeRange("all"), unpriced="omit")
    without, left = await read(ledger.exports, request)
    omitted = sum(each.omitted_calls for each in left)
    assert omitted > 0
    assert len(without) < len(rows)
    assert added(without, COST[dataset]) == added(rows, COST[dataset])
    assert [each.totals for each in left] == [each.totals for each in readings]


@pytest.mark.parametrize("dataset", ["calls", "usage"])
async def test_calls_that_are_charged_meanwhile_are_noticed(opened, read, charges, dataset):
    ledger = opened(charges)
    writer = ledger.writer

    def charge():
        writer.execute("UPDATE totals SET calls = calls + 1 WHERE scope = 'total'")
        writer.execute("UPDATE charge_sums SET calls = calls + 1 WHERE id = 1")

    ledger.reader.after = charge
    _, readings = await read(ledger.exports, ExportRequest(dataset, TimeRange("all")))
    assert not all(each.agrees for each in readings)


async def test_what_is_no_longer_kept_is_named(opened, read, charges):
    ledger = opened(charges)
    until_s = charges[0].end_ns // 10**9 + 86400
    ledger.writer.execute("INSERT INTO kept_from (what, time_s) VALUES ('calls', ?)", (until_s,))
    _, readings = await read(ledger.exports, ExportRequest("calls", TimeRange("all")))
    early = [each for each in readings if each.period.start_s < until_s]
    assert early
    assert all("single calls are kept from" in each.ending.partial[0] for each in early)


async def test_a_time_without_calls_has_a_file_without_rows(opened, read):
    ledger = opened([])
    for dataset in ("calls", "usage", "focus"):
        rows, [reading_] = await read(ledger.exports, ExportRequest(dataset, TimeRange("all")))
        assert not rows
        assert reading_.agrees


async def test_a_day_of_focus_is_in_the_billing_period_of_its_month(opened, read, charges):
    rows, readings = await read(
        opened(charges).exports, ExportRequest("focus", TimeRange("all"), every="day")
    )
    assert {each.period.end_s - each.period.start_s for each in readings} == {86_400}
    assert {row["BillingPeriodEnd"] - row["BillingPeriodStart"] for row in rows} <= {
        days * 86_400 * 10**9 for days in (30, 31)
    }
    assert len({row["BillingPeriodStart"] for row in rows}) == 2
