"""Writing attributes and events onto spans, and taking spans out, among bytes left as they are."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Mapping

from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from processor.core.model import Edit, Kept, Spans
from processor.core.otlp.messages import read_message
from processor.core.wire.addition import encode_addition
from processor.core.wire.envelope import (
    ATTRIBUTES,
    RESOURCE_SPANS,
    SCOPE_SPANS,
    SPANS,
    Record,
    find_head,
    find_records,
    open_record,
)
from processor.core.wire.keeping import Patch, mark_events, rename_attributes
from processor.core.wire.prefilter import KeySearch, Prefilter, find_candidates, narrow

_SET_KEYS = KeySearch()
_NO_EDIT = Edit({})
_NOTHING_KEPT: Mapping[int, Kept] = {}


def splice(
    spans: Spans,
    edits: Mapping[int, Edit],
    drop: Collection[int] = (),
    kept: Mapping[int, Kept] = _NOTHING_KEPT,
) -> bytes:
    """Write `edits` onto the rows they name, take the rows in `drop` out, copy the rest.

    `kept` says what stays on a row under another name or with a mark. Raises IndexError for a row
    that `spans` does not have.
    """
    rows = {row for row, edit in edits.items() if edit.attributes or edit.events}
    rows.update(drop, kept)
    if not rows:
        return spans.payload
    if min(rows) < 0 or max(rows) >= len(spans):
        raise IndexError(f"rows {min(rows)} to {max(rows)} are not all in 0 to {len(spans) - 1}")
    return _Splicer(spans, edits, frozenset(drop), kept, sorted(rows)).rewrite()


class _Splicer:
    """Rewrites one payload along the paths to the rows that change.

    What changes is a flat list of patches, in the order of the payload. Of each record around a
    change only the tag and length is patched: it is known by how much the record has grown.
    """

    def __init__(
        self,
        spans: Spans,
        edits: Mapping[int, Edit],
        drop: frozenset[int],
        kept: Mapping[int, Kept],
        rows: list[int],
    ) -> None:
        """Take what `splice` takes, and in `rows` all rows to edit or drop, ascending."""
        self._spans = spans
        self._payload = spans.payload
        self._edits = edits
        self._drop = drop
        self._kept = kept
        self._rows = rows
        self._starts = [spans.starts[row] for row in rows]
        self._stale = self._find_stale_keys()
        self._patches: list[Patch] = []

    def rewrite(self) -> bytes:
        """Rewrite the payload."""
        payload, position = self._payload, 0
        for place in find_records(payload, 0, len(payload), RESOURCE_SPANS):
            if self._changed_rows(place):
                self._change_resource(place)
        pieces: list[bytes] = []
        for start, end, text in self._patches:
            pieces += payload[position:start], text
            position = end
        pieces.append(payload[position:])
        return b"".join(pieces)

    def _change_resource(self, place: Record) -> None:
        """Patch a ResourceSpans; it goes when all that was in it goes."""
        first = len(self._patches)
        scopes = find_records(self._payload, *place[1:], SCOPE_SPANS)
        growths = [self._change_scope(scope) for scope in scopes if self._changed_rows(scope)]
        if len(growths) == len(scopes) and growths == [head - end for head, _, end in scopes]:
            del self._patches[first:]
            self._remove(place)
        else:
            self._reopen(first, RESOURCE_SPANS, place, sum(growths))

    def _change_scope(self, place: Record) -> int:
        """Patch a ScopeSpans; gives by how many bytes it grows."""
        rows = self._changed_rows(place)
        if self._drop.issuperset(rows) and len(rows) == _count(self._spans.starts, place):
            return self._remove(place)
        first = len(self._patches)
        growth = sum([self._change_span(row) for row in rows])
        return self._reopen(first, SCOPE_SPANS, place, growth)

    def _change_span(self, row: int) -> int:
        """Patch a span; gives by how many bytes it grows."""
        start, end = self._spans.starts[row], self._spans.ends[row]
        place = find_head(self._payload, start), start, end
        if row in self._drop:
            return self._remove(place)
        first = len(self._patches)
        edit, kept = self._edits.get(row, _NO_EDIT), self._kept.get(row)
        addition = encode_addition(edit)
        growth = len(addition)
        if self._stale:
            growth += self._remove_stale(place, edit, kept)
        if kept is not None:
            growth += self._keep(first, place, kept)
        self._patches.append((end, end, addition))
        return self._reopen(first, SPANS, place, growth)

    def _reopen(self, index: int, number: int, place: Record, growth: int) -> int:
        """Put the tag and length that a record has from now on before the patches inside it."""
        head, start, end = place
        opening = open_record(number, end - start + growth)
        self._patches.insert(index, (head, start, opening))
        return growth + len(opening) - (start - head)

    def _remove(self, place: Record) -> int:
        """Take out a record."""
        head, _, end = place
        self._patches.append((head, end, b""))
        return head - end

    def _remove_stale(self, place: Record, edit: Edit, kept: Kept | None) -> int:
        """Take out the attributes of a span that `edit` sets anew, but for those that are kept."""
        stale = edit.attributes.keys() - (kept.suffixes.keys() if kept is not None else ())
        if not find_candidates(self._stale, self._payload, [place]):
            return 0
        return sum(
            self._remove(record)
            for record in find_records(self._payload, *place[1:], ATTRIBUTES)
            if read_message(KeyValue, self._payload[record[1] : record[2]]).key in stale
        )

    def _keep(self, first: int, place: Record, kept: Kept) -> int:
        """Rename attributes and mark events of a span; gives by how many bytes it grows.

        The patches of the span, from `first` on, are brought into the order of the payload.
        """
        patches = [
            *rename_attributes(self._payload, place, kept.suffixes),
            *mark_events(self._payload, place, kept.marks),
        ]
        self._patches[first:] = sorted([*self._patches[first:], *patches])
        return sum(len(text) - (end - start) for start, end, text in patches)

    def _find_stale_keys(self) -> Prefilter:
        """The search for any key that is set anew; empty when none is there already.

        All spans are searched at once: their edits set the same few keys, which are usually new.
        """
        edits = [self._edits.get(row, _NO_EDIT) for row in self._rows if row not in self._drop]
        shapes = {tuple(edit.attributes) for edit in edits}
        start, end = self._starts[0], self._spans.ends[self._rows[-1]]
        return narrow(_SET_KEYS.covering(frozenset().union(*shapes)), self._payload, start, end)

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
