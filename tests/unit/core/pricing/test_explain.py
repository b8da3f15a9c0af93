"""An explanation shows every step that led to a price."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from processor.core.model import Usage
from processor.core.pricing import compile_catalog, explain, parse_prices

NOW_NS = int(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()) * 10**9
CATALOG = compile_catalog(parse_prices("", "pricing.yaml"))


def test_a_price_is_explained_by_its_parts():
    told = explain("gpt-4o", Usage(input=600, cache_read=400, output=500), CATALOG, time_ns=NOW_NS)
    assert (told.status, told.provider, told.model) == ("alias", "openai", "gpt-4o")
    assert told.reason == "provider inferred from the model"
    assert told.rule == "openai:gpt-4o"
    assert told.total_usd == "0.007"
    assert told.saved_usd == "0.0005"
    assert told.tier_above_tokens is None
    assert [(c.name, c.quantity, c.rate_usd, c.amount_usd) for c in told.components] == [
        ("input", 600, "2.5", "0.0015"),
        ("cache_read", 400, "1.25", "0.0005"),
        ("output", 500, "10", "0.005"),
    ]
    assert told.price_version == CATALOG.version
    assert json.loads(json.dumps(told.as_dict()))["components"][0]["per"] == 10**6


def test_a_long_context_tier_is_shown():
    told = explain(
        "gemini-2.5-pro", Usage(input=200_001), CATALOG, time_ns=NOW_NS, provider="google"
    )
    assert told.tier_above_tokens == 200_000
    assert told.components[0].rate_usd == "2.5"


def test_fees_are_shown_for_one():
    usage = Usage(input=10, web_searches=2)
    told = explain("claude-sonnet-4-5", usage, CATALOG, time_ns=NOW_NS, provider="anthropic")
    assert [(c.name, c.rate_usd, c.per) for c in told.components][-1] == ("web_searches", "0.01", 1)


def test_an_unknown_price_is_explained_too():
    told = explain("mystery", Usage(input=1), CATALOG, time_ns=NOW_NS, provider="openai")
    assert (told.status, told.total_usd, told.components) == ("unpriced", None, ())
    assert told.reason == "model unknown at this provider"
