"""The types that pass from stage to stage. No decisions are made here.

    Batch ─▶ Spans ─▶ Reading (Call, Mark) ─▶ Charge | Unpriced ─▶ Entry, Stamp ─▶ Edit ─▶ Receipt

Ids are raw bytes as on the wire: 16 bytes for a trace, 8 for a span, ``b""`` for "no parent".
Times are nanoseconds since the Unix epoch, in UTC.

What is made for each span, call or turn is a slotted class; it is a value all the same, and never
changed in place. Vectors (`Usage`, beside `money.Rates`), keys (`Owner`) and rare records are
named tuples.
"""

from processor.core.model.call import (
    LOG_TRACE,
    NO_USAGE,
    NOBODY,
    Aggregate,
    Call,
    CallKind,
    Charge,
    Mark,
    Owner,
    Reading,
    Status,
    Unpriced,
    Usage,
)
from processor.core.model.entry import (
    Correction,
    Entry,
    Intake,
    Plan,
    Posting,
    SpanRow,
    Stamp,
    TaskTitle,
)
from processor.core.model.spans import (
    NS_PER_S,
    Batch,
    Edit,
    Event,
    Group,
    Logs,
    Metadata,
    Receipt,
    RequestPart,
    Signal,
    Spans,
    SplitRequest,
    Transport,
    Value,
    Wanted,
    is_local_root,
)
from processor.core.model.total import (
    NOTHING,
    Calendar,
    Crossing,
    Difference,
    Repricing,
    Scope,
    Standing,
    Totals,
    UnpricedCalls,
    WindowKind,
)

__all__ = [
    "LOG_TRACE",
    "NOBODY",
    "NOTHING",
    "NO_USAGE",
    "NS_PER_S",
    "Aggregate",
    "Batch",
    "Calendar",
    "Call",
    "CallKind",
    "Charge",
    "Correction",
    "Crossing",
    "Difference",
    "Edit",
    "Entry",
    "Event",
    "Group",
    "Intake",
    "Logs",
    "Mark",
    "Metadata",
    "Owner",
    "Plan",
    "Posting",
    "Reading",
    "Receipt",
    "Repricing",
    "RequestPart",
    "Scope",
    "Signal",
    "SpanRow",
    "Spans",
    "SplitRequest",
    "Stamp",
    "Standing",
    "Status",
    "TaskTitle",
    "Totals",
    "Transport",
    "Unpriced",
    "UnpricedCalls",
    "Usage",
    "Value",
    "Wanted",
    "WindowKind",
    "is_local_root",
]
