"""The second half of a turn: postings, corrections, budgets, each on the span that caused it."""

from __future__ import annotations

from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from processor.core.model import Calendar, Owner, Totals, Usage
from processor.core.posting.intake import pending_rows

MINE = Owner(
    session="s", user="u", org="o", feature="f", task="t", task_type="review", purpose="analyze"
)


def span_of(given, number, trace=1):
    return f"{given.trace_id(trace).hex()}:{given.span_id(number).hex()}"


def test_a_call_is_posted_to_the_quarter_hour_of_its_end(turns, given):
    plan = turns.turn(given.call(1, at_s=899), given.call(2, at_s=900))
    assert plan.postings["total", "", given.START_S].calls == 1
    assert plan.postings["total", "", given.START_S + 900].calls == 1


def test_a_call_of_unknown_owner_is_posted_unattributed(turns, given):
    plan = turns.turn(given.call(1))
    assert plan.postings["user", "", given.START_S].calls == 1
    assert plan.postings["session", "", 0].calls == 1


def test_a_transfer_is_zero_sum_and_in_the_windows_of_the_calls(turns, given):
    turns.turn(given.call(2, 1, at_s=10), given.call(3, 1, at_s=1000))
    plan = turns.turn(given.carrier(1, user="u", session="s", at_s=5000))
    of_users = {key[2] for key in plan.postings if key[0] == "user"}
    assert of_users == {given.START_S, given.START_S + 900}
    assert {key[0] for key in plan.postings} == {"user", "session"}
    assert turns.total("user") == turns.total("session") == Totals()
    assert turns.total("user", "u").cost_nano_usd == turns.total("session", "s").cost_nano_usd
    assert turns.total("user", "u").cost_nano_usd == 2000


def test_a_late_child_of_a_charged_aggregate_carries_a_negative_correction(turns, given):
    turns.turn(given.aggregate(1, tokens=150))
    plan = turns.turn(given.call(2, 1, tokens=100))
    assert plan.stamps[0].corrections == ((given.span_id(1), -1000),)
    (correction,) = plan.corrections
    assert (correction.span_id, correction.cause_id) == (given.span_id(1), given.span_id(2))
    assert correction.change == Totals(cost_nano_usd=-1000, input_tokens=-100)
    assert turns.shown == turns.total("total").cost_nano_usd == 1500


def test_a_correction_counts_in_the_window_of_the_corrected_span(turns, given):
    turns.turn(given.aggregate(1, tokens=150, at_s=1000))
    plan = turns.turn(given.call(2, 1, tokens=100))
    assert plan.postings["total", "", given.START_S + 900].cost_nano_usd == -1000
    assert plan.postings["total", "", given.START_S].cost_nano_usd == 1000
    assert plan.corrections[0].time_ns == (given.START_S + 1000) * 10**9


def test_every_level_above_a_late_child_is_corrected_on_it(turns, given):
    turns.turn(given.aggregate(1, tokens=300))
    turns.turn(given.aggregate(2, 1, tokens=200))
    plan = turns.turn(given.call(3, 2, tokens=150))
    assert sum(nano for _, nano in plan.stamps[0].corrections) == -1500
    assert turns.shown == turns.total("total").cost_nano_usd == 3000


def test_a_call_that_turns_out_to_wrap_another_is_corrected_on_the_inner_one(turns, given):
    turns.turn(given.call(1))
    plan = turns.turn(given.call(2, 1))
    assert plan.stamps[0].corrections == ((given.span_id(1), -1000),)
    assert plan.corrections[0].change.calls == -1
    assert turns.shown == 1000


def test_what_a_leaf_shows_already_is_kept_apart_from_what_an_aggregate_was_charged(turns, given):
    """Other tools' names stand on leaf calls only, so only those are shown twice."""
    turns.turn(given.call(1), given.aggregate(3, trace=2, tokens=100))
    plan = turns.turn(given.call(2, 1), given.call(4, 3, trace=2))
    assert [plan.stamps[row].leaf_corrections_nano_usd for row in (0, 1)] == [-1000, 0]
    assert [sum(nano for _, nano in plan.stamps[row].corrections) for row in (0, 1)] == [-1000] * 2


def test_usage_that_comes_late_corrects_what_stood_in_for_it(turns, given):
    turns.turn(given.usage_missing(2, 1))
    turns.turn(given.aggregate(1, tokens=100))
    plan = turns.turn(given.call(2, 1, tokens=60))
    assert plan.stamps[0].corrections == ((given.span_id(1), -600),)
    assert turns.shown == turns.total("total").cost_nano_usd == 1000


