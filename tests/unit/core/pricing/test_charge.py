"""What one call costs, and the order in which that is decided."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from processor.config import bundled
from processor.core.model import Call, Charge, Mark, Unpriced, Usage
from processor.core.money import parse_usd
from processor.core.pricing import compile_catalog, parse_prices, price
from processor.core.pricing.shapes import NO_TIER_PRICE

USAGE = Usage(input=1000, output=500)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SATURDAY_2AM = datetime(2026, 11, 21, 2, tzinfo=UTC)
FRIDAY_2AM = datetime(2026, 11, 20, 2, tzinfo=UTC)


def ns(moment: datetime) -> int:
    return int(moment.timestamp()) * 10**9


def catalog_of(text: str = ""):
    return compile_catalog(parse_prices(text, "pricing.yaml"))


def call(usage=USAGE, *, provider="openai", model="gpt-4o", at=NOW, **fields) -> Call:
    models = (model,) if model else ()
    kind = fields.pop("kind", "llm")
    return Call(Mark(row=0, time_ns=ns(at)), kind, provider, models, usage, **fields)


def answer(one, text=""):
    (only,) = price([one], catalog_of(text))
    assert only.call is one
    return only


def answer_of(one, text=""):
    (charge,) = price([one], catalog_of(text))
    assert isinstance(charge, Charge), charge
    return charge


def usd(one, text=""):
    return answer_of(one, text).amount.total


def test_a_charge_says_what_it_was_priced_by():
    charge = answer(call(Usage(input=600, cache_read=400, output=500)))
    assert isinstance(charge, Charge)
    assert (charge.status, charge.reason) == ("exact", "")
    assert (charge.provider, charge.model) == ("openai", "gpt-4o")
    assert charge.price_version == catalog_of().version
    assert charge.amount.total == parse_usd("0.007")
    assert charge.amount == (7_000_000, 1_500_000, 5_000_000, 500_000, 0, 0)
    assert charge.saved_nano_usd == 500_000
    assert charge.rates[0] == 2_500_000_000


def test_every_quantity_is_billed_at_its_own_rate():
    text = (
        "models: [{provider: x, model: m, prices: [{input: 1, cache_read: 2, cache_write: 3, "
        "cache_write_1h: 4, audio_input: 5, image_input: 6, output: 70, reasoning: 8, "
        "audio_output: 9, image_output: 10, request: 0.5, web_search: 0.25}]}]"
    )
    one = call(Usage(*[10**6] * 10, 1, 2), provider="x", model="m")
    charge = answer(one, text)
    assert [part / 10**9 for part in charge.amount] == [119, 12, 97, 2, 7, 1]
    assert charge.saved_nano_usd == 0  # a dearer cached read saves nothing, and costs no savings


def test_quantities_without_a_rate_take_that_of_their_relatives():
    entry = "{provider: x, model: m, prices: [{input: 1, output: 2}]}"
    text = f"catalogue: {{source: none}}\nmodels: [{entry}]"
    one = call(Usage(*[10**6] * 10, 1, 9), provider="x", model="m")
    assert answer(one, text).amount == tuple(n * 10**9 for n in (14, 3, 8, 1, 2, 0))


@pytest.mark.parametrize(
    ("fields", "status", "reason"),
    [
        ({"failed": True}, "failed", "call failed before it used anything"),
        ({"failed": True, "response_id": "r1"}, "usage_missing", "no usage reported"),
        ({}, "usage_missing", "no usage reported"),
        ({"model": ""}, "usage_missing", "no usage reported"),
        ({"provider": "ollama"}, "usage_missing", "no usage reported"),
    ],
)
def test_a_call_without_usage_is_not_priced(fields, status, reason):
    found = answer(call(None, **fields), "providers: {free: [ollama]}")
    assert isinstance(found, Unpriced)
    assert (found.status, found.reason) == (status, reason)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"model": "mystery"}, "model unknown at this provider"),
        ({"model": ""}, "no model named"),
        ({"provider": "acme"}, "provider not in the catalogue"),
    ],
)
def test_a_call_without_a_price_is_unpriced_not_zero(fields, reason):
    found = answer(call(**fields))
    assert isinstance(found, Unpriced)
    assert (found.status, found.reason) == ("unpriced", reason)


@pytest.mark.parametrize(
    "one",
    [
        call(model="mystery", reported_nano_usd=42, reported_by="x.cost"),
        call(None, reported_nano_usd=42, reported_by="x.cost"),
        call(None, failed=True, reported_nano_usd=42, reported_by="x.cost"),
    ],
)
def test_a_reported_cost_stands_where_ours_is_unknown(one):
    charge = answer(one)
    assert (charge.status, charge.reason) == ("reported", "reported by x.cost")
    assert charge.amount.total == sum(charge.amount[1:]) == 42
    assert charge.rates is None


def test_a_reported_zero_is_no_price():
    assert answer(call(model="mystery", reported_nano_usd=0)).status == "unpriced"


def test_a_reported_cost_wins_only_when_its_source_is_trusted():
    one = call(reported_nano_usd=42, reported_by="x.cost")
    assert answer(one).status == "exact"
    trusted = answer(one, "reported: {trust: [x.cost]}")
    assert (trusted.status, trusted.amount.total) == ("reported", 42)
    assert answer(call(), "reported: {trust: ['']}").status == "exact"


def test_a_call_that_costs_nothing_is_free_whatever_it_says():
    charge = answer(call(None, free="response_cache", reported_nano_usd=5))
    assert (charge.status, charge.reason, charge.amount.total) == ("free", "response_cache", 0)
    assert not any(charge.rates)


def test_a_response_from_a_cache_saves_what_the_call_would_have_cost():
    asked = answer(call())
    free = answer(call(free="response_cache"))
    assert (free.status, free.amount.total) == ("free", 0)
    assert free.saved_nano_usd == asked.amount.total > 0
    assert answer(call(model="mystery", free="response_cache")).saved_nano_usd == 0


def test_a_free_provider_costs_zero():
    charge = answer(call(provider="ollama"), "providers: {free: [ollama]}")
    assert (charge.status, charge.amount.total) == ("free", 0)


def test_a_whole_request_has_the_rates_of_its_size_cache_included():
    base = call(Usage(input=100_000, cache_read=100_000), provider="google", model="gemini-2.5-pro")
    long = call(Usage(input=100_000, cache_read=100_001), provider="google", model="gemini-2.5-pro")
    assert usd(base) == parse_usd("0.1375")
    assert answer(long).amount.input == parse_usd("0.25")
    assert answer(long).amount.cache_read == 25_000_250


def test_an_inclusive_threshold_counts_itself():
    text = (
        "models: [{provider: x, model: m, prices: [{input: 1, output: 1}], "
        "tiers: [{above: 1000, inclusive: true, input: 2}]}]"
    )
    assert answer(call(Usage(input=999), provider="x", model="m"), text).amount.total == 999_000
    assert answer(call(Usage(input=1000), provider="x", model="m"), text).amount.total == 2_000_000


def test_an_aggregate_has_base_rates_whatever_its_size():
    usage = Usage(input=10**6)
    one = call(usage, provider="google", model="gemini-2.5-pro", aggregate="sum")
    charge = answer(one)
    assert (charge.amount.total, charge.status) == (parse_usd("1.25"), "exact")


def test_the_newest_price_in_force_holds():
    text = """
