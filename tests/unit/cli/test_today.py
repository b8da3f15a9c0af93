"""The first screen asks for what it says."""

from __future__ import annotations

from types import SimpleNamespace

from processor.cli.today import _Asked
from processor.surfaces.api.documents import BudgetDocument
from processor.surfaces.api.parameters import BudgetsParameters

IDS = [("engineering", 0.75), ("search", 0.92), ("support", 0.4)]
"""By what they have spent, with their share of a limit that is their own."""


class Questions:
    """Answers with the scope ids that have spent most, as many as it is asked for."""

    def get(self, _kind, _path, query):
        asked = BudgetsParameters(**dict(query))
        rows = [
            BudgetDocument.model_construct(budget="daily", scope="team", scope_id=name, ratio=ratio)
            for name, ratio in IDS[: asked.limit]
        ]
        return SimpleNamespace(data=rows)


def test_of_each_budget_the_one_nearest_its_own_limit_is_shown():
    """Guarantees: one with a higher limit of its own, which has spent more, does not hide it."""
    shown = _Asked(Questions(), SimpleNamespace(time_zone=""))._budgets()
    assert [(row.budget, row.scope_id) for row in shown] == [("daily", "search")]