def test_a_plain_link_that_comes_last_carries_the_correction(turns, given):
    turns.turn(given.aggregate(1, tokens=100), given.call(3, 2, tokens=100))
    plan = turns.turn(given.plain(2, 1))
    assert plan.stamps[0].corrections == ((given.span_id(1), -1000),)
    assert turns.shown == turns.total("total").cost_nano_usd == 1000


def test_a_link_that_waited_leaves_the_correction_to_the_call(turns, given):
    turns.turn(given.aggregate(1, tokens=100))
    turns.turn(given.plain(2, 1))
    plan = turns.turn(given.call(3, 2, tokens=100))
    assert plan.stamps[0].corrections == ((given.span_id(1), -1000),)
    assert turns.shown == turns.total("total").cost_nano_usd == 1000


def test_a_correction_is_never_lost_on_a_repeat(turns, given):
    """Guarantees: sums over spans stay right when a retry comes in the same batch."""
    top = given.aggregate(1, tokens=100)
    turns.turn(top)
    turns.turn(given.plain(2, 1))
    turns.turn(top, given.call(3, 2, tokens=100))
    assert turns.shown == turns.total("total").cost_nano_usd


def test_a_correction_stays_within_its_trace(turns, given):
    turns.turn(given.aggregate(1, tokens=100, trace=2))
    turns.turn(given.plain(2, 1, trace=2))
    plan = turns.turn(given.call(9, trace=1), given.call(3, 2, tokens=100, trace=2))
    assert plan.stamps[0].corrections == ()
    assert plan.stamps[1].corrections == ((given.span_id(1), -1000),)


def test_a_limit_that_is_reached_exactly_is_crossed_by_that_call(turns, given):
    turns.use(given.budget("b", "session", 3000))
    turns.turn(given.call(1, own=MINE), given.call(2, own=MINE, at_s=1))
    assert turns.crossings == []
    plan = turns.turn(given.call(3, own=MINE, at_s=2))
    (crossing,) = plan.crossings
    assert (crossing.spent, crossing.threshold, crossing.trigger) == (3000, 1.0, "")
    assert crossing.span == span_of(given, 3)
    assert plan.stamps[0].crossings == (crossing,)
    assert plan.stamps[0].exceeded == ("b",)


@pytest.mark.parametrize("scope", ["session", "call"])
def test_a_very_large_limit_is_crossed_when_it_is_reached_exactly(turns, given, scope):
    limit = 2**53 + 3
    turns.use(given.budget("b", scope, limit, unit="tokens"))
    turns.turn(given.call(1, tokens=limit, own=MINE))
    assert len(turns.crossings) == 1


def test_one_nano_dollar_below_the_limit_crosses_nothing(turns, given):
    turns.use(given.budget("b", "session", 1001))
    turns.turn(given.call(1, own=MINE))
    assert turns.crossings == []
    assert turns.stamps[1, 1].exceeded == ()


def test_calls_of_one_turn_cross_in_the_order_of_their_end(turns, given):
    turns.use(given.budget("b", "session", 2000))
    plan = turns.turn(
        given.call(1, own=MINE, at_s=9),
        given.call(2, own=MINE, at_s=3),
        given.call(3, own=MINE, at_s=3),
    )
    assert [crossing.span for crossing in plan.crossings] == [span_of(given, 3)]
    assert [plan.stamps[row].exceeded for row in (0, 1, 2)] == [("b",), (), ("b",)]


def test_later_calls_say_exceeded_without_a_second_event(turns, given):
    turns.use(given.budget("b", "session", 1000))
    turns.turn(given.call(1, own=MINE))
    plan = turns.turn(given.call(2, own=MINE))
    assert (plan.crossings, plan.stamps[0].exceeded) == ([], ("b",))


def test_a_warning_comes_before_the_limit_and_says_not_exceeded(turns, given):
    turns.use(given.budget("b", "session", 2000, warn_at=(Decimal("0.5"),)))
    plan = turns.turn(given.call(1, own=MINE))
    assert [crossing.threshold for crossing in plan.stamps[0].crossings] == [0.5]
    assert plan.stamps[0].exceeded == ()
    plan = turns.turn(given.call(2, own=MINE))
    assert [crossing.threshold for crossing in plan.stamps[0].crossings] == [1.0]


