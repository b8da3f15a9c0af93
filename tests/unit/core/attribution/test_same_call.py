"""Which reports are brought together, beyond pairs: see `test_duplicates` for what is charged."""

from __future__ import annotations

import itertools

import pytest

from processor.core.attribution import Node
from processor.core.attribution.reported import Reported
from processor.core.attribution.same_call import APART_MAX_NS, unite, unite_uncounted
from processor.core.model import Entry, Usage

USAGE = Usage(input=100, output=5)


def report(name, scope, start_ns=10, end_ns=20, usage=USAGE, parent=b"p", **more):
    entry = Entry(
        "exact", "", "openai", "gpt-4o", "svc", "v1", usage, None, None, scope=scope,
        start_ns=start_ns, **more,
    )  # fmt: skip
    return Reported(Node(name.encode(), parent, end_ns, entry=entry))


def names(calls):
    """The reports of each call, by name."""
    return {"".join(sorted(node.span_id.decode() for node in call.members)) for call in calls}


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_three_reports_of_one_call_are_one(order):
    reports = [report("a", "x"), report("b", "y", 12, 19), report("c", "z", 14, 30)]
    assert names(unite([reports[at] for at in order])) == {"abc"}


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::3])
def test_a_call_has_one_report_of_each_instrumentation(order):
    reports = [report(name, scope) for name, scope in (("a", "x"), ("b", "x"), ("c", "y"))]
    reports.append(report("d", "z"))
    calls = unite([reports[at] for at in order])
    assert names(calls) in ({"acd", "b"}, {"bcd", "a"}, {"ac", "bd"}, {"bc", "ad"})
    assert names(calls) == names(unite(reports))


def test_the_same_response_comes_before_the_same_counts():
    reports = [
        report("a", "x", response=1),
        report("b", "x", response=2),
        report("c", "y", response=2),
        report("d", "y", response=1, usage=Usage(input=101, output=5)),
    ]
    assert names(unite(reports)) == {"ad", "bc"}


def test_one_response_with_other_counts_is_one_call_only_while_it_lasts():
    first = report("a", "x", response=1)
    for start_ns, expected in ((15, {"ab"}), (25, {"a", "b"})):
        second = report("b", "y", start_ns, 30, Usage(input=9), response=1)
        assert names(unite([first, second])) == expected


def test_siblings_come_before_calls_elsewhere():
    reports = [report("a", "x"), report("b", "x", parent=b"q")]
    reports += [report("c", "y", 11, 19, parent=b"q"), report("d", "y", 12, 18)]
    assert names(unite(reports)) == {"ad", "bc"}


STEP_NS = 3 * 10**6
"""By how much a clock may be set while it runs."""


@pytest.mark.parametrize(
    ("start_ns", "end_ns"),
    [
        (-STEP_NS, STEP_NS),  # begins before, ends before
        (STEP_NS, 100 * STEP_NS),
        (-9 * STEP_NS, -STEP_NS),  # over before the other one begins
        (10 * STEP_NS + APART_MAX_NS, 99 * STEP_NS + APART_MAX_NS),
    ],
)
@pytest.mark.parametrize("parents", [(b"p", b"p"), (b"b", b"p"), (b"p", b"a")])
def test_neighbours_may_adjoin(start_ns, end_ns, parents):
    """Guarantees: siblings, or parent and child, whose clock was set in between are one call."""
    base_ns = 10**18
    first = report("a", "x", base_ns, base_ns + 10 * STEP_NS, parent=parents[0])
    second = report("b", "y", base_ns + start_ns, base_ns + end_ns, parent=parents[1])
    assert names(unite([first, second])) == names(unite([second, first])) == {"ab"}


@pytest.mark.parametrize(("start_ns", "expected"), [(20, {"ab"}), (21, {"a", "b"})])
@pytest.mark.parametrize("parents", [(b"p", b"q"), (b"", b""), (b"p", b"")])
def test_calls_elsewhere_in_the_tree_are_one_only_where_they_overlap(start_ns, expected, parents):
    """Guarantees: what follows a call that it looks like is another one."""
    first = report("a", "x", parent=parents[0])
    second = report("b", "y", start_ns, start_ns + 5, parent=parents[1])
    assert names(unite([first, second])) == names(unite([second, first])) == expected


def test_the_same_response_with_the_same_counts_may_adjoin_anywhere():
    reports = [report("a", "x", response=1), report("b", "y", 25, 30, parent=b"q")]
    assert names(unite(reports)) == {"a", "b"}
    reports[1] = report("b", "y", 25, 30, parent=b"q", response=1)
    assert names(unite(reports)) == {"ab"}


CACHED = Usage(input=300, cache_read=700, output=5)


@pytest.mark.parametrize(
    ("may_exclude", "expected"),
    [((False, False), {"a", "b"}), ((True, False), {"ab"}), ((False, True), {"ab"})],
)
@pytest.mark.parametrize("knowing", [CACHED, Usage(300, 600, 100, output=5)])
def test_input_without_cached_tokens_fits_only_where_one_may_leave_them_out(
    may_exclude, expected, knowing
):
    """Guarantees: a call of 300 tokens is not one of 1000 where everybody counts all of them."""
    reports = [
        report("a", "x", usage=knowing, may_exclude_cache=may_exclude[0]),
        report("b", "y", usage=Usage(input=300, output=5), may_exclude_cache=may_exclude[1]),
    ]
    assert names(unite(reports)) == names(unite(reports[::-1])) == expected


@pytest.mark.parametrize("may_exclude", [False, True])
def test_the_whole_input_fits_whoever_counts(may_exclude):
    reports = [
        report("a", "x", usage=CACHED, may_exclude_cache=may_exclude),
        report("b", "y", usage=Usage(input=1000, output=5), may_exclude_cache=may_exclude),
    ]
    assert names(unite(reports)) == {"ab"}


def test_times_that_cannot_be_trusted_bring_nothing_together():
    assert names(unite([report("a", "x", 0), report("b", "y", 0)])) == {"a", "b"}


def test_a_report_without_counts_joins_the_call_of_its_parent():
    counted = unite([report("a", "x"), report("b", "y"), report("c", "x", parent=b"q")])
    at_once = [report("d", "z", 11, 19, None, b"q"), report("e", "z", 11, 19, None)]
    assert names(unite_uncounted(counted, at_once)) == {"abe", "cd"}


@pytest.mark.parametrize(
    ("parent", "start_ns", "expected"),
    [
        (b"p", 20 + APART_MAX_NS, {"ab"}),
        (b"p", 21 + APART_MAX_NS, {"a", "b"}),
        (b"q", 20, {"ab"}),
        (b"q", 21, {"a", "b"}),
    ],
)
def test_a_report_without_counts_may_come_after_the_call_only_beside_it(parent, start_ns, expected):
    late = report("b", "y", start_ns, start_ns + 5, None, parent)
    assert names(unite_uncounted([report("a", "x")], [late])) == expected
