"""The first half of a turn: which spans are new, which are known, and what a trace becomes."""

from __future__ import annotations

import itertools

import pytest

from processor.core import posting
from processor.core.attribution.pending import PendingSpan, PendingSpans
from processor.core.model import Owner, Stamp, Totals, Usage


def waiting_of(pending, trace_id):
    """All spans of a trace that wait, whatever they are."""
    plain = {
        span_id: PendingSpan(span.parent_id, None, is_local_root=False)
        for span_id, span in pending.plain(trace_id).items()
    }
    return plain | dict(pending.significant(trace_id))


def test_a_span_that_comes_twice_is_charged_once_and_stamped_alike(turns, given):
    first = turns.turn(given.call(1))
    again = turns.turn(given.call(1))
    assert (again.rows, again.postings, again.repeats, again.conflicts) == ([], {}, 1, 0)
    assert again.stamps == first.stamps


def test_a_span_that_comes_twice_in_one_batch_is_charged_once_and_stamped_twice(turns, given):
    plan = turns.turn(given.call(1), given.call(1))
    assert (len(plan.rows), plan.repeats, plan.conflicts) == (1, 1, 0)
    assert plan.stamps[0] == plan.stamps[1]


def test_the_same_span_id_in_another_trace_is_another_span(turns, given):
    turns.turn(given.call(1, trace=1), given.call(1, trace=2))
    assert turns.total("total").calls == 2


@pytest.mark.parametrize(
    ("copy", "conflicts"),
    [
        ({}, 0),
        ({"tokens": 101}, 1),
        ({"model": "other"}, 1),
        ({"model": "other", "price_version": "v2"}, 0),
    ],
)
def test_a_copy_that_says_something_else_is_counted_and_the_first_stays(
    turns, given, copy, conflicts
):
    turns.turn(given.call(1))
    plan = turns.turn(given.call(1, **copy))
    assert (plan.repeats, plan.conflicts, plan.postings) == (1, conflicts, {})
    assert turns.total("total").cost_nano_usd == 1000


def test_a_copy_that_is_no_call_any_more_is_a_conflict(turns, given):
    turns.turn(given.call(1))
    assert turns.turn(given.carrier(1, session="s")).conflicts == 1
    assert turns.turn(given.plain(1)).repeats == 1


def test_a_call_without_usage_gives_way_to_a_copy_with_it(turns, given):
    turns.turn(given.usage_missing(1))
    assert turns.total("total") == Totals(calls=1, unpriced=1)
    plan = turns.turn(given.call(1))
    assert turns.total("total") == Totals(cost_nano_usd=1000, input_tokens=100, calls=1)
    assert [row.is_amendment for row in plan.rows] == [True]
    assert plan.stamps[0].entry.status == "exact"
    assert (plan.repeats, plan.conflicts) == (0, 0)


def test_the_copy_with_usage_then_stands(turns, given):
    turns.turn(given.usage_missing(1))
    amended = turns.turn(given.call(1))
    again = turns.turn(given.usage_missing(1))
    assert again.postings == {}
    assert again.stamps == amended.stamps


def test_usage_that_is_missing_first_in_the_same_batch_is_no_amendment(turns, given):
    plan = turns.turn(given.usage_missing(1), given.call(1))
    assert [row.is_amendment for row in plan.rows] == [False]
    assert plan.stamps[0] == plan.stamps[1]
    assert turns.total("total").cost_nano_usd == 1000


def test_a_call_whose_price_is_unknown_does_not_give_way(turns, given):
    """Guarantees: prices loaded later do not change what is in the ledger."""
    turns.turn(given.unpriced(1))
    plan = turns.turn(given.call(1))
    assert (plan.repeats, plan.postings) == (1, {})
    assert turns.total("total").unpriced == 1


def test_a_root_that_gets_its_usage_without_moving_anything_is_stamped(turns, given):
    root = {"own": Owner(session="s"), "usage": None}
    specs = given.replace(given.usage_missing(1, **root), aggregate="sum")
    turns.turn(given.call(2, 1), specs)
    plan = turns.turn(given.aggregate(1, tokens=100, own=Owner(session="s")))
    assert plan.stamps[0].session is not None


def test_a_span_that_waited_is_attached_with_the_first_call(turns, given):
    turns.turn(given.carrier(1, session="s"), given.plain(2, 1))
    assert len(turns.pending) == 2
    plan = turns.turn(given.call(3, 2))
    assert len(turns.pending) == 0
    assert turns.total("session", "s").calls == 1
    assert {row.span_id for row in plan.rows} == {given.span_id(at) for at in (1, 2, 3)}


def test_a_carrier_that_waited_counts_even_beside_the_call(turns, given):
    turns.turn(given.carrier(2, 1, session="s"))
    turns.turn(given.call(3, 1))
    assert turns.total("session", "s").calls == 1


def test_a_copy_of_a_span_that_waits_is_one_span(turns, given):
    turns.turn(given.carrier(1, session="s"))
    plan = turns.turn(given.call(2, 1), given.carrier(1, session="s"))
    assert len(plan.rows) == 2
    assert len(turns.pending) == 0


def test_plain_spans_of_a_trace_with_calls_wait_until_a_call_is_below_them(turns, given):
    turns.turn(given.agent(1))
    turns.turn(given.plain(2, 1))
    assert turns.total("agent", "planner").calls == 0
    turns.turn(given.call(3, 2))
    assert turns.total("agent", "planner").calls == 1


