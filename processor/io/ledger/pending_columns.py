"""Spans that wait for a call, between our types and the columns of one row for a turn.

Nobody asks for one of them in the database, so they are packed: 17 bytes a span, 20 a trace. Those
that have had their call are noted in the same way, by the turn that brought it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from struct import Struct
from typing import Any

from processor.core.attribution.same_response import SpanKey
from processor.core.model import (
    NOBODY,
    SPAN_ID_BYTES,
    TRACE_ID_BYTES,
    Mark,
    Owner,
    PendingRows,
)
from processor.io.ledger.shared import Columns, dump

_COUNT_BYTES = 4
_TRACE = Struct(f">{TRACE_ID_BYTES}sI")
"""An id, and how many spans of it there are, in `_COUNT_BYTES`."""
_ONE = (1).to_bytes(_COUNT_BYTES)
_NO_PARENT = bytes(SPAN_ID_BYTES)
_REMOTE_SHIFT, _REMOTE = 8, 3
"""The two OTLP flags that say whether the parent is remote, moved to the lowest bits."""
_TOOL, _TAKEN = 4, 8
_NO_MARKS: Mapping[int, Mark] = {}


def encode(pending: Sequence[PendingRows], taken: Iterable[SpanKey]) -> Columns:
    """Number of spans, then the columns `traces, span_ids, parent_ids, flags, marks`.

    `taken` are spans that have waited and have had their call now.
    """
    traces: list[bytes] = []
    span_ids: list[bytes] = []
    parent_ids: list[bytes] = []
    flags = bytearray()
    marks: list[tuple[Any, ...]] = []
    for rows in pending:
        at = len(span_ids)
        traces += (rows.trace_id, len(rows.span_ids).to_bytes(_COUNT_BYTES))
        span_ids += rows.span_ids
        parent_ids += (
            each if len(each) == SPAN_ID_BYTES else _NO_PARENT for each in rows.parent_ids
        )
        flags += bytes(each >> _REMOTE_SHIFT & _REMOTE for each in rows.flags)
        for tool in rows.tools:
            flags[at + tool] |= _TOOL
        marks += (
            (
                at + row,
                mark.time_ns,
                _owner_text(mark.own),
                _owner_text(mark.inherited),
                mark.service,
            )
            for row, mark in rows.marks.items()
        )
    for trace_id, span_id in taken:
        traces += (trace_id, _ONE)
        span_ids.append(span_id)
        parent_ids.append(_NO_PARENT)
        flags.append(_TAKEN)
    blobs = (b"".join(traces), b"".join(span_ids), b"".join(parent_ids), bytes(flags))
    return (len(span_ids), *blobs, dump(marks) if marks else None)


class StoredTurn:
    """The spans of one row that wait, by trace: columns, which are read once they are needed."""

    def __init__(self, columns: Columns, taken: dict[bytes, set[bytes]]) -> None:
        """Note which traces they are of.

        `taken` are spans, by trace, that later rows say have had their call; what this row says is
        added. Spans of a trace that came together are left out once all of them have.
        """
        traces, self._span_ids, self._parent_ids, self._flags, self._text = columns
        found = list(_TRACE.iter_unpack(traces))
        self.trace_ids: Sequence[bytes] = [trace_id for trace_id, _ in found]
        self.sizes: Sequence[int] = [size for _, size in found]
        self._firsts = list(accumulate(self.sizes, initial=0))
        self._marks: dict[int, Mark] | None = None
        if taken or max(self._flags, default=0) >= _TAKEN:
            left = [at for at in range(len(found)) if not self._is_taken(at, taken)]
            self.trace_ids = [self.trace_ids[at] for at in left]
            self.sizes = [self.sizes[at] for at in left]
            self._firsts = [self._firsts[at] for at in left]

    def may_say(self, text: str) -> bool:
        """Whether some of the spans say whom they belong to, and that text somewhere."""
        return self._text is not None and text in self._text

    def rows(self, at: int) -> PendingRows:
        """The spans of the trace at a position; of a mark, what attribution needs."""
        first, size = self._firsts[at], self.sizes[at]
        flags = self._flags[first : first + size]
        if self._marks is None:
            said = json.loads(self._text or "[]")
            self._marks = {row: _mark(*columns) for row, *columns in said}
        marks = self._marks
        return PendingRows(
            self.trace_ids[at],
            _parts(self._span_ids, first, size),
            [b"" if each == _NO_PARENT else each for each in _parts(self._parent_ids, first, size)],
            [(each & _REMOTE) << _REMOTE_SHIFT for each in flags],
            {row: marks[first + row] for row in range(size) if first + row in marks}
            if marks
            else _NO_MARKS,
            {row for row, each in enumerate(flags) if each & _TOOL} or (),
        )

    def _is_taken(self, at: int, taken: dict[bytes, set[bytes]]) -> bool:
        """Whether spans that came together say that one had its call, or have all had it."""
        trace_id, first, size = self.trace_ids[at], self._firsts[at], self.sizes[at]
        if self._flags[first] & _TAKEN:
            taken.setdefault(trace_id, set()).update(_parts(self._span_ids, first, size))
            return True
        return trace_id in taken and taken[trace_id].issuperset(_parts(self._span_ids, first, size))


def _parts(ids: bytes, first: int, size: int) -> list[bytes]:
    begin, end = first * SPAN_ID_BYTES, (first + size) * SPAN_ID_BYTES
    return [ids[at : at + SPAN_ID_BYTES] for at in range(begin, end, SPAN_ID_BYTES)]


def _mark(time_ns: int, own: str | None, inherited: str | None, service: str) -> Mark:
    return Mark(-1, time_ns, own=_owner_of(own), inherited=_owner_of(inherited), service=service)


def _owner_text(own: Owner) -> str | None:
    """What a span says of its owner, as JSON; None when that is nothing.

    What is not said at the end is left out, so that a field that is added later changes no old row.
    """
    if own == NOBODY:
        return None
    last = max(at for at, name in enumerate(own) if name not in {None, ()})
    return dump(own[: last + 1])


def _owner_of(text: str | None) -> Owner:
    return NOBODY if text is None else owner_from(json.loads(text))


def owner_from(parts: Sequence[Any]) -> Owner:
    """An owner as it was written, perhaps with fewer fields than there are today."""
    if len(parts) < len(NOBODY):
        return Owner(*parts)
    *plain, own_ids = parts
    return Owner._make((*plain, tuple((name, value) for name, value in own_ids)))
