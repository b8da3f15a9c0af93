"""What one turn of the ledger does: a pure decision between what it loads and what it writes.

    relevant_traces(intake, known)            which traces the ledger has to look at
    rebuild(rows)                      a trace's working copy from its rows
    post(intake, traces, waiting)      hang the spans in
    needs(posted, watches)             which totals the next step needs
    decide(posted, watches, states)     budgets; the plan to commit, with every stamp

The ledger calls these inside its transaction, and commits the plan or nothing.
"""

from processor.core.posting.changes import contributions, needs
from processor.core.posting.decide import decide
from processor.core.posting.intake import (
    LIFETIME,
    entry_of,
    keep_pending,
    relevant_traces,
    traces_with_calls,
)
from processor.core.posting.turn import Posted, amend, post, rebuild

__all__ = [
    "LIFETIME",
    "Posted",
    "amend",
    "contributions",
    "decide",
    "entry_of",
    "keep_pending",
    "needs",
    "post",
    "rebuild",
    "relevant_traces",
    "traces_with_calls",
]
