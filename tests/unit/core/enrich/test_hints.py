"""Hints stand only on calls of which the span says that a smaller model would do."""

from __future__ import annotations

import pytest

from processor.core.enrich.hints import Hints
from processor.core.insight import LowQuality
from processor.core.model import Call, Edit, Mark, Owner, Spans, Stamp, Usage
from processor.core.posting import entry_of
from processor.core.pricing import compile_catalog, parse_prices, price

CATALOG = compile_catalog(parse_prices("models: []", "p.yaml"))
LOW = Hints(LowQuality({"task_type": frozenset({"classify"})}, {"quality": frozenset({"low"})}))
SAID = Owner(own_dimensions=(("quality", "low"),))
TIME_NS = 1_790_000_000 * 10**9


def made(own=SAID, model="claude-sonnet-4-5", provider="anthropic", usage=None, **more):
    mark = Mark(0, TIME_NS, own=own)
    return Call(mark, "llm", provider, (model,), usage or Usage(input=1000, output=10), **more)


def hints(call, *, keys=(), hints=LOW, edits=None):
    spans = Spans(b"")
    spans.keys[0] = keys
    spans.shapes.append(0)
    [charge] = price([call], CATALOG)
    edits = {} if edits is None else edits
    hints.add(edits, spans, [call], {0: Stamp(entry=entry_of(charge, ""))}, CATALOG)
    return dict(edits[0].attributes) if edits else {}


def test_a_smaller_model_is_named_where_the_span_says_that_it_would_do():
    assert hints(made()) == {
        "model.recommendation": "could_downgrade", "prompt.could_use_haiku": True
    }  # fmt: skip
    assert hints(made(Owner(task_type="classify"), "gpt-4o", "openai")) == {
        "model.recommendation": "could_downgrade", "prompt.could_use_gpt-4o-mini": True
    }  # fmt: skip


@pytest.mark.parametrize(
    "call",
    [
        made(Owner()),
        made(Owner(own_dimensions=(("quality", "high"),))),
        made(model="claude-haiku-4-5"),
        made(model="nobody-sells-it"),
        made(aggregate="sum"),
        made(usage=Usage(requests=1)),
    ],
)
def test_nothing_is_written_on_other_calls(call):
    assert hints(call) == {}


def test_nothing_without_a_rule():
    assert hints(made(), hints=Hints(LowQuality())) == {}


def test_a_span_with_a_recommendation_of_its_own_gets_none():
    assert hints(made(), keys=("model.recommendation",)) == {}


def test_other_attributes_stay():
    found = hints(made(), edits={0: Edit({"llm.cost_usd": 1.0})})
    assert found["llm.cost_usd"] == 1.0
    assert found["model.recommendation"] == "could_downgrade"
