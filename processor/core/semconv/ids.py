"""Ids of spans and traces that can be ids, and those that cannot."""

from __future__ import annotations

from operator import eq

from processor.core.model import Spans

_TRACE_ID_SIZE = 16
_SPAN_ID_SIZE = 8
_NO_TRACE_ID = bytes(_TRACE_ID_SIZE)
_NO_SPAN_ID = bytes(_SPAN_ID_SIZE)
_PARENT_SIZES = frozenset({0, _SPAN_ID_SIZE})


def find_rejected(spans: Spans) -> list[int]:
    """Rows whose trace or span id has the wrong size or is all zero."""
    if (
        set(map(len, spans.trace_ids)) <= {_TRACE_ID_SIZE}
        and set(map(len, spans.span_ids)) <= {_SPAN_ID_SIZE}
        and _NO_TRACE_ID not in spans.trace_ids
        and _NO_SPAN_ID not in spans.span_ids
    ):
        return []
    ids = zip(spans.trace_ids, spans.span_ids, strict=True)
    return [row for row, (trace, span) in enumerate(ids) if not _is_valid(trace, span)]


def valid_parents(spans: Spans) -> list[bytes]:
    """The parent ids, empty where there is none: of another size, all zero, or the span's own."""
    found = spans.parent_ids
    if not set(map(len, found)) <= _PARENT_SIZES or _NO_SPAN_ID in found:
        found = [
            parent if len(parent) == _SPAN_ID_SIZE and parent != _NO_SPAN_ID else b""
            for parent in found
        ]
    if any(map(eq, found, spans.span_ids)):
        ids = zip(spans.span_ids, found, strict=True)
        found = [b"" if parent == span_id else parent for span_id, parent in ids]
    return found


def _is_valid(trace_id: bytes, span_id: bytes) -> bool:
    return (
        len(trace_id) == _TRACE_ID_SIZE
        and len(span_id) == _SPAN_ID_SIZE
        and trace_id != _NO_TRACE_ID
        and span_id != _NO_SPAN_ID
    )
