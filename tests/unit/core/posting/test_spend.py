"""What a turn adds to the sums that metrics show; none of them falls."""

from dataclasses import replace

from processor.core.model import NOTHING, Owner, Totals
from processor.core.posting.spend import shown_of, split_by_sign

CALL = Totals(cost_nano_usd=1000, input_tokens=100, calls=1)
MODEL = ("gpt-4o",)


def spend(turns):
    """All that was added, by combination and part."""
    found = {}
    for plan in turns.plans:
        for key, sums in plan.spend.items():
            found[key] = found.get(key, NOTHING).plus(sums)
    return found


def test_calls_of_one_combination_are_added_up(turns, given):
    turns.spend_by = ("model", "provider", "team")
    team = Owner(own_dimensions=(("team", "x"),))
    turns.turn(given.call(1, own=team), given.call(2, own=team), given.call(3, trace=2))
    assert spend(turns) == {
        (("gpt-4o", "openai", "x"), "first"): CALL.plus(CALL),
        (("gpt-4o", "openai", ""), "first"): CALL,
    }


def test_without_dimensions_everything_is_one_combination(turns, given):
    turns.spend_by = ()
    turns.turn(given.call(1), given.agent(9))
    assert spend(turns) == {((), "first"): CALL}


def test_a_repeat_adds_nothing(turns, given):
    turns.turn(given.call(1))
    assert turns.turn(given.call(1)).spend == {}


def test_a_late_child_is_charged_first_and_its_parent_corrected(turns, given):
    """Guarantees: what a parent has been charged too much is taken back, and no counter falls."""
    turns.spend_by = ("model",)
    turns.turn(given.aggregate(1, tokens=300))
    turns.turn(given.call(2, 1))
    found = spend(turns)
    first, down = found[MODEL, "first"], found[MODEL, "down"]
    assert first.minus(down).cost_nano_usd == turns.total("total").cost_nano_usd == 3000
    assert (first.cost_nano_usd, down.cost_nano_usd) == (4000, 1000)


def test_what_moves_to_another_owner_goes_down_there_and_up_here(turns, given):
    """Guarantees: nothing is charged first twice, whatever metrics tell apart."""
    turns.spend_by = ("agent",)
    turns.turn(given.call(2, 1))
    turns.turn(given.agent(1, name="planner"))
    assert spend(turns) == {
        (("",), "first"): CALL,
        (("",), "down"): CALL,
        (("planner",), "up"): CALL,
    }


def test_what_moves_within_a_combination_changes_nothing(turns, given):
    turns.spend_by = ("model",)
    turns.turn(given.call(2, 1))
    assert turns.turn(given.agent(1, name="planner")).spend == {}


def test_a_negative_amount_lets_the_sums_grow_that_go_down():
    """Guarantees: also where a trusted processor's correction comes before what it corrects."""
    change = Totals(cost_nano_usd=-5, input_tokens=7, cached_tokens=9)
    assert split_by_sign([(MODEL, shown_of(change))]) == {
        (MODEL, "first"): Totals(cached_tokens=9),
        (MODEL, "down"): Totals(cost_nano_usd=5, input_tokens=2),
    }


def test_kinds_of_tokens_add_up():
    shown = shown_of(replace(CALL, cached_tokens=40, output_tokens=5, agent_runs=3))
    assert (shown.input_tokens, shown.cached_tokens, shown.output_tokens) == (60, 40, 5)
    assert shown.agent_runs == 0
