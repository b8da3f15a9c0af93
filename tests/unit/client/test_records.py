"""Answers are plain values: frozen, comparable, and the same after pickling."""

from __future__ import annotations

import dataclasses
import pickle
from decimal import Decimal

import pytest

from processor import client
from processor.client.reading import document_of
from processor.client.records import CostReport, UsageGroup


def report(**more):
    given = {
        "period_start": None, "period_end": None, "total_cost": Decimal("0.9"), "at_least": False,
        "total_tokens": 10, "total_requests": 10, "unpriced_requests": 0, "cache_hits": 1,
        "cache_savings": Decimal(), "cached_tokens": 0, "prompt_cache_savings": Decimal(),
    }  # fmt: skip
    return CostReport(**{**given, **more})


def group(name, cost, requests=1, groups=None):
    return UsageGroup(name, Decimal(cost), False, requests, 0, 0, groups)


def test_a_record_is_a_value():
    """Guarantees: it can be pickled, printed, compared, and not changed."""
    made = report(by_model=(group("gpt-4o", "0.9"),))
    assert pickle.loads(pickle.dumps(made)) == made
    assert "total_cost=Decimal('0.9')" in repr(made)
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.total_cost = Decimal(1)


@pytest.mark.parametrize(
    "kind", [each for each in map(vars(client).get, client.__all__) if isinstance(each, type)]
)
def test_an_error_can_be_pickled(kind):
    """Guarantees: it comes whole out of a pool of processes."""
    if issubclass(kind, client.RefusedError):
        problem = client.ParameterProblem("limit", "must be at most 3", "ask for less", ("1", "2"))
        error = kind("no", 400, (problem,), 2.5)
        found = pickle.loads(pickle.dumps(error))
        assert (type(found), str(found), found.problems) == (kind, "no", (problem,))
        assert (found.status, found.retry_after_s) == (400, 2.5)
        assert str(problem) == "limit: must be at most 3; ask for less it takes 1, 2"
    elif issubclass(kind, client.BudgetExceededError):
        checked = client.CheckedBudget(
            "daily", False, "user", "u", "day", None, "usd", Decimal(5), Decimal("4.9"),
            Decimal(0), Decimal("0.1"), None, False,
        )  # fmt: skip
        found = pickle.loads(pickle.dumps(kind(checked)))
        assert (str(found), found.checked) == ("Budget exceeded: $4.90 / $5.00", checked)
    elif issubclass(kind, Exception):
        assert str(pickle.loads(pickle.dumps(kind("no")))) == "no"


@pytest.mark.parametrize(
    ("given", "rate", "savings"),
    [
        ({}, 0.1, "0.1"),
        ({"cache_hits": 0}, 0.0, "0"),
        ({"cache_hits": 4, "unpriced_requests": 3}, 0.4, "1.2"),
        ({"cache_hits": 3, "total_cost": Decimal(1)}, 0.3, "0.428571429"),
        ({"cache_hits": 10, "total_cost": Decimal()}, 1.0, None),
        ({"total_requests": 0, "cache_hits": 0}, None, None),
    ],
)
def test_savings_are_the_average_cost_of_a_miss_for_each_hit(given, rate, savings):
    made = report(**given)
    assert made.cache_hit_rate == rate
    assert made.estimated_savings == (None if savings is None else Decimal(savings))


def test_nothing_is_lost_where_names_are_missing():
    """Guarantees: costs by model add up, with calls that name none, and beyond those listed."""
    rows = (group("other", "0.4"), group(None, "0.3", 2), group(None, "0.2", 7, groups=5))
    made = report(by_model=rows)
    assert made.cost_by_model == {"other": Decimal("0.6"), "unknown": Decimal("0.3")}
    assert made.requests_by_model == {"other": 8, "unknown": 2}
    assert report().cost_by_model == {}


def test_only_amounts_become_decimals():
    """Guarantees: what people have named as an amount stays a name, and what is null is None."""
    document = {
        "cost": "1.5", "data": [{"saved_usd": "0.000000001", "group": {"team_usd": "a"}}],
        "limit_usd": None, "dimensions": {"cost": "b"}, "time_zone": "UTC", "share": 0.5,
    }  # fmt: skip
    assert document_of(document) == {
        **document, "cost": Decimal("1.5"),
        "data": [{"saved_usd": Decimal("1e-9"), "group": {"team_usd": "a"}}],
    }  # fmt: skip
