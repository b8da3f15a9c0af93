"""What is written on a span: totals as of arrival, and only what this very span is charged for."""

from __future__ import annotations

from dataclasses import replace

from processor.core.attribution import Arrival, attach
from processor.core.attribution.share import NO_SUBTOTAL
from processor.core.attribution.totals import share_of
from processor.core.model import Call, Charge, Mark, Owner, Totals, Unpriced, Usage
from processor.core.money import ZERO, Amount
from processor.core.posting.stamp import entry_of, written_entry

S = Owner(session="s")


def test_an_entry_holds_what_the_call_says_and_what_its_price_is(given):
    charge = given.batch(given.call(1, usage=Usage(input=3, output=1))).charges[0]
    assert isinstance(charge, Charge)
    charge = replace(charge,
        saved_nano_usd=5,
        reason="why",
        call=replace(charge.call,
            reported_nano_usd=9, rule="r", has_tokens=False, kind="embedding",
            mark=replace(charge.call.mark, time_assumed=True),
        ),
    )  # fmt: skip
    entry = entry_of(charge, "svc")
    assert entry.amount == charge.amount
    assert entry.rates == given.RATES
    assert (entry.status, entry.reason, entry.price_version) == ("exact", "why", "v1")
    assert (entry.provider, entry.model, entry.service) == ("openai", "gpt-4o", "svc")
    assert (entry.usage, entry.aggregate) == (Usage(input=3, output=1), None)
    assert (entry.saved_nano_usd, entry.reported_nano_usd) == (5, 9)
    assert (entry.rule, entry.has_tokens, entry.kind) == ("r", False, "embedding")
    assert entry.time_assumed


def test_the_dialect_stands_for_an_instrumentation_without_a_name(given):
    """Guarantees: two that name no scope are distinguished by how they write."""
    charge = given.batch(given.call(1)).charges[0]
    for scope, expected in (("", "openinference"), ("x", "x")):
        mark = replace(charge.call.mark, scope=scope)
        call = replace(charge.call, mark=mark, dialect="openinference")
        assert entry_of(replace(charge, call=call), "svc").scope == expected


def test_an_unpriced_call_has_no_amount_which_is_not_zero(given):
    entry = entry_of(given.batch(given.unpriced(1)).charges[0], "svc")
    assert (entry.status, entry.amount, entry.rates) == ("unpriced", None, None)
    assert entry.usage == Usage(input=100)


def test_a_leaf_call_is_written_as_it_was_priced(turns, given):
    plan = turns.turn(given.call(2, 1))
    stamp = plan.stamps[0]
    assert stamp.entry == given.entry(given.call(2, 1))
    assert (stamp.agent, stamp.trace, stamp.session) == (None, None, None)


def test_a_root_shows_the_totals_of_trace_and_session(turns, given):
    turns.turn(given.call(5, trace=2, own=S))
    turns.turn(given.call(2, 1), given.agent(3, 1))
    plan = turns.turn(given.carrier(1, session="s"))
    assert plan.stamps[0].trace == Totals(
        cost_nano_usd=1000, input_tokens=100, calls=1, agent_runs=1
    )
    assert plan.stamps[0].session == Totals(
        cost_nano_usd=2000, input_tokens=200, calls=2, agent_runs=1
    )


def test_a_span_with_a_remote_parent_shows_the_totals_too(turns, given):
    turns.turn(given.call(3, 2))
    plan = turns.turn(given.plain(2, 1, remote=True))
    assert plan.stamps[0].trace.calls == 1
    assert plan.stamps[0].session is None


def test_a_plain_span_in_the_middle_shows_nothing(turns, given):
    plan = turns.turn(given.call(3, 2), given.plain(2, 1), given.plain(1))
    stamp = plan.stamps[1]
    assert (stamp.entry, stamp.agent, stamp.trace, stamp.session) == (None, None, None, None)
    assert plan.stamps[2].trace.calls == 1


def test_a_root_of_a_trace_without_calls_shows_nothing(turns, given):
    plan = turns.turn(given.agent(2, 1), given.plain(1))
    assert plan.stamps[1].trace is None


def test_a_root_call_shows_the_totals_with_itself(turns, given):
    plan = turns.turn(given.call(1, own=S))
    assert (
        plan.stamps[0].trace
        == plan.stamps[0].session
        == Totals(cost_nano_usd=1000, input_tokens=100, calls=1)
    )


def test_a_call_after_its_root_shows_the_amended_totals_of_the_trace(turns, given):
    turns.turn(given.call(2, 1), given.plain(1))
    plan = turns.turn(given.call(3, 1))
    assert plan.stamps[0].trace.calls == 2
    assert plan.stamps[0].session is None


def test_a_call_in_the_batch_of_its_root_leaves_the_totals_to_the_root(turns, given):
    plan = turns.turn(given.plain(1), given.call(2, 1))
    assert plan.stamps[0].trace.calls == 1
    assert plan.stamps[1].trace is None


def test_the_first_call_after_a_root_that_waited_shows_the_totals_of_the_trace(turns, given):
    turns.turn(given.plain(1))
    plan = turns.turn(given.call(2, 1))
    assert plan.stamps[0].trace is not None


