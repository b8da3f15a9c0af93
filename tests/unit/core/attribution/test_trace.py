"""The span tree of a trace: whatever parents spans name, it stays a forest."""

from __future__ import annotations

from itertools import islice

import pytest

from processor.core.attribution.trace import DEPTH_LIMIT, Trace
from processor.core.model import Owner


def grown(given, *specs):
    trace = Trace(b"t" * 16)
    for one in specs:
        trace.insert(given.node(one))
    return trace


def ids(given, *numbers):
    return [given.span_id(number) for number in numbers]


def test_ancestors_come_nearest_first(given):
    trace = grown(given, given.plain(1), given.plain(2, 1), given.call(3, 2))
    leaf = trace.nodes[given.span_id(3)]
    assert [above.span_id for above in trace.ancestors(leaf)] == ids(given, 2, 1)


def test_ancestors_stop_at_the_first_unknown_parent(given):
    trace = grown(given, given.plain(1), given.call(3, 2))
    assert list(trace.ancestors(trace.nodes[given.span_id(3)])) == []


def test_a_parent_that_comes_later_is_found(given):
    trace = grown(given, given.call(3, 2), given.plain(2))
    above = trace.parent(trace.nodes[given.span_id(3)])
    assert above is not None
    assert above.span_id == given.span_id(2)


def test_a_root_has_no_parent_and_no_children_of_its_own_kind(given):
    """Guarantees: spans without a parent are not children of one another."""
    trace = grown(given, given.plain(1), given.plain(2))
    assert trace.parent(trace.nodes[given.span_id(1)]) is None
    assert b"" not in trace.children


def test_a_subtree_holds_all_that_is_below_and_nothing_else(given):
    trace = grown(
        given, given.plain(1), given.plain(2, 1), given.call(3, 2), given.call(4, 1), given.call(5)
    )
    below = [node for node, _ in trace.subtrees([trace.nodes[given.span_id(2)]])]
    assert {node.span_id for node in below} == set(ids(given, 2, 3))


def test_each_span_of_several_subtrees_comes_once_with_the_first_above_it(given):
    trace = grown(given, given.plain(1), given.plain(2, 1), given.call(3, 2), given.call(4, 1))
    two, one = (trace.nodes[given.span_id(number)] for number in (2, 1))
    found = {node.span_id: top for node, top in trace.subtrees([two, one])}
    assert found == dict(zip(ids(given, 2, 3, 1, 4), (two, two, one, one), strict=True))


def test_a_span_that_names_itself_as_parent_is_a_root(given):
    trace = grown(given, given.call(1, 1))
    only = trace.nodes[given.span_id(1)]
    assert only.is_cut
    assert trace.parent(only) is None
    assert list(trace.subtrees([only])) == [(only, only)]


@pytest.mark.parametrize("size", [2, 3, 50])
def test_a_circle_of_parents_is_cut_once(given, size):
    specs = [given.call(at, at % size + 1) for at in range(1, size + 1)]
    trace = grown(given, *specs)
    assert sum(node.is_cut for node in trace.nodes.values()) == 1
    (top,) = (node for node in trace.nodes.values() if node.is_cut)
    assert len(list(trace.subtrees([top]))) == size
    assert all(len(list(trace.ancestors(node))) < size for node in trace.nodes.values())


def test_a_circle_longer_than_the_depth_limit_has_a_finite_subtree(given):
    size = DEPTH_LIMIT + 10
    trace = grown(given, *(given.call(at, at % size + 1) for at in range(1, size + 1)))
    walked = list(islice(trace.subtrees([trace.nodes[given.span_id(1)]]), 3 * size))
    assert len(walked) <= size


def deepest(trace):
    """The most spans above one another."""
    return 1 + max(len(list(islice(trace.ancestors(n), 9999))) for n in trace.nodes.values())


@pytest.mark.parametrize("size", [DEPTH_LIMIT, DEPTH_LIMIT + 5, 3 * DEPTH_LIMIT])
def test_a_chain_that_grows_downwards_is_cut_at_the_depth_limit(given, size):
    trace = grown(given, *(given.plain(at, at - 1) for at in range(1, size + 1)))
    assert deepest(trace) == DEPTH_LIMIT
    assert sum(node.is_cut for node in trace.nodes.values()) == (size - 1) // DEPTH_LIMIT


def test_a_chain_that_grows_upwards_is_cut_at_the_depth_limit(given):
    """Guarantees: the limit holds in the usual order too, in which children come first."""
    size = 2 * DEPTH_LIMIT
    trace = grown(given, *(given.plain(at, at - 1) for at in range(size, 0, -1)))
    assert deepest(trace) <= DEPTH_LIMIT


def test_two_chains_that_are_joined_stay_within_the_depth_limit(given):
    half = DEPTH_LIMIT // 2 + 10
    upper = [given.plain(at, at - 1) for at in range(1, half + 1)]
    lower = [given.plain(at, at - 1) for at in range(half + 2, 2 * half + 1)]
    trace = grown(given, *upper, *lower, given.plain(half + 1, half))
    assert deepest(trace) <= DEPTH_LIMIT


def test_a_call_awaits_its_first_unknown_ancestor(given):
    trace = grown(given, given.plain(2, 1), given.call(3, 2))
    trace.awaits(trace.nodes[given.span_id(3)])
    assert trace.awaited == {given.span_id(1)}


def test_an_awaited_parent_that_comes_is_no_longer_awaited(given):
    trace = grown(given, given.call(3, 2))
    trace.awaits(trace.nodes[given.span_id(3)])
    trace.insert(given.node(given.plain(2, 1)))
    assert trace.awaited == set()


def test_nothing_above_a_root_is_awaited(given):
    trace = grown(given, given.call(1), given.call(2, 2))
    for node in trace.nodes.values():
        trace.awaits(node)
    assert trace.awaited == set()


def test_a_trace_belongs_to_whom_all_its_spans_name(given):
    trace = grown(
        given,
        given.carrier(1, session="s", user="u1"),
        given.carrier(2, session="s", user="u2", org="o"),
        given.call(3),
    )
    assert trace.common() == Owner(session="s", org="o")


def test_a_third_opinion_never_brings_agreement_back(given):
    trace = grown(given, *(given.carrier(at, session=f"s{at % 3}") for at in range(1, 7)))
    assert trace.common() == Owner()


def test_a_trace_knows_that_its_root_has_passed(given):
    assert not grown(given, given.call(2, 1)).has_local_root
    assert grown(given, given.call(2, 1), given.plain(1)).has_local_root
    assert grown(given, given.plain(2, 1, remote=True)).has_local_root
