"""Pricing stored calls again, after a price was added or corrected.

Rows are never edited: a call whose price changes gets a further row, its totals the difference,
and the difference a correction row. What was stamped on spans stays, here and in the backend.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from processor.core.model import NS_PER_S, Entry, RepriceProgress, Repricing, SpanRow
from processor.core.ports import PricesAgain
from processor.io.ledger.reprice_sums import RepriceSums
from processor.io.ledger.working_set import WorkingSet

_STEP_S: Final = 0.005
"""How long a step reads; what it has found to change is written after that."""
_CALLS_CHANGED: Final = 32
"""With so many calls to change a step reads no further trace."""
_TRACES_READ: Final = 256
_NUMBERS_PASSED: Final = 10_000
"""Traces that a step passes at most because they are of another time."""


@dataclass(slots=True)
class Repricer:
    """Prices stored calls again, trace by trace in the order in which these came."""

    working_set: WorkingSet
    prices: PricesAgain
    span_ns: tuple[int, int]
    now_ns: int
    last: int
    """The number of the last trace; later ones have the prices in force already."""
    position: int = 0
    """The number of the last trace that is done."""
    sums: RepriceSums = field(default_factory=RepriceSums)

    @property
    def is_done(self) -> bool:
        """Whether all traces are done."""
        return self.position >= self.last

    @property
    def progress(self) -> RepriceProgress:
        """How far it has come."""
        return RepriceProgress(self.position, self.last - self.position, self.sums.calls)

    def result(self) -> Repricing:
        """What has changed so far."""
        kept_from_s = self.working_set.kept_from.calls
        return self.sums.result()._replace(
            price_version=self.prices.version,
            span_ns=self.span_ns,
            kept_from_s=kept_from_s if self.span_ns[0] < kept_from_s * NS_PER_S else 0,
        )

    def step(self) -> None:
        """Price the calls of some traces again; the caller commits or undoes it."""
        store = self.working_set.store
        last = min(self.position + _NUMBERS_PASSED, self.last)
        found = store.charged_traces((self.position, last), self.span_ns, _TRACES_READ)
        if len(found) == _TRACES_READ:
            last = found[-1][0]
        end_s = time.monotonic() + _STEP_S
        entries: dict[bytes, dict[bytes, Entry]] = {}
        rows: dict[bytes, Sequence[SpanRow]] = {}
        count = 0
        for number, trace_id in found:
            rows[trace_id] = store.rows_of(trace_id)
            if changed := self._changed(rows[trace_id]):
                entries[trace_id] = changed
                count += len(changed)
            if count >= _CALLS_CHANGED or time.monotonic() >= end_s:
                last = number
                break
        if entries:
            followed = self.working_set.amend(entries, rows, self.now_ns)
            self.sums.add(followed, self.working_set.budgets.spent)
        self.position = last

    def _changed(self, rows: Sequence[SpanRow]) -> dict[bytes, Entry]:
        latest = {row.span_id: row for row in rows}
        start_ns, end_ns = self.span_ns
        found = {}
        for span_id, row in latest.items():
            if row.entry is not None and start_ns <= row.time_ns < end_ns:
                entry = self.prices.entry(row)
                if entry is not row.entry:
                    found[span_id] = entry
        return found

    def try_step(self) -> None:
        """Likewise, and undo it: what would change is added up, nothing is kept."""
        store = self.working_set.store
        store.begin()
        try:
            self.step()
        finally:
            self.working_set.discard_touched()
            store.rollback()
