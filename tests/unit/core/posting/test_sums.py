"""Every kind of sum that a turn changes, and what each span is charged."""

from dataclasses import replace
from functools import reduce

import pytest

from processor.core.model import NO_SUMS, DimensionSet, Owner, Parts, Sums, Totals

MINE = Owner("s", "u", "o", "planner", "f", "t", "review", "analyze", None, (("team", "x"),))
CALL = Totals(cost_nano_usd=1000, input_tokens=100, calls=1)


def charged(turns):
    """What all rows of charges add up to."""
    return reduce(Sums.plus, (each.sums for each in turns.charges.values()), NO_SUMS)


def cells(turns, kind):
    """What all plans together have added to one kind of cells."""
    changes = [sums for plan in turns.plans for sums in getattr(plan, kind).values()]
    return reduce(Sums.plus, changes, NO_SUMS)


def test_a_call_is_added_to_totals_and_cells_once(turns, given):
    plan = turns.turn(given.call(1, own=MINE, at_s=1000))
    bucket = given.START_S + 900
    assert plan.postings == {
        ("total", "", bucket): CALL,
        ("user", "u", bucket): CALL,
        ("org", "o", bucket): CALL,
        ("session", "s", 0): CALL,
        ("task", "t", 0): CALL,
    }
    ((hour_s, dimensions), sums) = next(iter(plan.hours.items()))
    assert hour_s == bucket // 3600 * 3600
    assert dimensions == DimensionSet(
        "openai", "gpt-4o", "svc", "planner", "o", "f", "review", "analyze", "llm", "exact",
        (("team", "x"),),
    )  # fmt: skip
    assert sums.totals == CALL
    assert sums.parts == Parts(input_nano_usd=1000)
    day_s = bucket // 86400 * 86400
    assert plan.days == {(day_s, dimensions): sums}
    assert plan.user_days == {(day_s, "u", dimensions): sums}


def test_an_agent_run_is_counted_beside_calls_and_is_no_call(turns, given):
    plan = turns.turn(given.agent(1), given.call(2, 1))
    kinds = {cell[1].kind: sums.totals for cell, sums in plan.hours.items()}
    assert kinds == {"agent": Totals(agent_runs=1), "llm": CALL}
    (total,) = [each for key, each in plan.postings.items() if key[0] == "total"]
    assert total == replace(CALL, agent_runs=1)


def test_a_charge_has_one_row_that_follows_its_span(turns, given):
    """Guarantees: an owner that is known later changes the row, and adds none."""
    first = turns.turn(given.call(2, 1))
    (row,) = first.charges
    assert (row.row, row.row_id, row.user, row.sums.totals) == (0, 0, "", CALL)
    later = turns.turn(given.carrier(1, user="u"))
    (row,) = later.charges
    assert (row.row, row.row_id, row.user, row.sums.totals) == (-1, first.rows[0].id, "u", CALL)
    assert len(turns.charges) == 1


def test_a_copy_with_the_usage_replaces_the_row_of_the_first(turns, given):
    first = turns.turn(given.usage_missing(1))
    (row,) = first.charges
    assert row.sums.totals == Totals(calls=1, unpriced=1)
    (row,) = turns.turn(given.call(1)).charges
    assert (row.row, row.row_id) == (0, first.rows[0].id)
    assert row.dimensions.status == "exact"
    assert charged(turns).totals == CALL


def test_what_repeats_others_has_a_row_only_while_it_is_charged(turns, given):
    turns.turn(given.aggregate(1, tokens=100))
    assert charged(turns).totals.cost_nano_usd == 1000
    plan = turns.turn(given.call(2, 1, tokens=100))
    by_span = {each.span_id: each for each in plan.charges}
    assert by_span[given.span_id(1)].sums.totals == Totals(agent_runs=1)
    assert charged(turns).totals.cost_nano_usd == 1000


def test_a_status_that_changes_moves_the_charge_between_cells(turns, given):
    turns.turn(given.usage_missing(1))
    plan = turns.turn(given.call(1))
    changes = {cell[1].status: sums.totals for cell, sums in plan.hours.items()}
    assert changes == {"usage_missing": Totals(calls=-1, unpriced=-1), "exact": CALL}


def test_a_trace_is_summed_with_its_time_and_what_its_charges_agree_on(turns, given):
    plan = turns.turn(given.agent(1, at_s=50), given.call(2, 1, own=MINE, at_s=40))
    (trace,) = plan.traces
    assert trace.totals == replace(CALL, agent_runs=1)
    assert (trace.owner.session, trace.owner.user, trace.owner.service) == ("s", "u", "svc")
    assert (trace.start_ns, trace.end_ns) == (
        (given.START_S + 40) * 10**9,
        (given.START_S + 50) * 10**9,
    )
    plan = turns.turn(given.call(3, 1, own=MINE._replace(user="v"), at_s=60))
    assert plan.traces[0].owner.user is None
    assert plan.traces[0].owner.org == "o"


def test_a_batch_that_changes_nothing_adds_nothing(turns, given):
    turns.turn(given.call(1))
    plan = turns.turn(given.call(1))
    kept = (plan.charges, plan.traces, plan.postings, plan.hours, plan.days, plan.user_days)
    assert not any(kept)


@pytest.mark.parametrize("kind", ["hours", "days", "user_days"])
def test_cells_and_rows_of_charges_add_up_to_the_same(turns, given, kind):
    turns.turn(given.call(3, 2), given.usage_missing(4, 2))
    turns.turn(given.aggregate(2, 1, tokens=150), given.call(4, 2))
    turns.turn(given.agent(1, own=Owner(user="u")), given.call(5, 1, at_s=100_000))
    assert cells(turns, kind) == charged(turns)
    assert charged(turns).totals == turns.total("total")
