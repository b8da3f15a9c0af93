"""Log records and spans of the same calls: what a span was charged adds nothing here.

The log records of a session are calls in a trace of their own. Each span of the session leaves a
*span reference* there: a node that is charged nothing and says what the span was charged.

- The reference of a call belongs to one record. Where both have a response id, it is the one with
  the same id; else one of the same time that has the same output and no less input; else, where
  the span has no counts at all, the next one in time. Records often say more than spans, so the
  record adds the difference.
- The reference of an aggregate belongs to every record that was written while it lasted. It is
  their sum, so they add nothing but the number of calls.

Records and references of calls are a stable matching: all agree on which pairs are close, so there
is exactly one set of pairs that no two of different pairs would leave for each other, in whatever
order they come (Gale and Shapley 1962, with one ranking for both sides). It is kept up to date node
by node. Only where more than `_NEAR_MAX` calls alike are near each other, or more than
`_SPANNED_MAX` stand below one aggregate, a record may be charged that a span reports as well; none
is ever matched with the reference of another call.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence

from processor.core.attribution.node import Node
from processor.core.model import Entry, Usage

APART_MAX_NS = 5 * 10**9
"""Between a record and the end of the span of the same call; both are written when the answer is
there, by one process with one clock."""
UNCOUNTED_APART_MAX_NS = 10**9
"""The same where there are no counts to compare."""

_NEAR_MAX = 32
"""Nodes before and after one that are compared with it, of those that are alike."""
_STEPS_MAX = 64
"""Pairs that may be dissolved one after the other, when a node comes."""
_AGGREGATES_MAX = 64
"""Aggregates looked at for one record, from those that ended first after it."""
_SPANNED_MAX = 4096
"""Records looked at for one aggregate; of more, the later ones are charged."""

_Timed = tuple[int, bytes, Node]
"""When a node ended, its id, which makes the order total, and itself."""
_Signature = tuple[str, str | int]
"""Something by which record and span of one call are known: what it is, and its value."""
_Rank = tuple[int, int, int, bytes, bytes]
"""How close a record and a reference are, the closest first; no two pairs have the same."""

_UNCOUNTED: _Signature = ("uncounted", 0)
"""Of a span that says neither which call it was, nor what it used."""
_WITHIN_NS = {"id": 1 << 63, "output": APART_MAX_NS, "uncounted": UNCOUNTED_APART_MAX_NS}


class LogMatching:
    """The records and references of one session."""

    __slots__ = ("_aggregates", "_alike", "_partners", "_records")

    def __init__(self) -> None:
        self._alike: dict[tuple[bool, _Signature], list[_Timed]] = {}
        """References (True) and records (False) with one signature."""
        self._partners: dict[Node, Node] = {}
        """Of each record its reference, and the other way round."""
        self._records: list[_Timed] = []
        self._aggregates: list[_Timed] = []

    def add(self, node: Node) -> list[Node]:
        """Take a node in, or look again at one that has changed; returns records it matters to."""
        entry = node.entry
        if entry is None:
            return []
        if not node.is_reference:
            return self._add_record(node)
        if entry.aggregate is not None:
            return self._add_aggregate(node) if _is_sum(entry) else []
        if entry.status == "failed" and entry.usage is None:
            return []  # A call that used nothing leaves no record.
        return self._add_reference(node)

    def _add_record(self, record: Node) -> list[Node]:
        if not _join(self._records, record):
            return []
        self._index(record)
        return self._update([record, *self._match(record)])

    def _add_aggregate(self, reference: Node) -> list[Node]:
        _join(self._aggregates, reference)
        first = bisect_left(self._records, (_start(reference),))
        last = bisect_right(self._records, (reference.time_ns + 1,))
        spanned = [item[2] for item in self._records[first:last][:_SPANNED_MAX]]
        return self._update(spanned, reference)

    def _add_reference(self, reference: Node) -> list[Node]:
        self._index(reference)
        # One that was here before may have got its counts by now.
        record = self._unmatch(reference)
        affected = self._match(reference)
        if record is not None:
            affected += [record, *([] if record in self._partners else self._match(record))]
        return self._update(affected, reference)

    def _update(self, records: Iterable[Node], changed_reference: Node | None = None) -> list[Node]:
        """Set each record's matched span; returns the records for which that has changed.

        `changed_reference` has other charges than before, so its records count as changed.
        """
        changed = []
        for record in dict.fromkeys(records):
            found = self._partners.get(record) or self._aggregate_at(record)
            if found is not record.matched_span or (
                found is not None and found is changed_reference
            ):
                record.matched_span = found
                changed.append(record)
        return changed

    def _aggregate_at(self, record: Node) -> Node | None:
        """An aggregate that lasted when a record was written. Turns of a session do not overlap."""
        at = bisect_left(self._aggregates, (record.time_ns,))
        for _, _, reference in self._aggregates[at : at + _AGGREGATES_MAX]:
            if _start(reference) <= record.time_ns:
                return reference
        return None

    def _index(self, node: Node) -> None:
        for signature in _signatures(node):
            _join(self._alike.setdefault((node.is_reference, signature), []), node)

    def _match(self, node: Node) -> list[Node]:
        """Find a partner for a node, then for whoever lost theirs; returns the records of all."""
        involved: list[Node] = []
        for _ in range(_STEPS_MAX):
            partner = self._closest(node)
            if partner is None:
                break
            left = self._unmatch(partner)
            self._partners[node], self._partners[partner] = partner, node
            involved += (node, partner)
            if left is None:
                break
            # Each step matches a pair less close than the one that was dissolved before it.
            involved.append(left)
            node = left
        return [each for each in involved if not each.is_reference]

    def _unmatch(self, node: Node) -> Node | None:
        """Dissolve the pair of a node, and return its partner."""
        partner = self._partners.pop(node, None)
        if partner is not None:
            del self._partners[partner]
        return partner

    def _closest(self, node: Node) -> Node | None:
        """Of those that are closer to a node than to their own partner, the closest one."""
        best: tuple[_Rank, Node] | None = None
        for other in self._near(node):
            rank = _rank(node, other)
            if rank is None or (best is not None and best[0] <= rank):
                continue
            partner = self._partners.get(other)
            known = None if partner is None else _rank(partner, other)
            if known is None or rank < known:
                best = rank, other
        return None if best is None else best[1]

    def _near(self, node: Node) -> Iterator[Node]:
        """Nodes of the other kind that may be of the same call."""
        for signature in _signatures(node):
            others: Sequence[_Timed] = self._alike.get((not node.is_reference, signature), ())
            at = bisect_left(others, (node.time_ns, node.span_id))
            for time_ns, _, other in others[max(at - _NEAR_MAX, 0) : at + _NEAR_MAX]:
                if abs(time_ns - node.time_ns) <= _WITHIN_NS[signature[0]]:
                    yield other


def _join(items: list[_Timed], node: Node) -> bool:
    """Insert a node in order; False when it is there already."""
    item = (node.time_ns, node.span_id, node)
    at = bisect_left(items, item[:2])
    if at < len(items) and items[at][2] is node:
        return False
    items.insert(at, item)
    return True


def _signatures(node: Node) -> list[_Signature]:
    """By what a node's counterpart can be known."""
    entry = node.entry
    if entry is None:
        return []
    signatures: list[_Signature] = [("id", entry.response)] if entry.response else []
    if entry.usage is not None:
        signatures.append(("output", _output(entry.usage)))
    is_unknown = not entry.response and (entry.usage is None or not node.is_reference)
    return [*signatures, _UNCOUNTED] if is_unknown else signatures


