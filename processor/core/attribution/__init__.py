"""Keeping totals: the tree of a trace, who a call belongs to, and sums that merge in any order.

`absorb` takes the spans of one turn into a trace and says what moves where; `window` knows
calendars. Nothing here does I/O; a trace is a working copy of what the ledger holds.
"""

from processor.core.attribution.absorb import Arrival, Movement, Plain, absorb
from processor.core.attribution.node import Node
from processor.core.attribution.trace import Trace

__all__ = ["Arrival", "Movement", "Node", "Plain", "Trace", "absorb"]
