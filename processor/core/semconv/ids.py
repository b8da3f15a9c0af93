"""Ids of spans and traces: those that can be ids, and those that log records get.

The ledger knows spans by their ids. A log record gets such an id from what it says, so a copy of
it, written anew by whatever it came through, is known again; the records of one session get the
id of the trace in which they are charged.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from operator import eq

from processor.core.model import LOG_TRACE, SPAN_ID_BYTES, TRACE_ID_BYTES, Spans

_NO_TRACE_ID = bytes(TRACE_ID_BYTES)
_NO_SPAN_ID = bytes(SPAN_ID_BYTES)
_PARENT_SIZES = frozenset({0, SPAN_ID_BYTES})


def find_rejected(spans: Spans) -> list[int]:
    """Rows whose trace or span id has the wrong size or is all zero."""
    if (
        set(map(len, spans.trace_ids)) <= {TRACE_ID_BYTES}
        and set(map(len, spans.span_ids)) <= {SPAN_ID_BYTES}
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
            parent if len(parent) == SPAN_ID_BYTES and parent != _NO_SPAN_ID else b""
            for parent in found
        ]
    if any(map(eq, found, spans.span_ids)):
        ids = zip(spans.span_ids, found, strict=True)
        found = [b"" if parent == span_id else parent for span_id, parent in ids]
    return found


def log_trace(tool: str, session: str) -> bytes:
    """The id of the trace that holds the log records of a tool's session."""
    return LOG_TRACE + _digest((tool, session), TRACE_ID_BYTES - len(LOG_TRACE))


def record_id(facts: Iterable[object]) -> bytes:
    """The id of a record that says this; the order of `facts` counts."""
    return _digest(facts, SPAN_ID_BYTES)


def _digest(facts: Iterable[object], size_bytes: int) -> bytes:
    """A digest of facts in their order; numbers count as the text that they would be."""
    text = "\0".join(map(str, facts))
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size_bytes).digest()


def _is_valid(trace_id: bytes, span_id: bytes) -> bool:
    return (
        len(trace_id) == TRACE_ID_BYTES
        and len(span_id) == SPAN_ID_BYTES
        and trace_id != _NO_TRACE_ID
        and span_id != _NO_SPAN_ID
    )
