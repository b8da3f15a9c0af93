"""How much a task has used, beside other tasks of its type."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Final, NamedTuple

from processor.core.model import Totals

TASKS_MIN: Final = 10
"""Of fewer there is no baseline."""
EFFICIENCY_METHOD: Final = (
    "the median cost of the tasks of its type that were last at work, divided by what the task has "
    "cost: 1 is as usual, 2 half of that, 0.5 twice as much"
)


class Baseline(NamedTuple):
    """What tasks of a type have used."""

    tasks: int
    median_nano_usd: int
    median_tokens: int
    mean_nano_usd: int
    mean_tokens: int


def baseline_of(tasks: Sequence[Totals]) -> Baseline | None:
    """What tasks have used, as medians and means; None of too few.

    Those of which a part of the cost is unknown are left out.
    """
    known = [each for each in tasks if not each.unpriced and each.calls]
    if len(known) < TASKS_MIN:
        return None
    costs = [each.cost_nano_usd for each in known]
    tokens = [each.tokens for each in known]
    return Baseline(
        len(known),
        round(median(costs)),
        round(median(tokens)),
        round(sum(costs) / len(costs)),
        round(sum(tokens) / len(tokens)),
    )


def score_of(task: Totals, baseline: Baseline | None) -> float | None:
    """How efficient a task was, see `EFFICIENCY_METHOD`.

    None without a baseline, or where its cost is not known.
    """
    if baseline is None or task.unpriced or not task.cost_nano_usd:
        return None
    return baseline.median_nano_usd / task.cost_nano_usd