def test_each_owner_has_a_total_of_its_own_and_may_have_its_own_limit(turns, given):
    turns.use(given.budget("b", "user", 1000, overrides={"vip": 5000}))
    plan = turns.turn(
        given.call(1, own=Owner(user="vip")),
        given.call(2, own=Owner(user="other")),
        given.call(3),
    )
    assert [crossing.scope_id for crossing in plan.crossings] == ["other"]


def test_spend_of_nobody_meets_no_budget_of_owners(turns, given):
    turns.use(given.budget("b", "session", 1))
    turns.turn(given.call(1))
    assert turns.crossings == []


def test_a_parent_that_ends_last_carries_the_crossing_it_brings_about(turns, given):
    turns.use(given.budget("b", "session", 2000))
    turns.turn(given.call(2, 1), given.call(3, 1))
    assert turns.crossings == []
    plan = turns.turn(given.carrier(1, session="s"))
    (crossing,) = plan.stamps[0].crossings
    assert (crossing.trigger, crossing.scope_id, crossing.spent) == ("attribution", "s", 2000)
    assert crossing.span == span_of(given, 1)
    assert plan.stamps[0].exceeded == ("b",)


def test_a_later_trace_of_an_owner_over_budget_says_so_on_the_span_that_names_the_owner(
    turns, given
):
    """Where only roots name the session, a sampler still finds the traces that are over it."""
    turns.use(given.budget("b", "session", 2000))
    turns.turn(given.call(2, 1, tokens=200), given.carrier(1, session="s"))
    turns.turn(given.call(12, 11, trace=2))
    plan = turns.turn(given.carrier(11, trace=2, session="s"))
    assert (plan.crossings, plan.stamps[0].exceeded) == ([], ("b",))


def test_a_parent_in_the_same_turn_makes_it_an_ordinary_crossing(turns, given):
    turns.use(given.budget("b", "session", 1000))
    plan = turns.turn(given.carrier(1, session="s"), given.call(2, 1))
    (crossing,) = plan.stamps[1].crossings
    assert (crossing.trigger, crossing.span) == ("", span_of(given, 2))


def test_a_late_child_that_changes_no_sum_crosses_nothing(turns, given):
    """Guarantees: 1000 before the turn and 1000 after it never reach a limit of 1500."""
    turns.use(given.budget("b", "session", 1500))
    turns.turn(given.aggregate(1, own=MINE, at_s=10))
    turns.turn(given.call(2, 1, at_s=5))
    assert turns.total("session", "s").cost_nano_usd == 1000
    assert turns.crossings == []


def test_a_crossing_is_never_lost_on_a_repeat(turns, given):
    """Guarantees: a carrier that waited while its trace was out of sight still makes an event."""
    turns.use(given.budget("b", "session", 1000))
    turns.turn(given.call(1))
    for rows in pending_rows(given.batch(given.carrier(2, session="s")), ()):
        turns.pending.keep_rows(rows)
    turns.turn(given.call(1), given.call(3, tokens=0))
    events = [found for stamp in turns.stamps.values() for found in stamp.crossings]
    assert len(turns.crossings) == len(events) == 1


def test_a_window_that_is_over_is_crossed_late(turns, given):
    turns.use(given.budget("b", "total", 1000, window="hour"))
    plan = turns.turn(given.call(1, at_s=10), now_s=given.START_S + 3600)
    assert plan.crossings[0].late
    assert (plan.crossings[0].window_start_s, plan.crossings[0].window_end_s) == (
        given.START_S, given.START_S + 3600,
    )  # fmt: skip


def test_a_late_span_amends_the_window_of_its_own_end(turns, given):
    turns.use(given.budget("b", "total", 2000, window="hour"))
    turns.turn(given.call(1, at_s=10))
    turns.turn(given.call(2, at_s=3700), now_s=given.START_S + 3800)
    assert turns.crossings == []
    turns.turn(given.call(3, at_s=20), now_s=given.START_S + 3800)
    assert [(c.window_start_s, c.late) for c in turns.crossings] == [(given.START_S, True)]


def test_a_new_window_is_a_new_key(turns, given):
    turns.use(given.budget("b", "total", 1000, window="hour"))
    turns.turn(given.call(1), given.call(2), given.call(3, at_s=3600))
    assert [c.window_start_s for c in turns.crossings] == [given.START_S, given.START_S + 3600]


