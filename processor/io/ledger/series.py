"""Further totals that budgets follow, and how a new one comes to hold what was charged before."""

from __future__ import annotations

from collections.abc import Iterator

from processor.core import posting
from processor.core.budgets.verdict import Watch
from processor.core.model import Totals
from processor.io.ledger.store import Store

_END_OF_TIME_NS = 2**63 - 1


def follow_series(store: Store, watches: dict[str, Watch]) -> None:
    """Fill the series that are new, by name, and drop those that nobody follows any more.

    The caller commits.
    """
    complete = store.series()
    for name in complete - watches.keys():
        store.set_series(name, None)
    for name in watches.keys() - complete:
        store.set_series(name, _sums_of(store, watches[name]))


def _sums_of(store: Store, watch: Watch) -> Iterator[tuple[str, int, Totals]]:
    """From the spans: they know each agent run, and each value of an own dimension."""
    for trace_id in store.traces_between(0, _END_OF_TIME_NS):
        trace = posting.rebuild(trace_id, store.rows_of(trace_id))
        yield from posting.contributions(watch, trace_id, trace)
