"""A working copy of one trace that is read in steps, for work that stands between turns."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from processor.core import posting
from processor.core.attribution import Trace
from processor.core.model import SpanRow
from processor.io.ledger.store import Store

_ROWS_READ: Final = 128
_SPANS_ATTACHED: Final = 64


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
