"""Writing attributes and events onto spans, and taking spans out, among bytes left as they are."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from processor.model import Edit, Spans
from processor.wire.anyvalue import valid_text, write_pair
from processor.wire.envelope import (
    ATTRIBUTES,
    RESOURCE_SPANS,
    SCOPE_SPANS,
    SPANS,
    Record,
    delimited_tag,
    find_head,
    find_records,
)
from processor.wire.prefilter import find_candidates, key_prefilter
from processor.wire.varint import encode_varint

_Chunks = list[bytes | memoryview]


class _Change(NamedTuple):
    """A piece of the payload and what comes in its place; nothing, when it goes."""

    head: int
    end: int
    chunks: _Chunks


def splice(spans: Spans, edits: Mapping[int, Edit], drop: Collection[int] = ()) -> bytes:
    """Write `edits` onto the rows they name, take the rows in `drop` out, copy the rest.

    Raises IndexError for a row that `spans` does not have.
    """
    rows = {row for row, edit in edits.items() if edit.attributes or edit.events}
    rows.update(drop)
    if not rows:
        return spans.payload
    if min(rows) < 0 or max(rows) >= len(spans):
        raise IndexError(f"rows {min(rows)} to {max(rows)} are not all in 0 to {len(spans) - 1}")
    return b"".join(_Splicer(spans, edits, frozenset(drop), sorted(rows)).request())


class _Splicer:
    """Rebuilds one payload from the inside out, along the paths to the rows that change."""

    def __init__(
        self, spans: Spans, edits: Mapping[int, Edit], drop: frozenset[int], rows: list[int]
    ) -> None:
        """Take what `splice` takes, and in `rows` all rows to edit or drop, ascending."""
        self._spans = spans
        self._payload = spans.payload
        self._view = memoryview(spans.payload)
        self._edits = edits
        self._drop = drop
        self._rows = rows
        self._starts = [spans.starts[row] for row in rows]

    def request(self) -> _Chunks:
        """Rebuild the request."""
        end = len(self._payload)
        places = find_records(self._payload, 0, end, RESOURCE_SPANS)
        return self._replace(
            0, end, [self._resource(place) for place in places if self._changed_rows(place)]
        )

    def _resource(self, place: Record) -> _Change:
        head, start, end = place
        scopes = find_records(self._payload, start, end, SCOPE_SPANS)
        changes = [self._scope(scope) for scope in scopes if self._changed_rows(scope)]
        if len(changes) == len(scopes) and not any(change.chunks for change in changes):
            return _Change(head, end, [])
        return self._enclose(RESOURCE_SPANS, place, changes)

    def _scope(self, place: Record) -> _Change:
        head, _, end = place
        rows = self._changed_rows(place)
        if self._drop.issuperset(rows) and len(rows) == _count(self._spans.starts, place):
            return _Change(head, end, [])
        return self._enclose(SCOPE_SPANS, place, [self._span(row) for row in rows])

    def _span(self, row: int) -> _Change:
        start, end = self._spans.starts[row], self._spans.ends[row]
        head = find_head(self._payload, start)
        if row in self._drop:
            return _Change(head, end, [])
        place = head, start, end
        edit = self._edits[row]
        changes = _remove_stale(self._payload, place, edit)
        changes.append(_Change(end, end, [_encode_edit(edit)]))
        return self._enclose(SPANS, place, changes)

    def _enclose(self, number: int, place: Record, changes: Sequence[_Change]) -> _Change:
        """Change the inside of a record and give it the length that it then has."""
        head, start, end = place
        chunks = self._replace(start, end, changes)
        opening = bytes([delimited_tag(number)]) + encode_varint(sum(map(len, chunks)))
        return _Change(head, end, [opening, *chunks])

    def _replace(self, start: int, end: int, changes: Sequence[_Change]) -> _Chunks:
        """Copy the payload from `start` to `end`, with `changes` made, which are in order."""
        chunks: _Chunks = []
        for change in changes:
            chunks.append(self._view[start : change.head])
            chunks += change.chunks
            start = change.end
        chunks.append(self._view[start:end])
        return chunks

    def _changed_rows(self, place: Record) -> list[int]:
        first = bisect_right(self._starts, place[1])
        return self._rows[first : first + _count(self._starts, place)]


def _count(starts: list[int], place: Record) -> int:
    """Count the spans in a record that holds spans.

    A span starts after its own tag, so never where the record starts, but it may start (and end,
    being empty) where the record ends.
    """
    _, start, end = place
    return bisect_right(starts, end) - bisect_right(starts, start)


def _remove_stale(payload: bytes, place: Record, edit: Edit) -> list[_Change]:
    """Take out the attributes of a span that `edit` sets anew."""
    if not find_candidates(key_prefilter(tuple(edit.attributes)), payload, [place]):
        return []
    _, start, end = place
    return [
        _Change(head, stop, [])
        for head, first, stop in find_records(payload, start, end, ATTRIBUTES)
        if KeyValue.FromString(payload[first:stop]).key in edit.attributes
    ]


def _encode_edit(edit: Edit) -> bytes:
    """Encode what is appended to a span: a span that has nothing else."""
    span = Span()
    for key, value in edit.attributes.items():
        write_pair(span.attributes.add(), key, value)
    for time_ns, name, attributes in edit.events:
        event = span.events.add(time_unix_nano=time_ns, name=valid_text(name))
        for key, value in attributes.items():
            write_pair(event.attributes.add(), key, value)
    return span.SerializeToString()
