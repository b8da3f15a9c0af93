"""What traces are charged now, as if all of it were new."""

from __future__ import annotations

from collections.abc import Mapping

from processor.core.attribution import Movement, Trace
from processor.core.budgets.watches import Watches
from processor.core.budgets.zones import ReportingZones
from processor.core.model import NO_SUMS, Plan
from processor.core.posting.changes import follow
from processor.core.posting.sums import add_charges, add_up
from processor.core.posting.turn import Posted


def charged(traces: Mapping[bytes, Trace], zones: ReportingZones) -> Plan:
    """All charges of some traces and the sums of them, for a ledger that has kept only spans."""
    movements = [
        (trace_id, Movement(node, node, None, NO_SUMS, node.scope_ids, node.posted))
        for trace_id, trace in traces.items()
        for node in trace.nodes.values()
        if node.scope_ids is not None
    ]
    posted, plan = Posted(0, traces, (), (), movements), Plan()
    add_up(plan, follow(posted, Watches()), zones)
    add_charges(plan, posted)
    return plan
