"""Log records and spans that tell of the same calls: what a span was charged adds nothing here.

The log records of a session are calls in a trace of their own. Each span of the session leaves an
*echo* there: a node that is charged nothing and tells the records what the span was charged.

- The echo of a call tells of one record. Where both have a response id, it is the one with the
  same id; else one of the same time that has the same output and no less input; else, where the
  span has no counts at all, the next one in time. Records often say more than spans, so the record
  adds the difference.
- The echo of an aggregate tells of every record that was written while it lasted. It is their sum,
  so they add nothing but the number of calls.

Records and echoes of calls are married: all agree on which pairs are close, so there is exactly one
set of pairs that no two of different pairs would leave for each other, in whatever order they come
(Gale and Shapley 1962, with one ranking for both sides). It is kept up to date node by node. Only
where more than `_NEAR_MAX` calls alike are near each other, or more than `_COVERED_MAX` stand below
one aggregate, a record may be charged that a span tells of; none is ever told of by the echo of
another call.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence

from processor.core.attribution.node import Node
from processor.core.model import Entry, Usage

APART_MAX_NS = 5 * 10**9
"""Between a record and the end of the span that tells of the same call; both are written when the
answer is there, by one process with one clock."""
SILENT_APART_MAX_NS = 10**9
"""The same where there are no counts to compare."""

_NEAR_MAX = 32
"""Nodes before and after one that are compared with it, of those that are alike."""
_STEPS_MAX = 64
"""Nodes that may lose their partner to the one before them, when a node comes."""
_AGGREGATES_MAX = 64
"""Aggregates looked at for one record, from those that ended first after it."""
_COVERED_MAX = 4096
"""Records looked at for one aggregate; of more, the later ones are charged."""

_Timed = tuple[int, bytes, Node]
"""When a node ended, its id, which makes the order total, and itself."""
_Sign = tuple[str, str | int]
"""Something by which two accounts of one call are known: what it is, and its value."""
_Rank = tuple[int, int, int, bytes, bytes]
"""How close a record and an echo are, the closest first; no two pairs have the same."""

_SILENT: _Sign = ("silent", 0)
"""Of a span that says neither which call it was, nor what it used."""
_WITHIN_NS = {"id": 1 << 63, "output": APART_MAX_NS, "silent": SILENT_APART_MAX_NS}


class LogMatching:
    """The records and echoes of one session."""

    __slots__ = ("_aggregates", "_alike", "_partners", "_records")

    def __init__(self) -> None:
        self._alike: dict[tuple[bool, _Sign], list[_Timed]] = {}
        """Echoes (True) and records (False) with one sign."""
        self._partners: dict[Node, Node] = {}
        """Of each record the echo that tells of it, and the other way round."""
        self._records: list[_Timed] = []
        self._aggregates: list[_Timed] = []

    def add(self, node: Node) -> list[Node]:
        """Take a node in, or look again at one that has changed; returns records it matters to."""
        entry = node.entry
        if entry is None:
            return []
        if not node.is_echo:
            return self._add_record(node)
        if entry.aggregate is not None:
            return self._add_aggregate(node) if _is_sum(entry) else []
        if entry.status == "failed" and entry.usage is None:
            return []  # Nobody tells of a call that used nothing.
        return self._add_echo(node)

    def _add_record(self, record: Node) -> list[Node]:
        if not _join(self._records, record):
            return []
        self._shelve(record)
        return self._settle([record, *self._marry(record)])

    def _add_aggregate(self, echo: Node) -> list[Node]:
        _join(self._aggregates, echo)
        first = bisect_left(self._records, (_start(echo),))
        last = bisect_right(self._records, (echo.time_ns + 1,))
        covered = [item[2] for item in self._records[first:last][:_COVERED_MAX]]
        return self._settle(covered, echo)

    def _add_echo(self, echo: Node) -> list[Node]:
        self._shelve(echo)
        # One that was here before may have got its counts by now.
        record = self._part(echo)
        affected = self._marry(echo)
        if record is not None:
            affected += [record, *([] if record in self._partners else self._marry(record))]
        return self._settle(affected, echo)

    def _settle(self, records: Iterable[Node], news: Node | None = None) -> list[Node]:
        """Note who tells of each record; returns those for which that has changed.

        What an echo was charged may be `news` to a record that it has told of before.
        """
        changed = []
        for record in dict.fromkeys(records):
            teller = self._partners.get(record) or self._lasting_at(record)
            if teller is not record.told_by or (teller is not None and teller is news):
                record.told_by = teller
                changed.append(record)
        return changed

    def _lasting_at(self, record: Node) -> Node | None:
        """An aggregate that lasted when a record was written. Turns of a session do not overlap."""
        at = bisect_left(self._aggregates, (record.time_ns,))
        for _, _, echo in self._aggregates[at : at + _AGGREGATES_MAX]:
            if _start(echo) <= record.time_ns:
                return echo
        return None

    def _shelve(self, node: Node) -> None:
        for sign in _signs(node):
            _join(self._alike.setdefault((node.is_echo, sign), []), node)

    def _marry(self, node: Node) -> list[Node]:
        """Find a partner for a node, then for whoever lost theirs; returns the records of all."""
        involved: list[Node] = []
        for _ in range(_STEPS_MAX):
            partner = self._closest(node)
            if partner is None:
                break
            left = self._part(partner)
            self._partners[node], self._partners[partner] = partner, node
            involved += (node, partner)
            if left is None:
                break
            # Each step marries a pair less close than the one that was parted before it.
            involved.append(left)
            node = left
        return [each for each in involved if not each.is_echo]

    def _part(self, node: Node) -> Node | None:
        """Take a node's partner from it, and return it."""
        partner = self._partners.pop(node, None)
        if partner is not None:
            del self._partners[partner]
        return partner

    def _closest(self, node: Node) -> Node | None:
        """Of those that would have a node rather than their partner, the closest one."""
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
        for sign in _signs(node):
            others: Sequence[_Timed] = self._alike.get((not node.is_echo, sign), ())
            at = bisect_left(others, (node.time_ns, node.span_id))
            for time_ns, _, other in others[max(at - _NEAR_MAX, 0) : at + _NEAR_MAX]:
                if abs(time_ns - node.time_ns) <= _WITHIN_NS[sign[0]]:
                    yield other


