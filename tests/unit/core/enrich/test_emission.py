"""Costs under other tools' names: on priced leaf calls only, adding up to the ledger's total."""

import json

import pytest

from processor.core.enrich.emission import READERS, emitted
from processor.core.model import Entry, Stamp, Usage
from processor.core.money import Amount

AMOUNT = Amount(7_500_001, 2_500_000, 3_000_000, 500_001, 1_000_000, 500_000)


def stamp(leaf_corrections_nano_usd=0, **changes) -> Stamp:
    fields = {
        "status": "exact",
        "reason": "",
        "provider": "openai",
        "model": "gpt-4o",
        "service": "api",
        "price_version": "v1",
        "usage": Usage(input=10, output=5),
        "amount": AMOUNT,
        "rates": (1,) * 12,
    }
    return Stamp(
        entry=Entry(**{**fields, **changes}), leaf_corrections_nano_usd=leaf_corrections_nano_usd
    )


@pytest.mark.parametrize(
    ("reader", "expected"),
    [
        (
            "agentops",
            {
                "gen_ai.usage.total_cost": 0.007500001,
                "gen_ai.usage.input_cost": 0.004000001,
                "gen_ai.usage.output_cost": 0.003,
            },
        ),
        ("logfire", {"operation.cost": 0.007500001}),
        (
            "openinference",
            {
                "llm.cost.total": 0.007500001,
                "llm.cost.prompt": 0.004000001,
                "llm.cost.completion": 0.003,
            },
        ),
        ("openlit", {"gen_ai.usage.cost": 0.007500001}),
        (
            "sentry",
            {
                "gen_ai.cost.total_tokens": 0.007500001,
                "gen_ai.cost.input_tokens": 0.004000001,
                "gen_ai.cost.output_tokens": 0.003,
            },
        ),
    ],
)
def test_each_reader_gets_the_attributes_it_looks_for(reader, expected):
    assert emitted(stamp(), [reader], ()) == expected


def test_langfuse_gets_the_parts_as_json():
    (name, text), *rest = emitted(stamp(), ["langfuse"], ()).items()
    assert (name, rest) == ("langfuse.observation.cost_details", [])
    assert json.loads(text) == {
        "input": 0.0025,
        "input_cache_read": 0.000500001,
        "input_cache_creation": 0.001,
        "output": 0.003,
        "request": 0.0005,
        "total": 0.007500001,
    }


def test_mlflow_gets_both_sides_as_json():
    (name, text), *rest = emitted(stamp(), ["mlflow"], ()).items()
    assert (name, rest) == ("mlflow.llm.cost", [])
    expected = {"total_cost": 0.007500001, "input_cost": 0.004000001, "output_cost": 0.003}
    assert json.loads(text) == expected


def test_several_readers_get_their_names_side_by_side():
    assert set(emitted(stamp(), ["openlit", "logfire"], ())) == {
        "gen_ai.usage.cost",
        "operation.cost",
    }


@pytest.mark.parametrize("reader", READERS)
def test_a_free_call_costs_zero_so_that_nobody_estimates_it(reader):
    attributes = emitted(stamp(status="free", amount=Amount()), [reader], ())
    assert len(attributes) == 1
    (value,) = attributes.values()
    assert value == 0.0 or list(json.loads(value).values()) == [0.0]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    "changes",
    [
        {"amount": None, "status": "unpriced"},
        {"amount": None, "status": "usage_missing"},
        {"amount": None, "status": "aggregate"},
        {"status": "aggregate"},
        {"aggregate": "sum"},
        {"aggregate": "sole_carrier"},
    ],
)
def test_nothing_is_written_on_aggregates_and_calls_without_a_price(reader, changes):
    assert emitted(stamp(**changes), [reader], ()) == {}


def test_a_span_that_is_no_call_gets_nothing():
    assert emitted(Stamp(), READERS, ()) == {}


def test_a_family_that_the_span_carries_already_is_left_as_it_is():
    present = ("gen_ai.usage.input_cost", "operation.cost", "langfuse.observation.cost_details")
    assert set(emitted(stamp(), ["agentops", "logfire", "langfuse", "openlit"], present)) == {
        "gen_ai.usage.cost"
    }


def test_what_stands_on_an_older_call_already_is_not_written_twice():
    """The arrival took back what another span of the same call shows, so only the rest is new."""
    assert emitted(stamp(leaf_corrections_nano_usd=-7_500_001), READERS, ()) == {}
    rest = emitted(stamp(leaf_corrections_nano_usd=-7_000_001), ["openinference"], ())
    assert rest == {"llm.cost.total": 0.0005}
