"""What of a batch comes too late to be charged."""

from __future__ import annotations

import pytest

from processor.core.attribution import Trace
from processor.core.model import NO_SUMS, Owner
from processor.core.posting import NOTHING_LATE, Deletions, set_aside
from processor.core.posting.late import OF_DELETED, TOO_OLD

DAY_S = 86_400
LATER_NS = 2**62
"""Nothing began after it."""


@pytest.fixture
def divided(given):
    """Divides a batch, of which some traces are deleted, with these ids of spans."""

    def divide(*specs, deleted=None, keys_from_s=0):
        deleted = {given.trace_id(trace): ids for trace, ids in (deleted or {}).items()}
        traces = {given.trace_id(spec.trace): Trace(b"") for spec in specs}
        deletions = Deletions(deleted, (given.START_S + keys_from_s) * 10**9, LATER_NS)
        return set_aside(given.batch(*specs), traces, deletions)

    return divide


def test_where_nothing_was_deleted_a_batch_is_as_it_was(divided, given):
    rest, traces, late = divided(given.call(1), given.agent(2, at_s=1))
    assert (len(rest.charges), len(rest.marks), len(traces)) == (1, 1, 1)
    assert late is NOTHING_LATE


def test_calls_of_a_deleted_trace_are_late_and_new_ones_are_unknown(divided, given):
    known = {given.span_id(1)}
    specs = given.call(1), given.call(2), given.call(2), given.agent(3), given.call(1, trace=2)
    rest, traces, late = divided(*specs, deleted={1: known})
    assert [charge.call.mark.row for charge in rest.charges] == [4]
    assert (list(rest.marks), [*traces]) == ([], [given.trace_id(2)])
    assert {row: stamp.entry.reason for row, stamp in late.stamps.items()} == dict.fromkeys(
        range(3), OF_DELETED
    )
    assert late.repeats == 2
    assert late.calls.span_ids == {given.trace_id(1): [given.span_id(2)]}
    assert late.calls.count == len(late.movements) == 1


def test_a_late_call_is_one_of_unknown_cost_of_its_own_owner(divided, given):
    said = Owner(session="s", user="ada")
    _, _, late = divided(given.call(2, 1, own=said, at_s=DAY_S), deleted={1: ()})
    [(_, movement)] = late.movements
    assert (movement.before, movement.after.totals.unpriced) == (NO_SUMS, 1)
    ids = movement.target
    assert (ids.session, ids.user, ids.model, ids.status) == ("s", "ada", "gpt-4o", "late")
    totals = movement.after.totals
    assert (totals.calls, totals.cost_nano_usd) == (0, 0)
    assert late.calls.hours == {(given.START_S + DAY_S) // 3600 * 3600: 1}


def test_a_late_call_that_ended_before_1970_is_one_of_the_first_hour(divided, given):
    _, _, late = divided(given.call(2, at_s=-given.START_S - 1), deleted={1: ()})
    assert late.calls.hours == {0: 1}


def test_an_old_call_of_an_unknown_trace_is_late_and_what_is_newer_goes_on(divided, given):
    old = given.call(1), given.agent(2)
    rest, traces, late = divided(*old, keys_from_s=10)
    assert (list(rest.charges), list(rest.marks), traces) == ([], [], {})
    assert late.stamps[0].entry.reason == TOO_OLD
    assert late.traces == {given.trace_id(1)}
    rest, traces, late = divided(*old, given.call(3, at_s=20), keys_from_s=10)
    assert [charge.call.mark.row for charge in rest.charges] == [2]
    assert [*traces] == [given.trace_id(1)], "what is late may link it to what is above"
    assert late.traces == set()


@pytest.mark.parametrize(
    ("start_s", "is_assumed", "is_charged"),
    [(0, False, True), (20, False, True), (5, False, False), (0, True, False)],
)
def test_a_call_that_began_after_all_that_is_deleted_is_charged(
    given, start_s, is_assumed, is_charged
):
    """Guarantees: not one that may be around a deleted call, or whose time nobody knows."""
    batch = given.batch(given.call(2, at_s=30))
    [charge] = batch.charges
    charge.call.mark.start_ns = (given.START_S + start_s) * 10**9 if start_s else 0
    charge.call.mark.time_assumed = is_assumed
    trace_id, begin_ns = given.trace_id(1), (given.START_S + 10) * 10**9
    deletions = Deletions({trace_id: {given.span_id(1)}}, calls_from_ns=begin_ns)
    rest, traces, late = set_aside(batch, {trace_id: Trace(trace_id)}, deletions)
    assert (len(rest.charges), len(traces), late.calls.count) == (
        (1, 1, 0) if is_charged else (0, 0, 1)
    )