models:
  - provider: x
    model: m
    prices:
      - {input: 2, output: 2, effective_from: 2026-08-16T16:00:00Z}
      - {input: 1, output: 1, effective_from: 2026-01-01}
"""
    price_at = {
        datetime(2026, 8, 16, 15, 59, 59, tzinfo=UTC): 1_000_000,
        datetime(2026, 8, 16, 16, tzinfo=UTC): 2_000_000,
        datetime(2026, 1, 1, tzinfo=UTC): 1_000_000,
    }
    for moment, expected in price_at.items():
        one = call(Usage(input=1000), provider="x", model="m", at=moment)
        assert usd(one, text) == expected
    early = call(provider="x", model="m", at=datetime(2025, 12, 31, tzinfo=UTC))
    assert answer(early, text).reason == "no price in force at that time"


def test_before_an_operators_first_price_the_catalogues_holds():
    text = (
        "models: [{provider: openai, model: gpt-4o, "
        "prices: [{input: 1, output: 1, effective_from: 2026-06-01}]}]"
    )
    before = call(Usage(input=1000), at=datetime(2026, 5, 31, tzinfo=UTC))
    assert usd(before, text) == 2_500_000
    assert usd(call(Usage(input=1000)), text) == 1_000_000


def test_peak_hours_cost_more_on_weekdays_only():
    text = """
