"""What one turn of the ledger does: a pure decision between what it loads and what it writes.

    relevant(intake, known)            which traces the books have to look at
    rebuild(rows)                      a trace's working copy from its rows
    post(intake, traces, waiting)      hang the spans in
    needs(posted, watches)             which totals the next step needs
    judge(posted, watches, states)     budgets; the plan to commit, with every stamp

The ledger calls these inside its transaction, and commits the plan or nothing.
"""

from processor.core.posting.changes import contributions, needs
from processor.core.posting.decide import judge
from processor.core.posting.intake import LIFETIME, entry_of, notable, relevant, set_aside
from processor.core.posting.turn import Posted, amend, post, rebuild

__all__ = [
    "LIFETIME",
    "Posted",
    "amend",
    "contributions",
    "entry_of",
    "judge",
    "needs",
    "notable",
    "post",
    "rebuild",
    "relevant",
    "set_aside",
]
