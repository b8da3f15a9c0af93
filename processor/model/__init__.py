"""The shapes that pass from room to room, one type for each stage. No behaviour lives here.

    Batch ─▶ Spans ─▶ Reading (Call, Mark) ─▶ Charge | Unpriced ─▶ Entry, Stamp ─▶ Edit ─▶ Receipt

Ids are raw bytes as on the wire: 16 bytes for a trace, 8 for a span, ``b""`` for "no parent".
Times are nanoseconds since the Unix epoch, in UTC.
"""

from processor.model.call import (
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
from processor.model.entry import Correction, Entry, Intake, Plan, Posting, SpanRow, Stamp
from processor.model.otlp import Batch, Edit, Event, Group, Receipt, Signal, Spans, Value, Wanted
from processor.model.total import (
    Calendar,
    Crossing,
    Difference,
    Repricing,
    Scope,
    Standing,
    Totals,
    Unknown,
    WindowKind,
)

__all__ = [
    "NOBODY",
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
    "Mark",
    "Owner",
    "Plan",
    "Posting",
    "Reading",
    "Receipt",
    "Repricing",
    "Scope",
    "Signal",
    "SpanRow",
    "Spans",
    "Stamp",
    "Standing",
    "Status",
    "Totals",
    "Unknown",
    "Unpriced",
    "Usage",
    "Value",
    "Wanted",
    "WindowKind",
]
