"""Log records and spans that tell of the same calls: what a span was charged adds nothing here.

The log records of a session are calls in a trace of their own. Each span of the session leaves an
*echo* there: a node that is charged nothing and tells the records what the span was charged.

- The echo of a call tells of one record. Where the tool writes response ids, it is the one with the
  same id; else one of the same time that has the same output and no less input; else, where the
  span has no counts at all, the next one in time. Records often say more than spans, so the record
  adds the difference.
- The echo of an aggregate tells of every record that was written while it lasted. It is their sum,
  so they add nothing but the number of calls.

Which echo tells of which record depends on the set of both alone.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from processor.rollup.node import Node

APART_MAX_NS = 5 * 10**9
"""Between a record and the end of the span that tells of the same call; both are written when the
answer is there, by one process with one clock."""
SILENT_APART_MAX_NS = 10**9
"""The same where there are no counts to compare."""

_GROUP_MAX = 64
"""Records and echoes alike that are compared with each other; further ones are charged."""
_COVERED_MAX = 4096
"""Records looked at for one aggregate; of more, the later ones are charged."""

_Timed = tuple[int, bytes, Node]
"""When a node ended, its id, which makes the order total, and itself."""


class _Sign(NamedTuple):
    """Something by which two accounts of one call are known."""

    distance: Callable[[Node, Node], tuple[int, ...] | None]
    """How far a record is from an echo; None where they cannot be of one call."""
    apart_max_ns: int | None
    """A pause that separates calls for certain."""


class _Pool:
    """Records and echoes that may be of the same calls, by one sign, and the pairs among them."""

    __slots__ = ("_items", "_sign", "pairs")

    def __init__(self, sign: _Sign) -> None:
        self._sign = sign
        self._items: list[_Timed] = []
        self.pairs: dict[Node, Node] = {}
        """Each record that an echo tells of, and this echo."""

    def put(self, node: Node) -> list[Node]:
        """Take a node in, if it is not there yet; returns the records around it."""
        _join(self._items, node)
        return self._pair_around(node)

    def take_out(self, node: Node) -> list[Node]:
        """Let go of a node; returns the records that were around it."""
        around = self._pair_around(node, without=node)
        self._items = [item for item in self._items if item[2] is not node]
        return around

    def _pair_around(self, node: Node, without: Node | None = None) -> list[Node]:
        """Pair records and echoes anew wherever the node may matter, the closest first."""
        around = [other for _, _, other in self._around(node) if other is not without]
        records = [other for other in around if not other.is_echo]
        echoes = [other for other in around if other.is_echo]
        found = [
            (distance, record.span_id, echo.span_id, record, echo)
            for record in records
            for echo in echoes
            if (distance := self._sign.distance(record, echo)) is not None
        ]
        for record in records:
            self.pairs.pop(record, None)
        taken: set[Node] = set()
        for *_, record, echo in sorted(found, key=lambda item: item[:3]):
            if record not in self.pairs and echo not in taken:
                self.pairs[record] = echo
                taken.add(echo)
        return records

    def _around(self, node: Node) -> Sequence[_Timed]:
        """What stands around a node without a pause that would keep it apart."""
        items, apart_max_ns = self._items, self._sign.apart_max_ns
        if apart_max_ns is None:
            return items[:_GROUP_MAX]
        first = last = bisect_left(items, (node.time_ns, node.span_id))
        lowest, end = max(first - _GROUP_MAX, 0), min(first + _GROUP_MAX, len(items))
        reached_ns = node.time_ns
        while first > lowest and reached_ns - items[first - 1][0] <= apart_max_ns:
            first -= 1
            reached_ns = items[first][0]
        reached_ns = node.time_ns
        while last < end and items[last][0] - reached_ns <= apart_max_ns:
            reached_ns = items[last][0]
            last += 1
        return items[first:last]


class Told:
    """The records and echoes of one session."""

    __slots__ = ("_aggregates", "_by_output", "_by_response", "_echoes", "_records", "_silent")

    def __init__(self) -> None:
        self._by_response: dict[str, _Pool] = {}
        self._by_output: dict[int, _Pool] = {}
        """Of those without an id, by output without reasoning, which some spans leave out."""
        self._silent = _Pool(_BY_TIME)
        """Records without an id, and echoes of spans that have no counts either."""
        self._records: list[_Timed] = []
        self._aggregates: list[_Timed] = []
        self._echoes: dict[Node, _Pool] = {}
        """Those of single calls, and where each stands."""

    def add(self, node: Node) -> list[Node]:
        """Take a node in, or look again at one that has changed; returns records it matters to."""
        entry = node.entry
        if entry is None:
            return []
        if node.is_echo:
            if entry.aggregate is not None:
                return self._add_aggregate(node) if entry.usage is not None else []
            return self._add_echo(node)
        _join(self._records, node)
        affected = {node: None}
        for pool in self._pools(node):
            affected.update(dict.fromkeys(pool.put(node)))
        return self._settle(affected)

    def _add_aggregate(self, echo: Node) -> list[Node]:
        _join(self._aggregates, echo)
        first = bisect_left(self._records, (_start(echo),))
        last = bisect_right(self._records, (echo.time_ns + 1,))
        return self._settle([item[2] for item in self._records[first:last][:_COVERED_MAX]])

    def _add_echo(self, echo: Node) -> list[Node]:
        entry = echo.entry
        if entry is None or (entry.status == "failed" and entry.usage is None):
            return []  # Nobody tells of a call that used nothing.
        affected: dict[Node, None] = {}
        pool = self._pools(echo)[0 if entry.response_id or entry.usage is not None else -1]
        before = self._echoes.setdefault(echo, pool)
        if before is not pool:  # It has got its counts by now.
            affected.update(dict.fromkeys(before.take_out(echo)))
            self._echoes[echo] = pool
        affected.update(dict.fromkeys(pool.put(echo)))
        # What the span was charged may be news to a record that it has told of before.
        known = [record for record in affected if record.told_by is echo]
        return [*known, *(record for record in self._settle(affected) if record not in known)]

    def _pools(self, node: Node) -> tuple[_Pool, ...]:
        """Where a node can find its counterpart."""
        entry = node.entry
        if entry is not None and entry.response_id:
            return (self._by_response.setdefault(entry.response_id, _Pool(_BY_ID)),)
        return self._by_output.setdefault(_output(node), _Pool(_BY_COUNTS)), self._silent

    def _settle(self, records: Iterable[Node]) -> list[Node]:
        """Note who tells of each record; returns those for which that has changed."""
        changed = []
        for record in records:
            pairs = (pool.pairs.get(record) for pool in self._pools(record))
            teller = next(filter(None, pairs), None) or self._lasting_at(record)
            if teller is not record.told_by:
                record.told_by = teller
                changed.append(record)
        return changed

    def _lasting_at(self, record: Node) -> Node | None:
        """An aggregate that lasted when a record was written. Turns of a session do not overlap."""
        at = bisect_left(self._aggregates, (record.time_ns,))
        for _, _, echo in self._aggregates[at : at + _GROUP_MAX]:
            if _start(echo) <= record.time_ns:
                return echo
        return None


def _join(items: list[_Timed], node: Node) -> None:
    at = bisect_left(items, (node.time_ns, node.span_id))
    if at == len(items) or items[at][2] is not node:
        insort(items, (node.time_ns, node.span_id, node), key=lambda item: item[:2])


def _in_order(record: Node, echo: Node) -> tuple[int, ...]:
    """Of several with one id the first record is charged, should they be twins."""
    return record.time_ns, echo.time_ns


def _by_counts(record: Node, echo: Node) -> tuple[int, ...] | None:
    apart_ns = abs(record.time_ns - echo.time_ns)
    more = _input(record) - _input(echo)
    return (more, apart_ns) if more >= 0 and apart_ns <= APART_MAX_NS else None


def _by_time(record: Node, echo: Node) -> tuple[int, ...] | None:
    apart_ns = abs(record.time_ns - echo.time_ns)
    return (apart_ns,) if apart_ns <= SILENT_APART_MAX_NS else None


_BY_ID = _Sign(_in_order, None)
_BY_COUNTS = _Sign(_by_counts, APART_MAX_NS)
_BY_TIME = _Sign(_by_time, SILENT_APART_MAX_NS)


def _input(node: Node) -> int:
    return 0 if node.entry is None or node.entry.usage is None else node.entry.usage.input_tokens


def _output(node: Node) -> int:
    usage = None if node.entry is None else node.entry.usage
    return 0 if usage is None else usage.output_tokens - usage.reasoning


def _start(node: Node) -> int:
    """When a node began; one whose times are not believed lasts no time."""
    return (node.entry.start_ns if node.entry is not None else 0) or node.time_ns
