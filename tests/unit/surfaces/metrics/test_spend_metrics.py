"""What was spent, as Prometheus reads it."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from processor.core.model import NOTHING, Totals
from processor.core.questions import Spend, SpendRow
from processor.surfaces.metrics.spend_metrics import render_spend


def samples(*rows, dimensions=("model", "provider")):
    """Values by name and labels, as prometheus_client's own parser reads the text."""
    text = render_spend(Spend(dimensions, rows)).decode()
    return {
        (served_name(sample.name), *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def served_name(name):
    """Unlike Prometheus, this parser gives every counter the ending ``_total``."""
    return "llm_cost_total_dollars" if name == "llm_cost_total_dollars_total" else name


def test_names_are_those_that_dashboards_ask_for(costs):
    text = render_spend(Spend(("model", "provider"), costs.rows)).decode()
    for line in (
        'llm_cost_total_dollars{model="gpt",provider="openai"} 1.5',
        'llm_cost_corrections_dollars_total{model="gpt",provider="openai",direction="up"} 0.5',
        'llm_cost_corrections_dollars_total{model="gpt",provider="openai",direction="down"} 1.0',
        'llm_requests_total{model="gpt",provider="openai"} 9.0',
        'llm_requests_corrections_total{model="gpt",provider="openai",direction="up"} 1.0',
        'llm_unpriced_calls_total{model="gpt",provider="openai"} 2.0',
        'llm_unpriced_calls_corrections_total{model="gpt",provider="openai",direction="down"} 1.0',
        'llm_cache_hits_total{model="gpt",provider="openai"} 3.0',
        'llm_prompt_cache_reads_total{model="gpt",provider="openai"} 4.0',
        'llm_tokens_total{model="gpt",provider="openai",type="input"} 70.0',
        'llm_tokens_total{model="gpt",provider="openai",type="cached"} 30.0',
        'llm_tokens_total{model="gpt",provider="openai",type="output"} 7.0',
        'llm_savings_dollars_total{model="gpt",provider="openai",cache="prompt"} 0.25',
        'llm_savings_dollars_total{model="gpt",provider="openai",cache="response"} 1.0',
        'llm_cost_total_dollars{model="other",provider="other"} 0.5',
    ):
        assert f"\n{line}\n" in text


def test_an_empty_ledger_has_spent_nothing():
    """Guarantees: zero where it is known to be zero, so that the first call is an increase."""
    assert samples()["llm_requests_total", ("model", ""), ("provider", "")] == 0.0


@pytest.mark.parametrize("value", ['a"b', "a\\nb", "line\nbreak", "ümläut", "{}", "a,b=c"])
def test_whatever_a_model_is_called_the_text_can_be_read(value):
    """Guarantees: what a sender writes changes no other line."""
    row = SpendRow((value,), Totals(calls=2), NOTHING, NOTHING)
    found = samples(row, dimensions=("model",))
    assert found["llm_requests_total", ("model", value)] == 2.0
    assert len(found) == 22


def test_without_dimensions_there_are_no_labels_but_their_own():
    row = SpendRow((), Totals(cost_nano_usd=1), NOTHING, NOTHING)
    assert samples(row, dimensions=())[("llm_cost_total_dollars",)] == 1e-9


def test_a_value_is_the_double_next_to_the_exact_one():
    nano_usd = 123_456_789_012_345_678_901_234_567
    row = SpendRow((), Totals(cost_nano_usd=nano_usd), NOTHING, NOTHING)
    found = samples(row, dimensions=())[("llm_cost_total_dollars",)]
    assert found == float("123456789012345678.901234567")
