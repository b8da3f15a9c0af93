"""What a span adds to every total, given what is known below it."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from processor.core.attribution.share import NO_SHARE, NO_SUBTOTAL, Subtotal
from processor.core.attribution.totals import own_part, share_of, unexplained
from processor.core.model import NO_USAGE, NOTHING, Totals, Usage
from processor.core.money import ZERO, Amount, price_usage

COUNTS = st.integers(0, 50)
USAGES = st.builds(Usage, *[COUNTS] * len(Usage._fields))
TOTALS = st.builds(Totals, *[st.integers(-(2**62), 2**62)] * len(fields(Totals)))


def share(given, specs, *below):
    """The share of a span above leaves."""
    together = NO_SUBTOTAL
    for leaf in below:
        together = together.plus(share_of(given.entry(leaf), NO_SUBTOTAL))
    return share_of(given.entry(specs), together)


@drawn(TOTALS, TOTALS)
def test_taking_away_what_was_added_leaves_what_there_was(a, b):
    assert a.plus(b).minus(b) == a
    assert a.plus(NOTHING) == a == NOTHING.plus(a) == a.minus(NOTHING)
    assert a.plus(b).values() == tuple(map(sum, zip(a.values(), b.values(), strict=True)))
    assert a.is_zero == (a == NOTHING) == (not any(a.values()))


@drawn(USAGES, USAGES)
def test_usages_add_and_subtract_field_by_field(a, b):
    assert a.plus(b).minus(b) == a
    assert a.plus(NO_USAGE) == a == NO_USAGE.plus(a) == a.minus(NO_USAGE)


@drawn(TOTALS, USAGES, TOTALS, USAGES)
def test_subtotals_add_and_subtract_both(a, usage, b, more):
    one, other = Subtotal(a, usage), Subtotal(b, more)
    assert one.plus(other).minus(other) == one
    assert one.plus(NO_SUBTOTAL) == one == NO_SUBTOTAL.plus(one) == one.minus(NO_SUBTOTAL)
    assert one.minus(one).is_nothing
    assert one.is_nothing == (one == NO_SUBTOTAL)


def test_nothing_contains_no_request():
    assert sum(NO_USAGE) == 0
    assert NO_SHARE.totals == NOTHING


def test_a_leaf_adds_its_whole_usage_and_one_call(given):
    usage = Usage(input=7, cache_read=3, cache_write=2, output=5, reasoning=1)
    got = share(given, given.call(1, usage=usage))
    assert got.totals == Totals(
        cost_nano_usd=70 + 3 + 24 + 240,
        input_tokens=12,
        output_tokens=6,
        cached_tokens=3,
        calls=1,
        cache_hits=1,
    )
    assert got.explains == usage


def test_a_leaf_keeps_the_cost_and_saving_it_was_priced_with(given):
    """Guarantees: prices that are no plain product (a minimum fee, say) are not worked out anew."""
    priced = Amount(total=999, input=900, fees=99)
    entry = replace(given.entry(given.call(1)), amount=priced, saved_nano_usd=55)
    got = share_of(entry, NO_SUBTOTAL)
    assert (got.amount, got.totals.cost_nano_usd, got.totals.saved_nano_usd) == (priced, 999, 55)


def test_a_call_with_doubtful_counts_is_counted_as_doubtful(given):
    assert share(given, given.call(1, doubt="split_assumed")).totals.doubtful_calls == 1
    assert share(given, given.unpriced(1, doubt="split_assumed")).totals.doubtful_calls == 1


def test_doubtful_counts_that_add_nothing_are_not_counted(given):
    parent = given.aggregate(1, tokens=300, doubt="counts_contradict")
    assert share(given, parent, given.call(2, tokens=300)).totals == NOTHING
    assert share(given, parent, given.call(2, tokens=200)).totals.doubtful_calls == 1


def test_an_aggregate_that_repeats_its_children_adds_nothing(given):
    got = share(given, given.aggregate(1, tokens=300), given.call(2), given.call(3, tokens=200))
    assert got.totals == NOTHING
    assert got.explains == NO_USAGE
    assert got.amount == ZERO


def test_an_aggregate_that_is_the_only_carrier_is_charged_but_is_no_call(given):
    got = share(given, given.aggregate(1, tokens=300))
    assert got.totals == Totals(cost_nano_usd=3000, input_tokens=300)


def test_an_aggregate_is_charged_for_what_its_children_leave(given):
    usage = Usage(input=300, output=40)
    got = share(given, given.aggregate(1, usage=usage), given.call(2, tokens=250))
    assert got.explains == Usage(input=50, output=40, requests=0)
    assert got.totals == Totals(cost_nano_usd=500 + 1600, input_tokens=50, output_tokens=40)


def test_children_that_report_more_than_the_aggregate_leave_nothing(given):
    got = share(given, given.aggregate(1, tokens=100), given.call(2, tokens=250))
    assert got.totals == NOTHING


def test_input_that_children_split_into_cached_and_uncached_is_explained(given):
    """Guarantees: one number for all input is not charged again because a child splits it."""
    child = given.call(2, usage=Usage(input=40, cache_read=60))
    assert share(given, given.aggregate(1, tokens=100), child).totals == NOTHING


def test_cached_input_that_a_child_reports_in_one_number_is_explained(given):
    parent = given.aggregate(1, usage=Usage(input=40, cache_read=60))
    assert share(given, parent, given.call(2, tokens=100)).totals == NOTHING


def test_the_rest_of_a_side_goes_to_the_classes_that_lack_it(given):
    parent = given.aggregate(1, usage=Usage(input=100, cache_read=80, output=10))
    got = share(given, parent, given.call(2, usage=Usage(input=100, cache_read=30)))
    assert got.explains == Usage(cache_read=50, output=10, requests=0)


def test_output_children_split_into_reasoning_is_explained(given):
    child = given.call(2, usage=Usage(input=10, output=20, reasoning=30))
    parent = given.aggregate(1, usage=Usage(input=10, output=50))
    assert share(given, parent, child).totals == NOTHING


def test_web_searches_are_left_over_one_by_one(given):
    parent = given.aggregate(1, usage=Usage(input=10, web_searches=3))
    got = share(given, parent, given.call(2, usage=Usage(input=10, web_searches=1)))
    assert got.explains == Usage(web_searches=2, requests=0)
    assert got.totals.cost_nano_usd == 2000


@drawn(USAGES, USAGES)
def test_what_is_left_over_never_exceeds_what_a_side_lacks(own, below):
    """Guarantees: a remainder is no more than own minus below, on each side and in each class."""
    left = unexplained(own, below)
    assert left.input_tokens == max(0, own.input_tokens - below.input_tokens)
    assert left.output_tokens == max(0, own.output_tokens - below.output_tokens)
    assert all(0 <= part <= whole for part, whole in zip(left, own, strict=True))


@drawn(USAGES)
def test_what_nothing_explains_is_left_whole(own):
    assert unexplained(own, NO_USAGE) == own


def test_a_call_within_a_call_counts_as_one_call(given):
    got = share(given, given.call(1, tokens=100), given.call(2, tokens=100))
    assert got.totals == NOTHING


def test_a_call_within_a_call_adds_what_is_beyond_it_but_no_second_call(given):
    got = share(given, given.call(1, tokens=130), given.call(2, tokens=100))
    assert got.totals == Totals(cost_nano_usd=300, input_tokens=30)


def test_an_unpriced_call_counts_as_unpriced_with_its_tokens_and_no_cost(given):
    got = share(given, given.unpriced(1, tokens=70))
    assert got.totals == Totals(input_tokens=70, calls=1, unpriced=1)
    assert got.amount is None


def test_an_unpriced_child_explains_no_cost_but_its_tokens(given):
    """Guarantees: tokens are not counted twice where only the parent has a price."""
    got = share(given, given.aggregate(1, tokens=100), given.unpriced(2, tokens=100))
    assert got.totals == Totals(cost_nano_usd=1000)


def test_an_unpriced_aggregate_above_priced_children_hides_nothing(given):
    specs = given.replace(given.unpriced(1, tokens=100), aggregate="sum")
    assert share(given, specs, given.call(2, tokens=100)).totals == NOTHING


def test_an_unpriced_aggregate_with_tokens_of_its_own_makes_totals_say_at_least(given):
    specs = given.replace(given.unpriced(1, tokens=150), aggregate="sum")
    got = share(given, specs, given.call(2, tokens=100))
    assert got.totals == Totals(input_tokens=50, unpriced=1)


def test_a_failed_call_costs_nothing_and_keeps_totals_complete(given):
    got = share(given, given.failed(1))
    assert got.totals == Totals(calls=1)


def test_a_call_without_usage_makes_totals_say_at_least(given):
    assert share(given, given.usage_missing(1)).totals == Totals(calls=1, unpriced=1)


def test_an_aggregate_without_usage_adds_nothing(given):
    specs = given.replace(given.usage_missing(1), aggregate="sum")
    assert share(given, specs).totals == NOTHING


def test_a_reported_cost_without_tokens_is_charged_whole_when_alone(given):
    amount = Amount(total=500, fees=500)
    got = share(given, given.call(1, usage=None, amount=amount))
    assert got.totals == Totals(cost_nano_usd=500, calls=1)
    assert got.amount == amount


@pytest.mark.parametrize("usage", [None, Usage(input=100)])
def test_a_reported_cost_is_charged_only_beyond_the_cost_below(given, usage):
    specs = given.call(1, usage=usage, amount=Amount(total=1500, fees=1500))
    assert share(given, specs, given.call(2, tokens=100)).totals.cost_nano_usd == 500
    assert share(given, specs, given.call(2, tokens=500)).totals.cost_nano_usd == 0


def test_a_free_call_is_a_call_without_cost_and_explains_its_tokens(given):
    free = replace(given.entry(given.call(2)), status="free", amount=ZERO, rates=(0,) * 12)
    inner = share_of(free, NO_SUBTOTAL)
    assert inner.totals == Totals(input_tokens=100, calls=1)
    outer = share_of(given.entry(given.aggregate(1)), inner)
    assert outer.totals == NOTHING


def test_savings_are_counted_with_the_call_that_made_them_and_not_again_above(given):
    entry = given.entry(given.call(1, usage=Usage(input=40, cache_read=60)))
    leaf = share_of(replace(entry, saved_nano_usd=540), NO_SUBTOTAL)
    above = replace(entry, saved_nano_usd=540, aggregate="sum")
    got = leaf.totals.plus(share_of(above, leaf).totals)
    assert (got.saved_nano_usd, got.cache_hits, got.cached_tokens) == (540, 1, 60)


@pytest.mark.parametrize("usage", [Usage(input=40, cache_read=60), Usage(input=100), None])
def test_what_an_applications_cache_answered_is_counted_apart_from_prompt_caches(given, usage):
    """Guarantees: neither hits, tokens nor savings of prompt caches contain it, in any sum."""
    saved_nano_usd = 900 if usage else 0
    entry = replace(
        given.entry(given.call(2, usage=Usage(input=100))), status="free", free="response_cache",
        usage=usage, amount=ZERO, rates=(0,) * len(Usage._fields), saved_nano_usd=saved_nano_usd,
    )  # fmt: skip
    got = share_of(entry, NO_SUBTOTAL)
    assert got.totals == Totals(
        input_tokens=100 if usage else 0,
        calls=1,
        response_cache_hits=1,
        response_cache_saved_nano_usd=saved_nano_usd,
    )
    above = share_of(given.entry(given.aggregate(1)), got).totals
    assert (above.response_cache_hits, above.cache_hits, above.calls) == (0, 0, 0)


@drawn(USAGES, st.lists(USAGES, max_size=3))
def test_parent_and_children_together_never_cost_more_than_apart(given, own, children):
    """Guarantees: an aggregate costs at most what it would alone, and never less than nothing."""
    leaves = [given.call(2 + at, usage=usage) for at, usage in enumerate(children)]
    got = share(given, given.aggregate(1, usage=own), *leaves)
    assert 0 <= got.totals.cost_nano_usd <= price_usage(own, given.RATES).total


def test_a_last_step_aggregate_above_priced_calls_is_never_charged(given):
    specs = given.aggregate(1, tokens=150, aggregate="last_step")
    assert share(given, specs, given.call(2, tokens=100)).totals.cost_nano_usd == 0


def test_a_lifetime_aggregate_above_priced_calls_is_never_charged(given):
    """Guarantees: the usage of earlier runs, which such a span repeats, is not billed again."""
    specs = given.aggregate(1, tokens=900, aggregate="lifetime")
    assert share(given, specs, given.call(2, tokens=100)).totals.cost_nano_usd == 0


@pytest.mark.parametrize("kind", ["last_step", "sole_carrier", "sum"])
def test_an_aggregate_without_anything_below_is_charged_whatever_its_kind(given, kind):
    got = share(given, given.aggregate(1, tokens=150, aggregate=kind))
    assert got.totals == Totals(cost_nano_usd=1500, input_tokens=150)


def test_a_lifetime_aggregate_alone_has_an_unknown_cost(given):
    """Guarantees: what an agent object has used since it was made is not the cost of this run."""
    entry = given.entry(given.aggregate(1, aggregate="lifetime"))
    got = share_of(replace(entry, amount=None, rates=None), NO_SUBTOTAL)
    assert (got.totals, got.amount) == (Totals(unpriced=1), None)


def below_of(given, own, tools):
    """What own calls and those of tools add up to, and what the tools add of it."""
    in_tools = share(given, given.call(3, usage=tools)) if tools else NO_SUBTOTAL
    whole = in_tools.plus(share(given, given.call(2, usage=own))) if own else in_tools
    return Subtotal(whole.totals, whole.explains), Subtotal(in_tools.totals, in_tools.explains)


@pytest.mark.parametrize(
    ("usage", "own", "rest"),
    [
        (Usage(input=30, output=3), None, (30, 3)),
        (Usage(input=30, output=3), Usage(input=30, output=3), (0, 0)),
        (Usage(input=50, output=3), Usage(input=30, output=3), (20, 0)),
        (Usage(input=130, output=13), Usage(input=30, output=3), (0, 0)),  # the sum of all
        (Usage(input=140, output=13), Usage(input=30, output=3), (10, 0)),
        (Usage(input=100, output=10), None, (0, 0)),  # the sum of all, with no own request
        (Usage(input=140, output=14), None, (140, 14)),
    ],
)
def test_an_agent_is_not_explained_by_what_its_tools_call(given, usage, own, rest):
    entry = given.entry(given.aggregate(1, usage=usage))
    below, in_tools = below_of(given, own, Usage(input=100, output=10))
    got = share_of(entry, own_part(entry, below, in_tools, is_agent=True))
    assert (got.totals.input_tokens, got.totals.output_tokens) == rest
    assert (got.explains.input, got.explains.output) == rest


def test_a_chain_sums_up_what_its_tools_call(given):
    entry = given.entry(given.aggregate(1, usage=Usage(input=100, output=10)))
    below, in_tools = below_of(given, None, Usage(input=140, output=10))
    assert own_part(entry, below, in_tools, is_agent=False) is below


@pytest.mark.parametrize("usage", [Usage(input=130, output=13), Usage(input=200, output=20)])
def test_a_call_is_not_explained_by_what_a_tool_calls(given, usage):
    entry = given.entry(given.call(1, usage=usage))
    below, in_tools = below_of(given, None, Usage(input=110, output=11))
    got = share_of(entry, own_part(entry, below, in_tools, is_agent=False))
    assert (got.amount, got.totals.calls) == (entry.amount, 1)


def test_a_call_without_usage_is_unknown_even_if_its_tools_call_models(given):
    entry = given.entry(given.usage_missing(1))
    below, in_tools = below_of(given, None, Usage(input=110, output=11))
    assert share_of(entry, own_part(entry, below, in_tools, is_agent=False)).totals.unpriced == 1