models:
  - provider: x
    model: m
    prices: [{input: 1, output: 1, request: 0.001}]
    schedule: [{days: [mon, tue, wed, thu, fri], from: "01:00", to: "04:00", multiplier: 2}]
"""

    def at(moment):
        return usd(call(Usage(input=1000), provider="x", model="m", at=moment), text)

    assert at(FRIDAY_2AM) == 3_000_000  # tokens twice, the fee once
    assert at(SATURDAY_2AM) == 2_000_000
    assert at(NOW) == 2_000_000


def test_the_catalogues_hours_hold():
    early = datetime(2025, 6, 1, 12, tzinfo=UTC)
    late = datetime(2025, 6, 1, 20, tzinfo=UTC)
    usage = Usage(input=10**6)
    one = {"provider": "deepseek", "model": "deepseek-chat"}
    assert usd(call(usage, at=early, **one)) == parse_usd("0.27")
    assert usd(call(usage, at=late, **one)) == parse_usd("0.135")


@pytest.mark.parametrize(
    ("tier", "expected", "reason"),
    [
        ("", "0.0075", ""),
        ("default", "0.0075", ""),
        ("batch", "0.00375", ""),
        ("priority", "0.01275", ""),
        ("turbo", "0.0075", "no price for this service tier, standard price used"),
    ],
)
def test_a_service_tier_has_its_own_price_or_says_that_it_has_none(tier, expected, reason):
    charge = answer(call(tier=tier))
    assert (charge.amount.total, charge.reason) == (parse_usd(expected), reason)
    assert charge.status == ("fallback" if reason else "exact")


def test_a_service_tier_before_its_first_price_is_standard_and_says_so():
    charge = answer(call(tier="priority", at=datetime(2026, 1, 1, tzinfo=UTC)))
    assert charge.amount.total == parse_usd("0.0075")
    assert (charge.status, charge.reason) == ("fallback", NO_TIER_PRICE)


@pytest.mark.parametrize(
    ("provider", "model", "reason"),
    [
        ("openai", "gpt-4-turbo", ""),
        ("anthropic", "claude-sonnet-4-5", ""),
        ("mistral", "mistral-large-latest", ""),
        ("azure", "gpt-4o", "maker's price, "),
        ("", "gpt-4-turbo", "provider inferred from the model, "),
    ],
)
def test_a_tier_that_nobody_prices_is_never_exact(provider, model, reason):
    """Guarantees: that the standard price stands in for it shows in status and reason."""
    given = bundled("pricing.yaml")
    for tier in ("ultra", "ultra geo:us"):
        charge = answer_of(call(provider=provider, model=model, tier=tier), given)
        assert (charge.status, charge.reason) == ("fallback", f"{reason}{NO_TIER_PRICE}")


def test_what_is_free_is_free_at_any_tier():
    text = "models: [{provider: x, model: m, prices: [{input: 0, output: 0}]}]"
    charge = answer_of(call(provider="x", model="m", tier="ultra"), text)
    assert (charge.status, charge.amount.total) == ("free", 0)


def test_an_operator_prices_service_tiers():
    text = (
        "models: [{provider: x, model: m, prices: [{input: 1, output: 1, request: 1}], "
        "service_tiers: {batch: {multiplier: 0.5}, priority: {input: 3}}}]"
    )
    usage = Usage(input=10**6, output=10**6)
    assert usd(call(usage, provider="x", model="m", tier="Batch"), text) == parse_usd(2)
    assert usd(call(usage, provider="x", model="m", tier="priority"), text) == parse_usd(5)
    unknown = answer(call(usage, provider="x", model="m", tier="flex"), text)
    assert (unknown.amount.total, "standard" in unknown.reason) == (parse_usd(3), True)


def test_an_absurd_usage_is_refused_not_wrong():
    most = 2**63 - 1
    found = answer(call(Usage(*[most] * 12)))
    assert isinstance(found, Unpriced)
    assert (found.status, found.reason) == ("unpriced", "cost out of range")
    found = answer(call(None, reported_nano_usd=2**63))
    assert found.reason == "cost out of range"


def test_times_outside_the_calendar_do_no_harm():
    text = (
        "models: [{provider: x, model: m, prices: [{input: 1, output: 1}], "
        "schedule: [{from: '00:00', to: '12:00', tz: Asia/Shanghai, multiplier: 2}]}]"
    )
    for time_ns in (0, -1, 2**63 - 1, 2**64 - 1):
        one = Call(Mark(0, time_ns), "llm", "x", ("m",), Usage(input=10))
        assert usd(one, text) in {10_000, 20_000}


def test_answers_have_the_order_of_the_calls():
    catalog = catalog_of()
    calls = [call(Usage(input=n), model=m) for n, m in ((1, "gpt-4o"), (2, "x"), (3, "gpt-4o"))]
    assert [found.call for found in price(calls, catalog)] == calls
    assert price([], catalog) == []


RERANK = "models: [{provider: x, model: m, prices: [{search: 0.002}]}]"


@pytest.mark.parametrize("usage", [None, Usage(), Usage(input=900), Usage(requests=0)])
def test_a_price_by_search_needs_no_count(usage):
    """Guarantees: a rerank without counts costs one search, whatever tokens it reports."""
    found = answer_of(call(usage, provider="x", model="m", kind="rerank"), RERANK)
    assert (found.amount.total, found.amount.fees) == (2_000_000, 2_000_000)
    assert found.call.usage.searches == 1


def test_searches_that_are_counted_are_charged_each():
    assert usd(call(Usage(searches=3), provider="x", model="m"), RERANK) == 6_000_000


def test_a_price_by_request_holds_without_usage_and_says_so():
    text = "models: [{provider: x, model: m, prices: [{request: 0.002}]}]"
    found = answer_of(call(None, provider="x", model="m"), text)
    assert found.amount.total == 2_000_000
    assert found.reason == "priced by request, no usage reported"
    assert found.call.has_tokens


@pytest.mark.parametrize(
    ("prices", "fields"),
    [
        ("input: 1, output: 2", {}),
        ("input: 1, output: 2, request: 0.01", {}),
        ("request: 0.01, second: 0.001", {}),
        ("second: 0.001", {}),
        ("request: 0.01", {"failed": True, "response_id": "r"}),
        ("request: 0.01", {"aggregate": "sum"}),
    ],
)
def test_usage_that_is_missing_stays_missing_where_the_price_needs_it(prices, fields):
    """Guarantees: a fee alone is never the cost of a call whose tokens cost something as well."""
    text = f"models: [{{provider: x, model: m, prices: [{{{prices}}}]}}]"
    found = answer(call(None, provider="x", model="m", **fields), text)
    assert (type(found), found.status) == (Unpriced, "usage_missing")


def test_generated_images_without_a_breakdown_have_the_rate_of_images():
    text = "models: [{provider: x, model: m, prices: [{input: 1, output: 2, image_output: 30}]}]"
    one = Usage(input=1000, output=1000)
    assert usd(call(one, provider="x", model="m", kind="image"), text) == 31_000_000
    assert usd(call(one, provider="x", model="m"), text) == 3_000_000
    split = Usage(input=1000, output=100, image_output=900)
    assert usd(call(split, provider="x", model="m", kind="image"), text) == 28_200_000
    found = answer_of(call(one, provider="x", model="m", kind="image"), text)
    assert found.amount.total * 10**6 == sum(
        count * rate for count, rate in zip(one, found.rates, strict=True)
    )


def test_a_model_billed_by_tokens_or_by_the_second_is_charged_by_one_of_them():
    text = (
        "models: [{provider: x, model: m, units: without_tokens, "
        "prices: [{input: 1, output: 1, second: 0.001}]}]"
    )
    assert usd(call(Usage(duration_ms=2000), provider="x", model="m"), text) == 2_000_000
    assert (
        usd(call(Usage(input=1000, duration_ms=2000), provider="x", model="m"), text) == 1_000_000
    )
    both = text.replace("units: without_tokens, ", "")
    assert (
        usd(call(Usage(input=1000, duration_ms=2000), provider="x", model="m"), both) == 3_000_000
    )


def test_searches_without_a_price_are_named():
    text = "models: [{provider: x, model: m, prices: [{input: 1, output: 1}]}]"
    found = answer_of(call(Usage(input=1000, web_searches=2), provider="x", model="m"), text)
    assert (found.amount.total, found.reason) == (1_000_000, "no price for its web searches")
    assert found.status == "fallback"
