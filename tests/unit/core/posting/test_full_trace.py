"""Traces with more spans than are followed of one trace."""

from __future__ import annotations

import pytest

from processor.core.model import Owner, Usage
from processor.core.posting.full_trace import BEYOND_LIMIT, LEFT_OUT


@pytest.fixture
def few(turns):
    """Turns that follow two spans of one trace."""
    turns.trace_spans = 2
    return turns


def spans_of(plan):
    return {row.span_id[-1] for row in plan.rows if row.entry is None or row.entry.reason == ""}


def test_calls_beyond_the_limit_are_charged_nothing_and_say_so(few, given):
    few.turn(given.call(1), given.call(2))
    plan = few.turn(given.call(3), given.aggregate(4), given.agent(5), given.plain(6, 1))
    assert spans_of(plan) == set()
    assert plan.stamps == {0: LEFT_OUT, 1: LEFT_OUT}
    assert plan.uncharged == {given.trace_id(1): 2}
    assert plan.unfollowed == 1
    total = few.total("total")
    assert (total.calls, total.cost_nano_usd, total.unpriced) == (2, 2000, 1)


def test_a_trace_beyond_the_limit_is_of_unknown_cost_once(few, given):
    few.turn(given.call(1), given.call(2))
    for span in (3, 4, 3):
        few.turn(given.call(span))
    assert few.total("total").unpriced == 1


def test_the_unknown_cost_belongs_to_whom_the_whole_trace_belongs(few, given):
    few.turn(given.call(1, own=Owner(session="s", user="u")), given.call(2))
    few.turn(given.call(3))
    assert few.total("session", "s").unpriced == few.total("user", "u").unpriced == 1


def test_calls_come_first_where_not_all_of_a_batch_have_room(few, given):
    plan = few.turn(
        given.carrier(1, user="u"), given.agent(2), given.call(3), given.call(4), given.call(5)
    )
    assert spans_of(plan) == {3, 4}
    assert (plan.uncharged, plan.unfollowed) == ({given.trace_id(1): 1}, 2)


@pytest.mark.parametrize("link", ["plain", "agent", "carrier"])
def test_a_link_that_comes_late_is_taken_so_that_no_parent_repeats_a_call(few, given, link):
    few.turn(given.call(1, 5), given.aggregate(3, tokens=150))
    few.turn(given.call(9))
    words = {"carrier": {"session": "s"}}.get(link, {})
    plan = few.turn(getattr(given, link)(5, 3, **words))
    assert [each.span_id[-1] for each in plan.corrections] == [3]
    assert few.total("total").cost_nano_usd == 1500


def test_what_is_above_a_link_is_found_among_what_waits(few, given):
    few.turn(given.call(1, 5), given.aggregate(3, tokens=150))
    few.turn(given.plain(6, 3), given.carrier(7, 6, feature="f"), given.call(8, 7))
    plan = few.turn(given.plain(5, 8))
    assert spans_of(plan) == {5, 6, 7, 8}
    assert few.total("total").cost_nano_usd == 1500
    assert few.total("feature", "f").cost_nano_usd == 1000


def test_a_call_that_was_left_out_and_links_others_is_written_the_same_when_it_comes_again(
    few, given
):
    few.turn(given.call(1, 5), given.aggregate(3, tokens=150))
    assert few.turn(given.call(5, 3)).stamps != {0: LEFT_OUT}  # It is above one that is charged.
    few.turn(given.call(7, 3))
    few.turn(given.plain(5, 7))
    assert few.turn(given.call(7, 3)).stamps == {0: LEFT_OUT}


def test_the_usage_that_a_call_had_missed_is_charged_beyond_the_limit_too(few, given):
    few.turn(given.usage_missing(1), given.call(2))
    few.turn(given.call(3))
    plan = few.turn(given.call(1, usage=Usage(input=100)))
    assert [row.is_amendment for row in plan.rows] == [True]
    assert few.total("total").cost_nano_usd == 2000


def test_a_full_trace_is_the_same_after_a_restart(few, given):
    few.turn(given.call(1, 5), given.call(2), given.call(3))
    few.restart()
    assert few.turn(given.call(3)).stamps == {0: LEFT_OUT}
    assert few.total("total").unpriced == 1


def test_what_stands_for_the_calls_has_a_reason_that_no_price_changes(few, given):
    plan = few.turn(*(given.call(at) for at in range(1, 4)))
    (stand_in,) = [row for row in plan.rows if row.entry.reason == BEYOND_LIMIT]
    assert (stand_in.entry.status, stand_in.entry.amount) == ("unpriced", None)
