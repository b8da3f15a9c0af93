"""What one turn of the ledger does: a pure chain between what it loads and what it writes.

    relevant_traces(intake, known)           which traces the ledger has to look at
    rebuild(trace_id, rows)                  a trace's working copy from its rows
    traces_to_correct(intake, traces, …)     which further traces it has to read, because calls
                                             of the batch are reported there as well
    rename_intake(intake, renaming_of)       ids of forgotten users as what replaced them
    set_aside(intake, traces, deletions)     what comes too late to be charged, and the rest
    post(intake, traces, pending, limit)     Posted: the spans in their traces, what moves where
    follow(posted, watches)                  Followed: what that changes for budgets, and which
                                             states the decision needs
    decide(followed, budgets, states)        Plan: what to commit, with every stamp

Each stage takes the type of the one before. The ledger calls them inside its transaction, and
commits the plan or nothing.
"""

from processor.core.posting.changes import Filling, Followed, contributions, follow
from processor.core.posting.charged import charged
from processor.core.posting.decide import decide
from processor.core.posting.forgotten import (
    Renaming,
    RenamingOf,
    rename_intake,
    rename_mark,
    span_names,
    trace_names,
)
from processor.core.posting.full_trace import BEYOND_LIMIT, is_call
from processor.core.posting.intake import (
    relevant_traces,
    responses_of,
    traces_with_calls,
)
from processor.core.posting.late import NOTHING_LATE, Deletions, set_aside
from processor.core.posting.older import amend, exclude, references
from processor.core.posting.rebuild import (
    add_rows,
    continue_from,
    rebuild,
    rebuild_in_steps,
)
from processor.core.posting.reports import (
    NO_REPORTS,
    OlderReports,
    older_reports,
    traces_to_correct,
)
from processor.core.posting.stamp import LIFETIME, entry_of
from processor.core.posting.turn import Posted, TakenSpan, post

__all__ = [
    "BEYOND_LIMIT",
    "LIFETIME",
    "NOTHING_LATE",
    "NO_REPORTS",
    "Deletions",
    "Filling",
    "Followed",
    "OlderReports",
    "Posted",
    "Renaming",
    "RenamingOf",
    "TakenSpan",
    "add_rows",
    "amend",
    "charged",
    "continue_from",
    "contributions",
    "decide",
    "entry_of",
    "exclude",
    "follow",
    "is_call",
    "older_reports",
    "post",
    "rebuild",
    "rebuild_in_steps",
    "references",
    "relevant_traces",
    "rename_intake",
    "rename_mark",
    "responses_of",
    "set_aside",
    "span_names",
    "trace_names",
    "traces_to_correct",
    "traces_with_calls",
]
