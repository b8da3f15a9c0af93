"""What rows of calls and of usage have in common."""

import pytest
from asked.tables import dimensions

from processor.core.model import NO_PARTS, Parts, Totals
from processor.core.questions import CellRow
from processor.surfaces.exports import calls, focus, focus_columns, usage
from processor.surfaces.exports.sums import SUMS, object_text, sums_of

FREE_AND_UNKNOWN = Totals(input_tokens=20, calls=2, unpriced=1)


@pytest.mark.parametrize(
    ("totals", "cost"),
    [
        (Totals(calls=1), 0),
        (Totals(calls=1, unpriced=1), None),
        (Totals(5, calls=2, unpriced=1), 5),
        (FREE_AND_UNKNOWN, 0),
        # What an aggregate adds has no call of its own.
        (Totals(unpriced=1), None),
    ],
)
def test_a_cost_is_null_only_while_nothing_of_it_is_known(totals, cost):
    values = dict(zip([each.name for each in SUMS], sums_of(totals, NO_PARTS), strict=True))
    assert (values["cost_usd"], values["at_least"]) == (cost, totals.unpriced > 0)


def test_a_free_call_beside_one_of_unknown_cost_is_known_in_focus_as_well():
    cell = CellRow(0, dimensions(model="a"), FREE_AND_UNKNOWN, Parts())
    [row] = focus.rows_of(cell, focus.Period(0, 86_400, 0, 86_400), "us")
    shown = dict(zip([each.name for each in focus_columns.COLUMNS], row, strict=True))
    assert (shown["SkuMeter"], shown["x_AtLeast"]) == ("Input Tokens", True)


def test_calls_have_the_sums_of_usage_but_for_counts_of_many():
    of_calls, of_usage = ([each.name for each in part.COLUMNS] for part in (calls, usage))
    left_out = [each.name for each in SUMS if each.name not in of_calls]
    assert left_out == ["doubtful_calls", "cache_hits", "agent_runs", "response_cache_hits"]
    assert of_usage[-len(SUMS) :] == [each.name for each in SUMS]


def test_dimensions_of_the_operator_are_one_object():
    assert object_text({"team": "rot", "env": "größer"}) == '{"env": "größer", "team": "rot"}'
    assert object_text({}) is None
