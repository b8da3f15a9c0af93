"""A call that is reported in two traces is charged once; what may be two calls is charged twice."""

import pytest

from processor.core.model import Owner, Totals, Usage

SDK = {"scope": "openai-sdk", "response": "r-1"}
FRAMEWORK = {"scope": "framework", "response": "r-1"}
REPEATED = "response_id_repeated"


def spans(given, **second):
    return (
        given.call(1, trace=1, **SDK),
        given.call(2, trace=2, **{**FRAMEWORK, "at_s": 2, **second}),
    )


def charged(turns):
    return sum(each.sums.totals.cost_nano_usd for each in turns.charges.values())


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("is_split", [False, True])
def test_a_call_that_two_traces_report_is_charged_once(turns, given, order, is_split):
    both = [spans(given)[at] for at in order]
    for group in [[one] for one in both] if is_split else [both]:
        turns.turn(*group)
    total = turns.total("total")
    assert (total.calls, total.cost_nano_usd, total.doubtful_calls) == (1, 1000, 0)
    assert turns.shown == charged(turns) == 1000


def test_which_report_is_charged_does_not_depend_on_the_order(turns, given):
    """Guarantees: the one that knows of caches is charged, also where it comes second."""
    cached = Usage(input=60, cache_read=40)
    first, second = spans(given, usage=cached)
    turns.turn(first)
    plan = turns.turn(second)
    assert plan.stamps[0].entry.usage == cached
    assert plan.stamps[0].corrections == ((given.trace_id(1) + given.span_id(1), -1000),)
    (correction,) = plan.corrections
    assert (correction.trace_id, correction.cause_id) == (given.trace_id(1), given.span_id(2))
    assert turns.total("total").calls == 1
    assert turns.shown == turns.total("total").cost_nano_usd


def test_the_span_that_is_not_charged_says_so(turns, given):
    first, second = spans(given)
    turns.turn(second)
    stamp = turns.turn(first).stamps[0]
    assert stamp.entry.status == "aggregate"
    assert stamp.entry.reason == "counted on another span of the same call"


@pytest.mark.parametrize(
    "second",
    [
        {"scope": "openai-sdk"},
        {"model": "gpt-4o-mini"},
        {"usage": Usage(input=777)},
        {"service": "stranger"},
    ],
    ids=lambda second: next(iter(second)),
)
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_what_may_be_two_calls_is_charged_twice_and_named(turns, given, second, order):
    both = spans(given, **second)
    for at in order:
        turns.turn(both[at])
    total = turns.total("total")
    assert (total.calls, total.doubtful_calls) == (2, 2)
    assert {each.dimensions.status for each in turns.charges.values()} == {"exact"}
    latest = {row.span_id: row.entry.doubt for plan in turns.plans for row in plan.rows}
    assert set(latest.values()) == {REPEATED}


def test_two_calls_far_from_each_other_are_two_without_doubt(turns, given):
    for one in spans(given, at_s=6):
        turns.turn(one)
    total = turns.total("total")
    assert (total.calls, total.doubtful_calls) == (2, 0)


def test_services_of_one_organisation_may_report_one_call(turns, given):
    mine = {"own": Owner(org="o")}
    turns.turn(given.call(1, trace=1, service="app", **SDK, **mine))
    turns.turn(given.call(2, trace=2, service="gateway", **FRAMEWORK, **mine))
    assert turns.total("total").calls == 1


def test_a_third_report_shows_that_they_are_calls_of_their_own(turns, given):
    for one in spans(given):
        turns.turn(one)
    assert turns.total("total").calls == 1
    turns.turn(given.call(3, trace=3, scope="third", response="r-1", at_s=3))
    total = turns.total("total")
    assert (total.calls, total.cost_nano_usd, total.doubtful_calls) == (3, 3000, 3)
    assert turns.shown == charged(turns) == 3000


def test_the_uncharged_report_explains_the_spans_above_it(turns, given):
    """Guarantees: an agent that repeats what an SDK reports elsewhere is not charged for it."""
    turns.turn(given.call(1, trace=1, **SDK))
    turns.turn(
        given.aggregate(1, trace=2, tokens=100), given.call(2, 1, trace=2, **FRAMEWORK, at_s=1)
    )
    assert turns.total("total").cost_nano_usd == 1000


def test_repeats_and_a_restart_change_nothing(turns, given):
    both = spans(given)
    turns.turn(both[1])
    turns.turn(both[0])
    before, stamps = turns.total("total"), dict(turns.stamps)
    turns.restart()
    turns.turn(*both)
    assert turns.total("total") == before == Totals(cost_nano_usd=1000, input_tokens=100, calls=1)
    assert turns.stamps == stamps


def test_calls_without_a_response_id_and_log_records_are_left_alone(turns, given):
    turns.turn(given.call(1, trace=1, scope="a"), given.call(2, trace=2, scope="b"))
    assert turns.total("total").calls == 2


@pytest.mark.parametrize("is_split", [False, True])
def test_doubt_from_another_trace_changes_no_choice_within_one(turns, given, is_split):
    """Guarantees: which report of a trace is charged stays, also after a restart."""
    named = {"response": "r", "usage": Usage(input=100)}
    trace = (
        given.call(6, 4, at_s=2000, scope="x", own=Owner(user="late"), **named),
        given.call(2, 1, at_s=4, scope="sdk", own=Owner(user="early"), **named),
    )
    other = given.call(1, trace=2, at_s=1, scope="x", service="other", **named)
    for group in [trace, (other,)] if is_split else [(*trace, other)]:
        turns.turn(*group)
    before = [turns.total("user", user).cost_nano_usd for user in ("early", "late")]
    assert sorted(before) == [0, 1000]
    turns.restart()
    turns.turn(given.carrier(4, session="s"), given.carrier(1, session="s"))
    after = [turns.total("user", user).cost_nano_usd for user in ("early", "late")]
    assert after == before
    assert charged(turns) == turns.total("total").cost_nano_usd
