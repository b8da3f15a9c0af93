"""How much of what the ledger holds is in memory."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is kept in memory."""

    traces: int = 50_000
    """Traces with a working copy; older ones are read again when a span of theirs comes."""
    spans: int = 200_000
    """Spans in these working copies together, at two to three KiB each; a turn may read more."""
    states: int = 50_000
    """Totals of scopes that budgets follow."""
    waiting_spans: int = 200_000
    """Spans of traces that have no call yet."""
    trace_spans: int = 100_000
    """Spans of one trace that are followed, at most half of `spans`; of calls beyond it nobody
    knows what they repeat, so they are charged nothing. What links the others may be a third
    more."""
    known_traces: int = 500_000
    """Ids of traces with calls: their further spans are looked at, others pass at once."""