def _rank(node: Node, other: Node) -> _Rank | None:
    """How close a record and a reference, in any order, are; None where they are of two calls."""
    record, reference = (other, node) if node.is_reference else (node, other)
    if record.entry is None or reference.entry is None:
        return None
    ids = record.span_id, reference.span_id
    if record.entry.response and reference.entry.response:
        if record.entry.response != reference.entry.response:
            return None
        # Of several with one id the first record is charged, should they be duplicates.
        return 0, record.time_ns, reference.time_ns, *ids
    apart_ns = abs(record.time_ns - reference.time_ns)
    if reference.entry.usage is None:
        return 2, apart_ns, 0, *ids
    if record.entry.usage is None or _output(record.entry.usage) != _output(reference.entry.usage):
        return None
    more = record.entry.usage.input_tokens - reference.entry.usage.input_tokens
    return (1, more, apart_ns, *ids) if more >= 0 else None


def _is_sum(entry: Entry) -> bool:
    """Whether an aggregate has counted anything."""
    usage = entry.usage
    return usage is not None and usage.input_tokens + usage.output_tokens > 0


def _output(usage: Usage) -> int:
    """Tokens of the answer without reasoning, which some spans leave out."""
    return usage.output_tokens - usage.reasoning


def _start(node: Node) -> int:
    """When a node began; one whose times cannot be trusted has no length."""
    return (node.entry.start_ns if node.entry is not None else 0) or node.time_ns
