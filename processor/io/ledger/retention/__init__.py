"""Deletes what is older than it is to be kept, in steps beside the turns.

sweep    what the sweeps have in common: each goes once through what is kept of one kind
calls    the rows of traces
traces   the ids of their spans, and traces without rows
hours    sums by hour
shared   names, owners and details that no row uses any more
space    what the file has free after that
work     when they are done, one after the other
"""

from processor.io.ledger.retention.work import Retention

__all__ = ["Retention"]