def _join(items: list[_Timed], node: Node) -> bool:
    """Put a node where it belongs; False when it is there already."""
    item = (node.time_ns, node.span_id, node)
    at = bisect_left(items, item[:2])
    if at < len(items) and items[at][2] is node:
        return False
    items.insert(at, item)
    return True


def _signs(node: Node) -> list[_Sign]:
    """By what a node's counterpart can be known."""
    entry = node.entry
    if entry is None:
        return []
    signs: list[_Sign] = [("id", entry.response_id)] if entry.response_id else []
    if entry.usage is not None:
        signs.append(("output", _output(entry.usage)))
    is_unknown = not entry.response_id and (entry.usage is None or not node.is_echo)
    return [*signs, _SILENT] if is_unknown else signs


def _rank(node: Node, other: Node) -> _Rank | None:
    """How close a record and an echo, in any order, are; None where they are of two calls."""
    record, echo = (other, node) if node.is_echo else (node, other)
    if record.entry is None or echo.entry is None:
        return None
    ids = record.span_id, echo.span_id
    if record.entry.response_id and echo.entry.response_id:
        if record.entry.response_id != echo.entry.response_id:
            return None
        # Of several with one id the first record is charged, should they be twins.
        return 0, record.time_ns, echo.time_ns, *ids
    apart_ns = abs(record.time_ns - echo.time_ns)
    if echo.entry.usage is None:
        return 2, apart_ns, 0, *ids
    if record.entry.usage is None or _output(record.entry.usage) != _output(echo.entry.usage):
        return None
    more = record.entry.usage.input_tokens - echo.entry.usage.input_tokens
    return (1, more, apart_ns, *ids) if more >= 0 else None


def _is_sum(entry: Entry) -> bool:
    """Whether an aggregate has counted anything."""
    usage = entry.usage
    return usage is not None and usage.input_tokens + usage.output_tokens > 0


def _output(usage: Usage) -> int:
    """Tokens of the answer without reasoning, which some spans leave out."""
    return usage.output_tokens - usage.reasoning


def _start(node: Node) -> int:
    """When a node began; one whose times are not believed lasts no time."""
    return (node.entry.start_ns if node.entry is not None else 0) or node.time_ns
