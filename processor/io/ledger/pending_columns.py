"""Spans that wait for a call, between our types and the columns of one row for a turn.

Nobody asks for one of them in the database, so they are packed: 17 bytes a span, 20 a trace. Those
that have had their call are noted in the same way, by the turn that brought it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import repeat
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
_ONLY = frozenset({0})
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


def decode(columns: Columns, taken: set[SpanKey]) -> Iterator[PendingRows]:
    """The spans of one row that wait, by trace; of a mark, what attribution needs.

    `taken` are those that later rows say have had their call; what this row says is added. Spans
    of a trace that came together are left out once all of them have.
    """
    traces, span_ids, parent_ids, flags, text = columns
    marks = {row: (time_ns, *said) for row, time_ns, *said in json.loads(text or "[]")}
    ids = _parts(span_ids)
    parents = [b"" if each == _NO_PARENT else each for each in _parts(parent_ids)]
    remote = [(each & _REMOTE) << _REMOTE_SHIFT for each in flags]
    first = 0
    for trace_id, count in _TRACE.iter_unpack(traces):
        last = first + count
        some = ids[first:last]
        if flags[first] & _TAKEN:
            taken.add((trace_id, some[0]))
        elif not taken or not taken.issuperset(zip(repeat(trace_id), some)):
            tools: Collection[int] = _ONLY if flags[first] & _TOOL else ()
            if count > 1:
                tools = {at for at, each in enumerate(flags[first:last]) if each & _TOOL} or ()
            said = _NO_MARKS
            if marks:
                rows = range(first, last)
                said = {row - first: _mark(*marks[row]) for row in rows if row in marks}
            yield PendingRows(trace_id, some, parents[first:last], remote[first:last], said, tools)
        first = last


def _parts(ids: bytes) -> list[bytes]:
    return [ids[at : at + SPAN_ID_BYTES] for at in range(0, len(ids), SPAN_ID_BYTES)]


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
