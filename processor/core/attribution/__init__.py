"""The tree of a trace, who a call belongs to, and sums that merge in any order.

`attach` takes the spans of one turn into a trace and says what moves where; `window` knows
calendars. Nothing here does I/O; a trace is a working copy of what the ledger holds.
"""

from processor.core.attribution.attach import (
    Arrival,
    Movement,
    PlainSpan,
    attach,
    attach_in_steps,
)
from processor.core.attribution.node import Node
from processor.core.attribution.trace import Trace

__all__ = ["Arrival", "Movement", "Node", "PlainSpan", "Trace", "attach", "attach_in_steps"]