def test_after_a_restart_a_call_still_knows_that_its_root_has_passed(turns, given):
    turns.turn(given.call(2, 1), given.plain(1))
    turns.restart()
    assert turns.turn(given.call(3, 1)).stamps[0].trace.calls == 2


def test_an_agent_shows_all_that_is_below_it(turns, given):
    turns.turn(given.call(4, 3), given.agent(3, 2, "inner"), given.call(5, 2))
    plan = turns.turn(given.agent(2, 1, "outer"))
    assert plan.stamps[0].agent.calls == 2
    assert turns.stamps[1, 3].agent.calls == 1
    assert plan.stamps[0].entry is None


def test_an_aggregate_that_repeats_shows_no_cost_and_no_tokens_but_inclusive_totals(turns, given):
    """Guarantees: whoever adds up spans does not find the same tokens twice."""
    plan = turns.turn(given.call(2, 1), given.aggregate(1, tokens=100))
    stamp = plan.stamps[1]
    assert (stamp.entry.status, stamp.entry.amount, stamp.entry.usage) == ("aggregate", None, None)
    assert stamp.entry.has_tokens
    assert stamp.entry.reason == "counted in the spans below"
    assert stamp.agent == Totals(cost_nano_usd=1000, input_tokens=100, calls=1)


def test_an_aggregate_that_is_the_only_carrier_shows_its_cost(turns, given):
    stamp = turns.turn(given.aggregate(1, tokens=100)).stamps[0]
    assert (stamp.entry.status, stamp.entry.amount.total) == ("aggregate", 1000)
    assert stamp.agent == Totals(cost_nano_usd=1000, input_tokens=100)


def test_an_aggregate_shows_only_its_remainder(turns, given):
    stamp = turns.turn(given.call(2, 1), given.aggregate(1, tokens=130)).stamps[1]
    assert (stamp.entry.amount.total, stamp.entry.usage.input) == (300, 30)


def test_a_call_that_wraps_another_shows_no_cost(turns, given):
    stamp = turns.turn(given.call(2, 1), given.call(1)).stamps[1]
    assert (stamp.entry.status, stamp.entry.amount) == ("aggregate", None)


def test_an_unpriced_call_shows_no_cost_and_its_tokens(turns, given):
    stamp = turns.turn(given.unpriced(2, 1)).stamps[0]
    assert (stamp.entry.status, stamp.entry.amount) == ("unpriced", None)
    assert stamp.entry.usage == Usage(input=100)


def test_a_failed_call_and_one_without_usage_say_so(turns, given):
    plan = turns.turn(given.failed(2, 1), given.usage_missing(3, 1))
    assert [plan.stamps[row].entry.status for row in (0, 1)] == ["failed", "usage_missing"]


def test_a_reported_cost_without_tokens_is_written_as_reported(turns, given):
    amount = Amount(total=500, fees=500)
    stamp = turns.turn(given.call(2, 1, usage=None, amount=amount)).stamps[0]
    assert (stamp.entry.status, stamp.entry.amount) == ("reported", amount)


def test_a_lifetime_aggregate_alone_is_unpriced_and_says_why(turns, given):
    stamp = turns.turn(given.aggregate(1, aggregate="lifetime")).stamps[0]
    assert (stamp.entry.status, stamp.entry.amount) == ("unpriced", None)
    assert "lifetime" in stamp.entry.reason


def test_a_free_aggregate_that_is_the_only_carrier_says_that_it_is_free(turns, given):
    specs = given.aggregate(1, amount=ZERO)
    assert turns.turn(specs).stamps[0].entry.amount == ZERO


def test_a_remainder_shows_no_saving_that_the_totals_do_not_have(turns, given):
    node = given.node(given.aggregate(1, usage=Usage(input=100, cache_read=50)))
    node.entry = replace(node.entry, saved_nano_usd=450)
    turns.turn(given.call(2, 1, tokens=90))
    trace = turns.traces[given.trace_id(1)]
    attach(trace, [Arrival(node)], {})
    assert written_entry(node.entry, node).saved_nano_usd == trace.total.saved_nano_usd == 0


def test_an_implausible_call_shows_no_cost_and_no_tokens(given):
    """Guarantees: nobody who adds up spans adds what nobody believes."""
    written = entry_of(
        Unpriced(
            Call(Mark(0, 0), "llm", "openai", ("m",), Usage(input=10**12), has_tokens=False),
            "implausible", "more than 100 tokens reported",
        ),
        "svc",
    )  # fmt: skip
    node = given.node(given.call(1))
    node.entry, node.share = written, share_of(written, NO_SUBTOTAL)
    assert node.share.totals == Totals(calls=1, unpriced=1)
    shown = written_entry(written, node)
    assert (shown.status, shown.usage, shown.has_tokens) == ("implausible", None, True)


def test_an_aggregate_above_an_implausible_call_is_not_charged_for_it(given):
    """Guarantees: a sum that repeats a number is no more money than the number."""
    leaf = replace(given.entry(given.call(1)), status="implausible", amount=None, rates=None)
    leaf = replace(leaf, usage=Usage(input=5000))
    below = share_of(leaf, NO_SUBTOTAL)
    above = given.entry(given.aggregate(2, usage=Usage(input=5100)))
    assert share_of(above, below).totals.input_tokens == 100
    assert share_of(above, below).explains.input == 100
