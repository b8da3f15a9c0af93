"""New spans in a trace: what moves where, whatever came first."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest

from processor.core.attribution import Arrival, PlainSpan, attach
from processor.core.attribution.owner import BUILT_IN_DIMENSIONS
from processor.core.attribution.trace import DEPTH_LIMIT, Trace
from processor.core.model import NOTHING, Owner, Totals, Usage

SESSION = BUILT_IN_DIMENSIONS.index("session")
AGENT = BUILT_IN_DIMENSIONS.index("agent")


class Grown:
    """A trace that spans come to, one turn after the other."""

    def __init__(self, given):
        self.given = given
        self.trace = Trace(b"t" * 16)
        self.moved = []

    def turn(self, *specs):
        """Takes spans in, plain ones as such; returns the movements by span number."""
        arrivals, plain = [], {}
        for one in specs:
            if one.kind == "plain":
                plain[self.given.span_id(one.span)] = PlainSpan(self.given.span_id(one.parent))
            else:
                arrivals.append(Arrival(self.given.node(one)))
        _, movements = attach(self.trace, arrivals, plain)
        self.moved += movements
        return {int.from_bytes(move.node.span_id, "big"): move for move in movements}

    def amend(self, specs):
        """Brings usage for a span that came without."""
        node = self.trace.nodes[self.given.span_id(specs.span)]
        node.entry = self.given.entry(specs)
        _, movements = attach(self.trace, [Arrival(node, is_amendment=True)], {})
        self.moved += movements
        return {int.from_bytes(move.node.span_id, "big"): move for move in movements}

    def cost_of(self, dimension):
        """Nano-USD by owner, from the movements alone."""
        sums = {}
        for move in self.moved:
            if move.source is not None:
                name = move.source[dimension]
                sums[name] = sums.get(name, 0) - move.before.totals.cost_nano_usd
            name = move.target[dimension]
            sums[name] = sums.get(name, 0) + move.after.totals.cost_nano_usd
        return {name: cost for name, cost in sums.items() if cost}

    def inclusive(self, number):
        node = self.trace.nodes[self.given.span_id(number)]
        return node.subtotal().totals


@pytest.fixture
def grown(given):
    return Grown(given)


def test_a_new_call_moves_from_nowhere_to_its_place(grown, given):
    moves = grown.turn(given.call(1, own=Owner(session="s")))
    assert moves[1].source is None
    assert moves[1].target[SESSION] == "s"
    assert moves[1].after.totals == Totals(cost_nano_usd=1000, input_tokens=100, calls=1)
    assert moves[1].cause is moves[1].node


def test_a_span_that_changes_nothing_moves_nothing(grown, given):
    grown.turn(given.call(2, 1))
    assert grown.turn(given.carrier(3, feature="elsewhere")) == {}


def test_a_parent_that_ends_last_moves_its_calls_to_their_owner(grown, given):
    """Guarantees: the transfer is zero-sum, and caused by the parent."""
    grown.turn(given.call(2, 1), given.call(3, 1))
    moves = grown.turn(given.carrier(1, session="s"))
    assert set(moves) == {2, 3}
    for move in moves.values():
        assert (move.source[SESSION], move.target[SESSION]) == ("", "s")
        assert move.before == move.after
        assert move.cause.span_id == given.span_id(1)
    assert grown.cost_of(SESSION) == {"s": 2000}


def test_an_own_dimension_that_becomes_known_moves_the_calls_of_the_trace(grown, given):
    """Guarantees: the transfer is zero-sum, caused by the span that names it, and undone by
    another that names something else."""
    grown.turn(given.call(1), given.call(2))
    moves = grown.turn(given.carrier(3, own_dimensions=(("team", "search"),)))
    assert set(moves) == {1, 2}
    for move in moves.values():
        assert (move.source.own_dimensions, move.target.own_dimensions) == (
            (),
            (("team", "search"),),
        )
        assert move.before == move.after
        assert move.cause.span_id == given.span_id(3)
    moves = grown.turn(given.carrier(4, own_dimensions=(("team", "other"),)))
    assert {move.target.own_dimensions for move in moves.values()} == {()}


def test_a_plain_parent_links_a_call_to_its_agent(grown, given):
    grown.turn(given.call(3, 2))
    grown.turn(given.agent(1))
    grown.turn(given.plain(2, 1))
    assert grown.cost_of(AGENT) == {"planner": 1000}
    assert grown.inclusive(1).calls == 1


def test_a_chain_of_plain_parents_is_taken_in_from_one_batch(grown, given):
    grown.turn(
        given.call(5, 4), given.plain(4, 3), given.plain(3, 2), given.plain(2, 1), given.agent(1)
    )
    assert grown.inclusive(1).calls == 1


def test_plain_parents_above_a_carrier_are_taken_in_from_one_batch(grown, given):
    """Guarantees: call - plain - carrier - plain - agent are linked at once."""
    grown.turn(
        given.call(5, 4),
        given.plain(4, 3),
        given.carrier(3, 2, feature="f"),
        given.plain(2, 1),
        given.agent(1),
    )
    assert grown.inclusive(1).calls == 1


def test_plain_spans_above_no_call_are_left_out(grown, given):
    grown.turn(given.call(2, 1), given.plain(3, 2), given.plain(4))
    assert set(grown.trace.nodes) == {given.span_id(2)}


def test_an_agent_that_repeats_its_children_is_charged_nothing_and_shows_all(grown, given):
    grown.turn(given.call(2, 1), given.call(3, 1, tokens=50), given.aggregate(1, tokens=150))
    assert grown.trace.total == Totals(cost_nano_usd=1500, input_tokens=150, calls=2, agent_runs=1)
    assert grown.inclusive(1).cost_nano_usd == 1500
    assert grown.trace.nodes[given.span_id(1)].share.totals == NOTHING


def test_an_agent_that_is_the_only_carrier_is_charged(grown, given):
    grown.turn(given.aggregate(1, tokens=150))
    assert grown.trace.total == Totals(cost_nano_usd=1500, input_tokens=150, agent_runs=1)


def test_a_late_child_takes_its_part_back_from_an_aggregate(grown, given):
    grown.turn(given.aggregate(1, tokens=150))
    moves = grown.turn(given.call(2, 1, tokens=100))
    assert moves[1].after.minus(moves[1].before).totals.cost_nano_usd == -1000
    assert moves[1].cause.span_id == given.span_id(2)
    assert grown.trace.total.cost_nano_usd == 1500


def test_a_late_child_behind_a_late_plain_span_takes_its_part_back(grown, given):
    grown.turn(given.aggregate(1, tokens=150))
    grown.turn(given.call(3, 2, tokens=100))
    assert grown.trace.total.cost_nano_usd == 2500
    grown.turn(given.plain(2, 1))
    assert grown.trace.total.cost_nano_usd == 1500


def test_aggregates_within_aggregates_charge_one_remainder_each(given):
    """Guarantees: 100 below, 130 in the middle, 200 at the top make 200 together."""
    specs = [given.call(3, 2, tokens=100), given.aggregate(2, 1, tokens=130)]
    specs.append(given.aggregate(1, tokens=200))
    for order in itertools.permutations(specs):
        trace = Grown(given)
        for one in order:
            trace.turn(one)
        shares = [trace.trace.nodes[given.span_id(at)].share.totals for at in (1, 2, 3)]
        assert [totals.input_tokens for totals in shares] == [70, 30, 100]


def test_a_call_within_a_call_is_charged_once_in_either_order(grown, given):
    inner, outer = given.call(2, 1), given.call(1)
    grown.turn(inner)
    grown.turn(outer)
    other = Grown(given)
    other.turn(outer)
    moves = other.turn(inner)
    assert grown.trace.total == other.trace.total
    assert other.trace.total == Totals(cost_nano_usd=1000, input_tokens=100, calls=1)
    assert (moves[1].before.totals.calls, moves[1].after.totals.calls) == (1, 0)


def test_usage_that_comes_later_takes_the_place_of_its_absence(grown, given):
    grown.turn(given.usage_missing(2, 1), given.aggregate(1, tokens=100))
    assert grown.trace.total.unpriced == 1
    moves = grown.amend(given.call(2, 1, tokens=60))
    assert grown.trace.total == Totals(cost_nano_usd=1000, input_tokens=100, calls=1, agent_runs=1)
    assert moves[1].cause.span_id == given.span_id(2)


def test_agreement_of_a_trace_moves_its_calls_and_disagreement_moves_them_back(grown, given):
    grown.turn(given.call(9, 8))
    assert grown.cost_of(SESSION) == {"": 1000}
    grown.turn(given.carrier(2, session="s1"))
    assert grown.cost_of(SESSION) == {"s1": 1000}
    moves = grown.turn(given.carrier(3, session="s2"))
    assert grown.cost_of(SESSION) == {"": 1000}
    assert moves[9].cause.span_id == given.span_id(3)


def test_a_call_of_its_own_session_stays_when_the_trace_disagrees(grown, given):
    grown.turn(given.call(1, own=Owner(session="mine")))
    grown.turn(given.carrier(2, session="other"))
    assert grown.cost_of(SESSION) == {"mine": 1000}


def test_an_outer_agent_that_comes_later_takes_the_runs_below_it_over(grown, given):
    grown.turn(given.call(3, 2), given.agent(2, 1, "inner"))
    inner_run = f"{grown.trace.hex_id}:{given.span_id(2).hex()}"
    assert grown.trace.runs[inner_run].agent_runs == 1
    grown.turn(given.agent(1, 0, "outer"))
    outer_run = f"{grown.trace.hex_id}:{given.span_id(1).hex()}"
    assert grown.trace.runs[inner_run] == NOTHING
    assert grown.trace.runs[outer_run] == grown.trace.total
    assert grown.trace.total.agent_runs == 1


@pytest.mark.parametrize("parents", [(1, 0), (2, 1), (3, 1)], ids=["self", "pair", "outside"])
def test_parents_that_go_in_a_circle_lose_no_money(grown, given, parents):
    first, second = parents
    grown.turn(given.call(1, first))
    grown.turn(given.call(2, second or 2), given.call(4, 2))
    assert grown.trace.total.calls >= 1
    by_session = grown.cost_of(SESSION)
    assert sum(by_session.values()) == grown.trace.total.cost_nano_usd


def test_a_circle_of_aggregates_comes_to_an_end(grown, given):
    for at in (1, 2, 3):
        grown.turn(given.aggregate(at, at % 3 + 1, tokens=100))
    assert grown.trace.total.cost_nano_usd == 1000


def test_a_tree_deeper_than_the_limit_is_taken_in_and_adds_up(grown, given):
    depth = DEPTH_LIMIT + 100
    spans = [given.agent(at, at - 1) for at in range(1, depth)]
    grown.turn(*spans, given.call(depth, depth - 1))
    assert grown.trace.total.calls == 1
    assert grown.cost_of(SESSION) == {"": 1000}


def test_a_tree_deeper_than_the_limit_ends_the_same_however_it_comes(grown, given):
    """Guarantees: what is rebuilt after a restart is what stood before it."""
    depth = DEPTH_LIMIT + 100
    above = [given.aggregate(1), *(given.agent(at, at - 1) for at in range(2, depth))]
    leaf = given.call(depth, depth - 1)
    grown.turn(*above)
    grown.turn(leaf)
    rebuilt = Grown(given)
    rebuilt.turn(*above, leaf)
    assert grown.trace.total == rebuilt.trace.total


def test_the_sums_of_a_trace_are_those_of_its_movements(grown, given):
    specs = [
        given.call(5, 4, tokens=10),
        given.unpriced(6, 4),
        given.aggregate(4, 2, tokens=150, own=Owner(agent="a")),
        given.usage_missing(7, 3),
        given.carrier(3, 2, session="s1"),
        given.agent(2, 1),
        given.call(8, 1, usage=Usage(input=5, cache_read=7)),
        given.carrier(1, user="u"),
    ]
    for one in specs:
        grown.turn(one)
    total = NOTHING
    for move in grown.moved:
        total = total.plus(move.after.minus(move.before).totals)
    assert total == grown.trace.total
    at_once = Grown(given)
    at_once.turn(*specs)
    assert at_once.trace.total == total
    assert at_once.cost_of(SESSION) == grown.cost_of(SESSION)


@pytest.fixture
def visited(monkeypatch):
    """Counts the steps from a span to its parent, and the spans that subtrees give."""
    counts = Counter()
    parent, subtrees = Trace.parent, Trace.subtrees

    def counting_parent(trace, node):
        counts["parent"] += 1
        return parent(trace, node)

    def counting_subtrees(trace, tops):
        for found in subtrees(trace, tops):
            counts["below"] += 1
            yield found

    monkeypatch.setattr(Trace, "parent", counting_parent)
    monkeypatch.setattr(Trace, "subtrees", counting_subtrees)
    return counts


DEEP, WIDE = 300, 1000


def test_nested_agents_that_come_after_their_calls_look_at_each_call_once(grown, given, visited):
    """Guarantees: the work of a batch is its spans and those below them, not their product."""
    grown.turn(*(given.call(DEEP + at, DEEP) for at in range(1, WIDE + 1)))
    agents = [given.agent(at, at - 1, f"agent {at}") for at in range(DEEP, 0, -1)]
    visited.clear()
    moved = grown.turn(*agents)
    assert len(moved) == DEEP + WIDE
    assert visited["below"] == DEEP + WIDE
    assert visited["parent"] < 10 * (DEEP + WIDE)
    assert {moved[DEEP + at].target.agent for at in range(1, WIDE + 1)} == {f"agent {DEEP}"}


def test_calls_below_nested_agents_do_not_each_walk_to_the_top(grown, given, visited):
    grown.turn(*(given.agent(at, at - 1) for at in range(1, DEEP + 1)))
    grown.turn(given.call(DEEP + 1, DEEP))
    visited.clear()
    grown.turn(*(given.call(DEEP + at, DEEP) for at in range(2, WIDE + 1)))
    assert visited["parent"] < 10 * (DEEP + WIDE)


def test_a_link_that_says_nothing_leaves_what_is_below_alone(grown, given, visited):
    grown.turn(*(given.call(1 + at, 1) for at in range(1, WIDE + 1)))
    visited.clear()
    assert grown.turn(given.plain(1)) == {}
    assert visited["below"] == 0
