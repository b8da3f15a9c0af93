"""Suggestions and days fit the terminal; conditions and reasons are said."""

from __future__ import annotations

import pytest

from processor.surfaces.api.documents import (
    AdviceDocument,
    AnomalyDocument,
    AsOfDocument,
    BaselineDocument,
    EfficiencyDocument,
    SuggestionDocument,
)
from processor.surfaces.terminal.advice import draw_advice, draw_efficiency
from processor.surfaces.terminal.drawing import drawn
from processor.surfaces.terminal.paint import cells

AS_OF = AsOfDocument(read_at=None, last_call_at=None, version="")


def suggestion(kind, saving, **fields):
    given = {
        "kind": kind, "what_if": False, "saving_usd": f"{saving:.9f}", "cost_usd": "20.000000000",
        "calls": 1200, "provider": "anthropic", "model": "claude-opus-4-5-with-a-long-name",
        "agent": "reviewer", "service": None, "other_model": None, "method": "…", "call_ids": [],
    }  # fmt: skip
    return SuggestionDocument(**{**given, **fields})


def day(difference, dimension=None, value=None):
    return AnomalyDocument(
        starting_at="2026-11-24T00:00:00+00:00", ending_at="2026-11-25T00:00:00+00:00",
        dimension=dimension, value=value, cost_usd="82.880000000", lowest_usd="12.000000000",
        highest_usd="15.600000000", difference_usd=f"{difference:.9f}",
    )  # fmt: skip


def advice(*data, **fields):
    given = {
        "data": list(data), "suggestions_left_out": 0, "calls": 1300, "anomalies": [],
        "anomaly_method": "…", "filter": {}, "starting_at": None, "ending_at": None,
        "time_zone": "UTC", "partial": [], "as_of": AS_OF,
    }  # fmt: skip
    return AdviceDocument(**{**given, **fields})


def text_of(picture, width=80):
    return drawn(picture, width, is_coloured=False)


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_it_fits(width):
    found = advice(
        suggestion("resent_input", 3.2),
        suggestion("unread_cache_writes", 0.5, agent=None, service="web"),
        suggestion("cheaper_model", 76, what_if=True, other_model="claude-sonnet-4-5"),
        anomalies=[day(60), day(-3, "agent", "reviewer-with-a-long-name-of-its-own")],
        partial=["calls are kept from 2026-11-01 on"], suggestions_left_out=4,
    )  # fmt: skip
    text = text_of(draw_advice(found, width), width)
    assert max(map(cells, text.splitlines())) <= width
    words = " ".join(text.split())
    for said in ("what if a smaller model", "calls are kept from", "4 suggestions more", "days"):
        assert said in words


def test_what_has_a_condition_stands_apart():
    text = text_of(draw_advice(advice(suggestion("cheaper_model", 7, what_if=True)), 80))
    assert "nothing in 1,300 calls that would have cost less without a condition" in text
    certain = text_of(draw_advice(advice(suggestion("past_tier", 7)), 80))
    assert "what 1,300 calls could have cost less" in certain
    assert "what if" not in certain


def efficiency(**fields):
    given = {
        "task": "T-1", "task_title": "Refund", "task_type": "answer", "at_least": False,
        "cost_usd": "2.000000000", "calls": 9, "total_tokens": 4000, "efficiency_score": 1.75,
        "baseline": BaselineDocument(tasks=11, median_usd="3.500000000", median_tokens=7000,
                                     average_usd="4.000000000", average_tokens=6727),
        "reason": None, "method": "…", "suggestions": [], "partial": [], "as_of": AS_OF,
    }  # fmt: skip
    return EfficiencyDocument(**{**given, **fields})


def test_a_task_beside_others():
    text = text_of(draw_efficiency(efficiency(suggestions=[suggestion("repeated_calls", 1)]), 80))
    assert "task · Refund" in text
    assert "$2.00 for 9 calls, 4,000 tokens" in text
    assert "usual: $3.50 and 7,000 tokens (median of 11 tasks of type answer)" in text
    assert "efficiency 1.75" in text
    assert "the same request again" in text


def test_a_task_without_a_baseline_says_why():
    found = efficiency(efficiency_score=None, baseline=None, reason="too few tasks")
    text = text_of(draw_efficiency(found, 80))
    assert "no efficiency score: too few tasks" in text
    assert "usual" not in text
