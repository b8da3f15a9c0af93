"""Forecasts in a sentence, and which limits will be met."""

from __future__ import annotations

from datetime import date

import pytest
from unit.surfaces.terminal.test_budgets import row

from processor.surfaces.api.documents import AsOfDocument, ForecastDocument, HistoryDocument
from processor.surfaces.terminal.forecasts import crossing_lines, forecast_lines

HISTORY = HistoryDocument(
    method="weekday_hour_means", starting_at=None, hours=672, level=1.0, windows=12,
    low_ratio=0.9, high_ratio=1.1,
)  # fmt: skip


def forecast(**fields):
    given = {
        "window": "month", "starting_at": None, "ending_at": None, "time_zone": "UTC",
        "spent_usd": "600.000000000", "at_least": False, "projected_usd": "1204.500000000",
        "projected_at_least": False, "low_usd": "1100.200000000", "high_usd": "1361.000000000",
        "reason": None, "history": HISTORY, "partial": [],
        "as_of": AsOfDocument(read_at=None, last_call_at=None, version=""),
    }  # fmt: skip
    return ForecastDocument(**{**given, **fields})


@pytest.mark.parametrize(
    ("fields", "what", "lines"),
    [
        ({}, "", ["projected $1,204.50, 80 % between $1,100.20 and $1,361.00"]),
        ({"projected_at_least": True, "low_usd": None, "high_usd": None, "reason": "few months"},
         "this month", ["this month: projected at least $1,204.50"]),
        ({"low_usd": None, "high_usd": None, "reason": "few months",
          "history": HISTORY.model_copy(update={"method": "time_elapsed"})},
         "", ["projected $1,204.50, as the time until now went", "few months"]),
        ({"projected_usd": None, "low_usd": None, "high_usd": None, "history": None,
          "reason": "nothing was used"}, "", ["no forecast: nothing was used"]),
    ],
)  # fmt: skip
def test_a_forecast_is_a_sentence(fields, what, lines):
    assert [line for _, line in forecast_lines(forecast(**fields), what, 80)] == lines


def test_limits_that_will_be_met_are_listed_by_time():
    rows = [
        row("a", "u1", 1, 2, projected_crossing_at="2026-12-02T14:00:00+00:00"),
        row("b", None, 1, 2, projected_crossing_at="2026-12-01T16:00:00+00:00"),
        row("c", "u3", 1, 2),
    ]
    assert [line for _, line in crossing_lines(rows, date(2026, 12, 1), 80)] == [
        "b: projected to reach its limit at 16:00",
        "a of u1: projected to reach its limit on 12-02 14:00",
    ]
    many = [rows[0]] * 5
    assert list(crossing_lines(many, None, 80))[-1] == ("orange", "and 2 further ones")