def test_unpriced_calls_make_a_crossing_say_at_least(turns, given):
    turns.use(given.budget("b", "session", 1000))
    turns.turn(given.unpriced(1, own=MINE), given.call(2, own=MINE, at_s=1))
    assert turns.crossings[0].at_least


def test_failed_calls_leave_a_crossing_complete(turns, given):
    turns.use(given.budget("b", "session", 1000))
    turns.turn(given.failed(1, own=MINE), given.call(2, own=MINE, at_s=1))
    assert not turns.crossings[0].at_least


def test_tokens_can_be_limited(turns, given):
    turns.use(given.budget("b", "session", 130, unit="tokens"))
    turns.turn(given.call(1, usage=Usage(input=60, cache_read=40, output=30), own=MINE))
    assert [(c.unit, c.spent) for c in turns.crossings] == [("tokens", 130)]


def test_a_single_call_meets_the_budget_for_calls(turns, given):
    turns.use(given.budget("b", "call", 1000, warn_at=(Decimal("0.9"),)))
    plan = turns.turn(given.call(1, tokens=99), given.call(2), given.call(3, tokens=80))
    crossed = [(c.threshold, c.scope_id) for c in plan.crossings]
    assert crossed == [
        (0.9, span_of(given, 1)), (0.9, span_of(given, 2)), (1.0, span_of(given, 2)),
    ]  # fmt: skip
    assert [plan.stamps[row].exceeded for row in (0, 1, 2)] == [(), ("b",), ()]


def test_an_aggregate_never_meets_the_budget_for_calls(turns, given):
    turns.use(given.budget("b", "call", 1))
    plan = turns.turn(given.aggregate(1))
    assert (plan.crossings, plan.stamps[0].exceeded) == ([], ())


def test_a_call_that_wraps_another_never_meets_the_budget_for_calls(turns, given):
    turns.use(given.budget("b", "call", 1000))
    plan = turns.turn(given.call(1, tokens=250), given.call(2, 1, tokens=100))
    assert [crossing.span for crossing in plan.crossings] == [span_of(given, 2)]


def test_a_call_meets_its_budget_once_however_often_its_owner_changes(turns, given):
    turns.use(given.budget("b", "call", 1000))
    turns.turn(given.call(2, 1))
    turns.turn(given.carrier(1, session="s"))
    assert len(turns.crossings) == 1


def test_a_call_that_gets_its_usage_late_meets_the_budget_for_calls_then(turns, given):
    turns.use(given.budget("b", "call", 1000))
    turns.turn(given.usage_missing(1))
    assert turns.crossings == []
    plan = turns.turn(given.call(1))
    assert len(plan.stamps[0].crossings) == 1


def test_a_filter_counts_matching_calls_only(turns, given):
    turns.use(
        given.budget("gpt", "total", 2000, match={"model": ("gpt*",)}),
        given.budget("call", "call", 1, match={"model": ("claude*",)}),
    )
    plan = turns.turn(given.call(1), given.call(2, model="claude-x"))
    assert [(c.budget, c.span) for c in plan.crossings] == [("call", span_of(given, 2))]
    plan = turns.turn(given.call(3, at_s=1))
    assert [(c.budget, c.spent) for c in plan.crossings] == [("gpt", 2000)]


def test_several_windows_of_one_filter_share_their_stored_totals(turns, given):
    match = {"model": ("gpt*",)}
    turns.use(
        given.budget("day", "user", 10**9, window="day", match=match),
        given.budget("hour", "user", 10**9, window="hour", match=match),
    )
    plan = turns.turn(given.call(1, own=MINE))
    filtered = {key: change for key, change in plan.postings.items() if "?" in key[0]}
    assert [(key[1], change.calls) for key, change in filtered.items()] == [("u", 1)]


@pytest.mark.parametrize("match", [{}, {"model": ("gpt*",)}])
def test_the_same_window_in_two_calendars_is_counted_once(turns, given, match):
    """Guarantees: hours of two zones, and days of weeks that begin on other days, are one total."""
    berlin, sundays = Calendar(ZoneInfo("Europe/Berlin")), Calendar(ZoneInfo("UTC"), 6)
    turns.use(
        given.budget("hour", "user", 2000, window="hour", match=match),
        given.budget("hour there", "user", 2000, window="hour", match=match, calendar=berlin),
        given.budget("day", "user", 2000, window="day", match=match),
        given.budget("day too", "user", 2000, window="day", match=match, calendar=sundays),
    )
    turns.turn(given.call(1, own=MINE))
    assert not turns.crossings
    turns.turn(given.call(2, at_s=1, own=MINE))
    names = ["day", "day too", "hour", "hour there"]
    assert sorted((each.budget, each.spent) for each in turns.crossings) == [
        (name, 2000) for name in names
    ]


