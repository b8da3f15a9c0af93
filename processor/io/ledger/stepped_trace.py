"""A working copy of one trace that is read in steps, for work that stands between turns."""

from __future__ import annotations

import time
from collections.abc import Container, Iterator, Mapping, Sequence
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
    large trace in memory besides theirs.
    """

    def __init__(self, store: Store, in_memory: Mapping[bytes, Trace]) -> None:
        """`in_memory` has the working copies of turns, which are used where there is one."""
        self._store = store
        self._in_memory = in_memory
        self._trace_id = b""
        self._trace: Trace | None = None
        self._steps: Iterator[Trace | None] = iter(())

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
                break
        return self._trace

    def forget(self) -> None:
        """Begin again with the next `read`."""
        self._trace_id, self._trace, self._steps = b"", None, iter(())

    def forget_changed(self, trace_ids: Container[bytes]) -> None:
        """Likewise if the trace is one of these, which a turn may change."""
        if self._trace_id in trace_ids:
            self.forget()

    def _rows(self, trace_id: bytes) -> Iterator[Sequence[SpanRow]]:
        last = 0
        while rows := self._store.rows_after(trace_id, last, _ROWS_READ):
            yield rows
            last = rows[-1].id
