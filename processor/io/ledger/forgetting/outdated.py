"""Working copies of before an id was replaced in all rows, until somebody looks at them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from processor.core import posting
from processor.core.attribution import Trace


class OutdatedCopies:
    """To look at all of them at once takes longer than a turn may wait."""

    def __init__(self) -> None:
        self._traces: dict[bytes, Trace] = {}
        self._user = ""

    def __iter__(self) -> Iterator[bytes]:
        """The ids of their traces, the one that was touched last at the end."""
        return iter(self._traces)

    def put(self, traces: Mapping[bytes, Trace], user: str) -> None:
        """Set working copies aside, in place of those that are there."""
        self._traces, self._user = dict(traces), user

    def latest(self) -> bytes | None:
        """The trace that was touched last; None where none is left, and then no id is kept."""
        if not self._traces:
            self._user = ""
            return None
        return next(reversed(self._traces))

    def take(self, trace_id: bytes) -> Trace | None:
        """Take one out; None where there is none, or it has the id."""
        trace = self._traces.pop(trace_id, None)
        return None if trace is None or posting.trace_names(trace, self._user) else trace

    def discard(self, trace_id: bytes) -> None:
        """Take one out that is not needed any more."""
        self._traces.pop(trace_id, None)
