"""Questions about cost, answered from the ledger and the prices in force, and about health.

    questions     what a question may name, and budgets' objections in words
    cost_queries  the answers
    health        whether the processor can do its work
    outcomes      what has become of the last requests
    deliveries    what the backends have made of them; samples: the half minute of both

A surface parses its input, checks the question, asks `CostQueries`, and writes the answer in its
own form. A new question is a method of `CostQueries`, over what `core.ports.CostLedger` offers.
"""

from processor.surfaces.queries.cost_queries import CostQueries, WindowTotals
from processor.surfaces.queries.health import Health, Report
from processor.surfaces.queries.questions import check_scopes, check_totals, objections

__all__ = [
    "CostQueries",
    "Health",
    "Report",
    "WindowTotals",
    "check_scopes",
    "check_totals",
    "objections",
]
