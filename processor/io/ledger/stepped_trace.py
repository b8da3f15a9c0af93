"""Working copies of traces that are read in steps, for work that stands between turns."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from processor.core import posting
from processor.core.attribution import Trace
from processor.core.model import SpanRow
from processor.io.ledger.store import Store

_ROWS_READ: Final = 128
_SPANS_ATTACHED: Final = 64
ROWS_AT_ONCE: Final = 128
"""A trace with more rows is large: it is read, and changed, in several steps."""


class SteppedTrace:
    """The working copy of one trace, as far as it has been read.

    It stays from one step to the next, also where turns have none of it any more; so there is one
    large trace in memory besides theirs. What turns add to the trace meanwhile is read as well.
    """

    def __init__(self, store: Store, in_memory: Mapping[bytes, Trace]) -> None:
        """`in_memory` has working copies of turns, which are used where there is one."""
        self._store = store
        self._in_memory = in_memory
        self._trace_id = b""
        self._trace: Trace | None = None
        self._steps: Iterator[Trace | None] = iter(())
        self._last = 0
        """The id of the last row that is read."""

    @property
    def spans(self) -> int:
        """How many are in it; 0 until it is read."""
        return 0 if self._trace is None else len(self._trace.nodes)

    def read(self, trace_id: bytes, end_s: float) -> Trace | None:
        """Read on, until a moment of the monotonic clock; None while there is more to read."""
        known = self._in_memory.get(trace_id)
        if known is not None:
            self.forget()
            return known
        if trace_id != self._trace_id:
            self.forget()
            self._trace_id = trace_id
            rows = self._rows(trace_id)
            self._steps = posting.rebuild_in_steps(trace_id, rows, _SPANS_ATTACHED)
        while self._trace is None:
            self._trace = next(self._steps)
            if time.monotonic() >= end_s:
                return None
        while more := self._store.rows_after(trace_id, self._last, _ROWS_READ):
            posting.add_rows(self._trace, more)
            self._last = more[-1].id
            if time.monotonic() >= end_s:
                return None
        return self._trace

    def forget(self) -> None:
        """Begin again with the next `read`."""
        self._trace_id, self._trace, self._steps = b"", None, iter(())
        self._last = 0

    def skip(self, row_id: int) -> None:
        """Whoever has the working copy has written rows, up to this one, and changed it so."""
        self._last = max(self._last, row_id)

    def _rows(self, trace_id: bytes) -> Iterator[Sequence[SpanRow]]:
        while rows := self._store.rows_after(trace_id, self._last, _ROWS_READ):
            self._last = rows[-1].id
            yield rows


class TraceCopies:
    """Working copies of the traces that steps of long work change.

    A small one is read again by each step. Large ones stay, those that were used last, with as many
    spans together as one trace may have; a step may use more.
    """

    def __init__(self, store: Store, in_memory: Mapping[bytes, Trace], spans_max: int) -> None:
        """`in_memory` has working copies of turns, which are used where there is one."""
        self._store = store
        self._in_memory = in_memory
        self._spans_max = spans_max
        self._small: dict[bytes, Trace] = {}
        self._large: OrderedDict[bytes, SteppedTrace] = OrderedDict()
        self._used: set[bytes] = set()

    def begin_step(self) -> None:
        """Turns may have changed something since the last step."""
        self._small.clear()
        spans = sum(each.spans for each in self._large.values())
        for trace_id in [each for each in self._large if each not in self._used]:
            if spans <= self._spans_max:
                break
            spans -= self._large.pop(trace_id).spans
        self._used.clear()

    def read(self, trace_id: bytes, end_s: float) -> Trace | None:
        """Read on, until a moment of the monotonic clock; None while there is more to read."""
        known = self._in_memory.get(trace_id) or self._small.get(trace_id)
        if known is not None:
            self._large.pop(trace_id, None)
            return known
        stepped = self._large.get(trace_id)
        if stepped is None:
            rows = self._store.rows_after(trace_id, 0, ROWS_AT_ONCE + 1)
            if len(rows) <= ROWS_AT_ONCE:
                return self._small.setdefault(trace_id, posting.rebuild(trace_id, rows))
            self._large[trace_id] = stepped = SteppedTrace(self._store, self._in_memory)
        self._large.move_to_end(trace_id)
        self._used.add(trace_id)
        return stepped.read(trace_id, end_s)

    def skip(self, row_ids: Mapping[bytes, int]) -> None:
        """Rows were written for changes of the copies, up to one of each trace."""
        for trace_id, row_id in row_ids.items():
            if trace_id in self._large:
                self._large[trace_id].skip(row_id)
