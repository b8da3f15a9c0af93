"""A stored call at other prices is what it would be if it came in today."""

from dataclasses import MISSING, fields, replace

import pytest

from processor.core.insight import can_be_priced, mark_priced, price_again
from processor.core.model import NOBODY, Call, Entry, Mark, SpanRow, Stamp, UnpricedCalls, Usage
from processor.core.posting import LIFETIME, entry_of
from processor.core.pricing import price
from processor.core.pricing.charge import OUT_OF_RANGE

TIME_NS = 1_800_000_000 * 10**9
A = "{provider: openai, model: a, prices: [{input: 1, output: 2}]}"
DEARER = "{provider: openai, model: a, prices: [{input: 3, output: 2}]}"
B = "{provider: openai, model: b, prices: [{input: 1, output: 2}]}"


def made(**more):
    values = {
        "mark": Mark(0, TIME_NS, service="shop"), "kind": "llm", "provider": "OpenAI",
        "models": ("a",), "usage": Usage(input=1000, output=10),
    } | more  # fmt: skip
    return Call(**values)


def stored(call, catalog):
    """The call's row in the ledger, priced with a catalog."""
    [charge] = price([call], catalog)
    entry = entry_of(charge, "shop")
    return SpanRow(
        b"t" * 16, b"s" * 8, b"", TIME_NS, False, False, NOBODY, NOBODY, "shop", entry,
        Stamp(entry=entry),
    )  # fmt: skip


CALLS = {
    "plain": made(),
    "with a beginning": made(mark=Mark(0, TIME_NS, service="shop", start_ns=5, scope="a.library")),
    "unknown": made(models=("nobody-knows",)),
    "two names": made(models=("a-of-today", "a")),
    "tier": made(tier="batch"),
    "no usage": made(usage=None),
    "no usage, answered": made(usage=None, failed=True, response_id="r-1"),
    "failed": made(usage=None, failed=True),
    "failed with usage": made(failed=True),
    "cached": made(usage=Usage(input=10, cache_read=500, output=3)),
    "free": made(free="response_cache"),
    "reported": made(models=("nobody-knows",), reported_nano_usd=77, reported_by="x.cost"),
    "reported, trusted": made(reported_nano_usd=77, reported_by="gen_ai.usage.cost"),
    "reported, no usage": made(usage=None, reported_nano_usd=77, reported_by="x.cost"),
    "aggregate": made(aggregate="sum"),
    "lifetime": made(aggregate="lifetime"),
    "kind": made(kind="embedding", rule="r", has_tokens=False),
    "nothing named": made(models=()),
}


@pytest.mark.parametrize("name", CALLS)
def test_at_the_same_prices_nothing_changes(prices, name):
    """Guarantees: running twice changes nothing more, whatever kind of call it is."""
    catalog = prices(A).catalog
    row = stored(CALLS[name], catalog)
    assert price_again(row, catalog) is row.entry


@pytest.mark.parametrize("name", CALLS)
def test_at_other_prices_it_is_what_it_would_be_today(prices, name):
    """Guarantees: the ledger keeps all that pricing looks at."""
    before = prices(A).catalog
    trusting = {"reported": "{trust: [gen_ai.usage.cost]}"}
    for after in (
        prices(DEARER).catalog, prices(B).catalog, prices().catalog, prices(A, **trusting).catalog,
        prices(A, B, fallback="{enabled: true, prices: {input: 9, output: 9}}").catalog,
        prices("{provider: openai, model: a, prices: [{input: 1, output: 2}], "
               "service_tiers: {batch: {multiplier: 0.5}}}").catalog,
    ):  # fmt: skip
        row = stored(CALLS[name], before)
        found = price_again(row, after)
        fresh = stored(CALLS[name], after).entry
        if found is row.entry:
            fresh = replace(fresh, price_version=found.price_version, reason=found.reason)
        assert found == fresh


DECIDED_BY_PRICES = {
    "status", "reason", "provider", "model", "price_version", "amount", "rates", "saved_nano_usd",
}  # fmt: skip
SAYS_EVERYTHING = made(
    mark=Mark(0, TIME_NS, time_assumed=True, start_ns=5, scope="a.library", time_rescaled=True),
    kind="embedding", aggregate="sum", response_id="r-1", reported_nano_usd=77,
    reported_by="x.cost", rule="r", has_tokens=False, free="response_cache",
    doubt="split_assumed", is_cumulative=True, may_exclude_cache=False,
)  # fmt: skip


def test_what_no_price_decides_stays(prices):
    """Guarantees: no field of an entry is forgotten, whichever are added."""
    row = stored(SAYS_EVERYTHING, prices(A).catalog)
    found = price_again(row, prices(DEARER).catalog)
    assert found is not row.entry
    for field in fields(Entry):
        if field.name not in DECIDED_BY_PRICES | {"adopted_nano_usd"}:  # Never priced again.
            said = getattr(row.entry, field.name)
            assert field.default is MISSING or said != field.default, field.name
            assert getattr(found, field.name) == said, field.name


def test_the_same_price_under_another_name_is_a_change(prices):
    """Guarantees: totals by model follow an alias also where the amount stays."""
    row = stored(made(), prices(A, B).catalog)
    alias = "{provider: openai, model: b, aliases: [a], prices: [{input: 1, output: 2}]}"
    found = price_again(row, prices(alias).catalog)
    assert (found.model, found.amount) == ("b", row.entry.amount)
    assert found is not row.entry


def test_the_price_is_that_of_the_calls_own_time(prices):
    """Guarantees: a price that starts after the call does not touch it."""
    row = stored(made(), prices(A).catalog)
    later = (
        "{provider: openai, model: a, prices: [{input: 1, output: 2}, "
        "{input: 9, output: 9, effective_from: 2027-06-01}]}"
    )
    assert price_again(row, prices(later).catalog) is row.entry


def test_a_span_that_is_no_call_has_no_price(prices):
    row = replace(stored(made(), prices(A).catalog), entry=None)
    with pytest.raises(ValueError, match="not of a call"):
        price_again(row, prices(A).catalog)


SINCE_2026 = (
    "{provider: openai, model: a, prices: [{input: 1, output: 2, effective_from: 2026-01-01}]}"
)
IN_2027 = 1_800_000_000 * 10**9
IN_2020 = 1_600_000_000 * 10**9


def unknown(model="a", reason="model unknown at this provider", last_ns=IN_2027):
    return UnpricedCalls("openai", (model,), reason, "shop", 3, 30, 0, last_ns)


def test_a_model_that_has_a_price_by_now_is_marked(prices):
    found = mark_priced(
        [unknown(), unknown("b"), unknown(last_ns=IN_2020)], prices(SINCE_2026).catalog
    )
    assert [each.has_price for each in found] == [True, False, False]


def test_what_no_price_can_help_is_never_marked(prices):
    for reason in (LIFETIME, OUT_OF_RANGE):
        [found] = mark_priced([unknown(reason=reason)], prices(SINCE_2026).catalog)
        assert not found.has_price
        assert not can_be_priced(found)
    assert can_be_priced(unknown())


def test_what_another_processor_has_charged_is_not_priced_again(prices):
    """Guarantees: its charge is adopted for good; our prices say nothing about it."""
    row = stored(made(adopted_nano_usd=7), prices(A).catalog)
    assert price_again(row, prices(DEARER).catalog) is row.entry