def test_spans_of_traces_without_a_call_change_nothing(turns, given):
    plan = turns.turn(given.carrier(1, session="s"), given.plain(2, 1))
    assert (plan.rows, plan.stamps, plan.postings) == ([], {}, {})


@pytest.mark.parametrize("with_call", [False, True])
def test_a_root_that_waited_is_written_as_the_first_time_when_it_comes_again(
    turns, given, with_call
):
    """Guarantees: it went on without totals, and has none later, whatever comes with it."""
    turns.turn(given.carrier(1, session="s"))
    if with_call:
        plan = turns.turn(given.carrier(1, session="other"), given.call(2, 1))
    else:
        turns.turn(given.call(2, 1))
        plan = turns.turn(given.carrier(1, session="s"))
    assert plan.stamps[0] == Stamp()
    assert plan.repeats == 1
    assert turns.total("session", "s").calls == 1


def test_a_link_that_waited_carries_no_correction_when_it_comes_again(turns, given):
    """Guarantees: what it links is written on the call that comes with it."""
    turns.turn(given.plain(2, 1))
    turns.turn(given.aggregate(1))
    plan = turns.turn(given.call(3, 2), given.plain(2, 1))
    assert [stamp.corrections for stamp in plan.stamps.values()] == [
        ((given.span_id(1), -1000),),
        (),
    ]


def test_pending_spans_that_were_taken_are_listed_so_that_they_can_be_returned(turns, given):
    turns.turn(given.carrier(1, session="s"))
    waiting = waiting_of(turns.pending, given.trace_id(1))[given.span_id(1)]
    intake = given.batch(given.call(2, 1))
    traces = {given.trace_id(1): posting.rebuild(given.trace_id(1), [])}
    posted = posting.post(intake, traces, turns.pending, 1000)
    assert posted.taken_pending == [(given.trace_id(1), given.span_id(1), waiting)]


def test_calls_of_one_turn_are_counted_by_end_time_then_span_id(given):
    specs = [given.call(1, at_s=9), given.call(4, at_s=5), given.call(3, at_s=5, trace=2)]
    for order in itertools.permutations(specs):
        intake = given.batch(*order)
        traces = {given.trace_id(at): posting.rebuild(given.trace_id(at), []) for at in (1, 2)}
        posted = posting.post(intake, traces, PendingSpans(10), 1000)
        assert [move.node.span_id[-1] for _, move in posted.movements] == [3, 4, 1]


def every_kind(given):
    """A trace with everything in it, children before parents."""
    return [
        given.call(7, 6, usage=Usage(input=10, cache_read=30, output=5)),
        given.plain(6, 4),
        given.unpriced(8, 4),
        given.usage_missing(9, 4),
        given.aggregate(4, 3, tokens=400, own=Owner(agent="inner")),
        given.carrier(3, 2, session="s", feature="f"),
        given.failed(10, 2),
        given.agent(2, 1, "outer"),
        given.call(11, 1, inherited=Owner(org="o")),
        given.carrier(1, user="u"),
    ]


def test_a_trace_that_is_rebuilt_is_the_trace_that_stood(turns, given):
    for specs in every_kind(given):
        turns.turn(specs)
    before = turns.traces[given.trace_id(1)]
    turns.restart()
    after = turns.traces[given.trace_id(1)]
    assert after is not before
    assert after.total == before.total
    assert {k: v for k, v in after.runs.items() if not v.is_zero} == {
        k: v for k, v in before.runs.items() if not v.is_zero
    }
    assert set(after.nodes) == set(before.nodes)
    for key, node in before.nodes.items():
        other = after.nodes[key]
        assert (node.scope_ids, node.posted, node.stamp) == (
            other.scope_ids,
            other.posted,
            other.stamp,
        )
    assert (after.has_local_root, after.awaited) == (before.has_local_root, before.awaited)


def test_repeats_after_a_rebuild_are_stamped_as_the_first_time(turns, given):
    specs = every_kind(given)
    turns.turn(*specs)
    first = dict(turns.stamps)
    turns.restart()
    turns.turn(*specs)
    assert turns.stamps == first


def test_a_rebuilt_trace_goes_on_where_it_stood(turns, given):
    specs = every_kind(given)
    for one in specs:
        turns.restart()
        turns.turn(one)
    assert turns.total("total") == turns.traces[given.trace_id(1)].total
    assert turns.total("session", "s").cost_nano_usd == turns.total("total").cost_nano_usd
    assert turns.shown == turns.total("total").cost_nano_usd


def test_an_amended_call_is_rebuilt_with_its_usage(turns, given):
    turns.turn(given.usage_missing(1))
    turns.turn(given.call(1))
    turns.restart()
    assert turns.traces[given.trace_id(1)].total == Totals(
        cost_nano_usd=1000, input_tokens=100, calls=1
    )


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::5])
@pytest.mark.parametrize("restart_at", [0, 2, 4])
def test_a_call_is_not_explained_by_what_its_tool_calls(turns, given, order, restart_at):
    """Guarantees: whether the tool's span came first, waited for its trace, or was read again."""
    specs = [
        given.call(1, tokens=500),
        given.tool(2, 1),
        given.agent(3, 2),
        given.call(4, 3, tokens=300),
    ]
    for number, at in enumerate(order):
        if number == restart_at:
            turns.restart()
        turns.turn(specs[at])
    if restart_at:
        # What waited is lost in a restart; a span that is sent again restores it.
        for spec in specs:
            turns.turn(spec)
    total = turns.total("total")
    assert (total.cost_nano_usd, total.calls) == (8000, 2)
    assert turns.total("agent", "planner").cost_nano_usd == 3000