def test_a_transfer_moves_filtered_totals_too(turns, given):
    turns.use(given.budget("b", "session", 10**9, match={"model": ("gpt*",)}))
    series = turns.watches[-1].series
    turns.turn(given.call(2, 1, own=Owner(session=None)))
    turns.turn(given.carrier(1, session="s1"))
    assert turns.total(series, "s1").calls == 1
    turns.turn(given.carrier(3, session="s2"))
    assert turns.total(series, "s1").calls == 1


def test_a_filter_on_the_owner_takes_calls_in_when_they_find_him(turns, given):
    turns.use(given.budget("b", "total", 1000, match={"user": ("vip",)}))
    turns.turn(given.call(2, 1))
    assert turns.crossings == []
    turns.turn(given.carrier(1, user="vip"))
    assert [(c.scope_id, c.spent, c.trigger) for c in turns.crossings] == [
        ("", 1000, "attribution")
    ]


def test_traces_and_runs_have_budgets_of_their_own(turns, given):
    turns.use(given.budget("trace", "trace", 2000), given.budget("run", "agent_run", 1000))
    turns.turn(given.agent(1), given.call(2, 1))
    turns.turn(given.call(3))
    assert [(c.budget, c.scope_id) for c in turns.crossings] == [
        ("run", span_of(given, 1)), ("trace", given.trace_id(1).hex()),
    ]  # fmt: skip


def test_a_correction_clears_the_state_and_makes_no_second_event(turns, given):
    turns.use(given.budget("b", "session", 1000))
    turns.turn(given.aggregate(1, tokens=100, own=MINE))
    turns.turn(given.aggregate(2, tokens=100, own=Owner(session="x")))
    assert [c.scope_id for c in turns.crossings] == ["s", "x"]
    plan = turns.turn(given.call(3, 1, tokens=100, own=Owner(session="x"), at_s=1))
    assert plan.crossings == []
    plan = turns.turn(given.call(4, own=MINE, tokens=50))
    assert plan.stamps[0].exceeded == ()


def test_a_repeat_carries_its_event_again_and_nobody_else_does(turns, given):
    turns.use(given.budget("b", "session", 1000))
    first = turns.turn(given.call(1, own=MINE))
    again = turns.turn(given.call(1, own=MINE), given.call(2, own=MINE))
    assert again.crossings == []
    assert again.stamps[0].crossings == first.stamps[0].crossings
    assert again.stamps[1].crossings == ()


@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_copy_that_brings_the_usage_keeps_the_event_of_the_first(turns, given, is_restarted):
    """Guarantees: what a call without usage caused stands on its last copy, and in the ledger."""
    turns.use(given.budget("b", "session", 1000))
    turns.turn(given.call(1))
    first = turns.turn(given.usage_missing(2, own=MINE)).stamps[0]
    assert len(first.crossings) == 1
    if is_restarted:
        turns.restart()
    plan = turns.turn(given.call(2, own=MINE))
    assert plan.stamps[0].crossings == first.crossings
    assert plan.stamps[0].exceeded == ("b",)
    assert plan.stamps[0].entry.amount.total == 1000
    assert turns.turn(given.call(2, own=MINE)).stamps[0] == plan.stamps[0]


@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_copy_that_brings_the_usage_keeps_the_correction_of_the_first(turns, given, is_restarted):
    """Guarantees: spans add up to the ledger; of one older charge there is one correction."""
    turns.turn(given.aggregate(1, tokens=200))
    turns.turn(given.call(3, 2))
    turns.turn(given.plain(2, 4))
    first = turns.turn(given.usage_missing(4, 1)).stamps[0]
    assert first.corrections == ((given.span_id(1), -1000),)
    if is_restarted:
        turns.restart()
    plan = turns.turn(given.call(4, 1, tokens=150))
    assert plan.stamps[0].corrections == ((given.span_id(1), -1500),)
    assert turns.shown == turns.total("total").cost_nano_usd == 2000
