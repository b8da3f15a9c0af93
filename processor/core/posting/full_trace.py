"""What a trace still takes once it has as many spans as are followed of one trace.

Without all links nobody knows which calls a parent repeats. So calls beyond the limit are charged
nothing, which is said on each, and an entry of unknown cost makes every total that contains the
trace say "at least". What links spans of the tree to those above them is taken all the same: what
is charged stays exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import chain

from processor.core.attribution import Arrival, Node, PlainSpan, Trace
from processor.core.attribution.pending import PendingSpan
from processor.core.attribution.trace import DEPTH_LIMIT
from processor.core.model import SPAN_ID_BYTES, Entry, SpanRow, Stamp
from processor.core.posting.intake import TraceArrivals, pending_node

BEYOND_LIMIT = "beyond the spans that are followed of one trace"
"""The reason on calls that are left out, and of the entry that stands for them."""


def _unpriced(service: str) -> Entry:
    # No price helps, as for an aggregate over an agent's whole lifetime.
    return Entry("unpriced", BEYOND_LIMIT, "", "", service, "", None, None, None, "lifetime")


LEFT_OUT = Stamp(_unpriced(""))
"""What is written on a call beyond the limit: the same each time it is sent."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Spans of one batch and trace that are beyond the limit."""

    calls: int = 0
    """Calls and aggregates, which are charged nothing."""
    others: int = 0
    """Agents, roots and spans that name an owner."""


NOTHING_LEFT_OUT = LeftOut()


def leave_out(
    trace_id: bytes,
    arrived: TraceArrivals,
    waiting: Mapping[bytes, PendingSpan],
    plain: Mapping[bytes, PlainSpan],
    trace_spans: int,
) -> LeftOut:
    """Add what waits for the trace, and leave out what is beyond the limit.

    Calls come first, then agents, then roots and spans that name an owner. What is left out waits
    as a span that may link others (`arrived.left`).
    """
    trace = arrived.trace
    if waiting:
        arrived.drop_repeats(waiting)
    if has_room(arrived, waiting, trace_spans):
        arrived.add_pending(waiting)
        return NOTHING_LEFT_OUT
    new = [arrival.node for arrival in arrived.arrivals if not arrival.is_amendment]
    room = trace_spans - len(trace.nodes)
    # What was left out before stays so when it is sent again, even where it is needed as a link.
    first = [node for node in new if node.span_id not in plain and node.span_id not in waiting]
    links = _Links({node.span_id: node for node in first}, arrived.plain, waiting, plain)
    kept = links.followed
    if takes_links(trace, trace_spans):
        for span_id in links.arriving():
            if span_id in trace.awaited:
                links.follow(span_id)
        for node in sorted(first, key=_rank):
            if node.is_reference or len(kept) < room:
                links.follow(node.span_id)
    arrived.arrivals = [
        arrival
        for arrival in arrived.arrivals
        if arrival.is_amendment or links.is_new(arrival.node)
    ]
    for span_id in waiting.keys() & kept:
        arrived.arrivals.append(Arrival(pending_node(span_id, waiting[span_id])))
    left = [node for node in new if not links.is_new(node)]
    arrived.left = {node.span_id: node for node in left}
    calls = sum(node.entry is not None for node in left)
    if calls and not is_full(trace_id, trace):
        arrived.arrivals.append(Arrival(_stand_in(trace_id, left)))
    return LeftOut(calls, len(left) - calls)


def has_room(
    arrived: TraceArrivals, waiting: Mapping[bytes, PendingSpan], trace_spans: int
) -> bool:
    """Whether a trace takes all that comes and waits for it."""
    known = len(arrived.trace.nodes) + len(waiting)
    if known + len(arrived.arrivals) <= trace_spans:
        return True
    return known + sum(not arrival.is_amendment for arrival in arrived.arrivals) <= trace_spans


def is_full(trace_id: bytes, trace: Trace) -> bool:
    """Whether calls of a trace were beyond the limit."""
    return _stand_in_id(trace_id) in trace.nodes


def is_call(row: SpanRow) -> bool:
    """Whether a row is of a call or an aggregate, and does not stand for others."""
    entry = row.entry
    return entry is not None and not row.is_reference and entry.reason != BEYOND_LIMIT


def takes_links(trace: Trace, trace_spans: int) -> bool:
    """Whether there is room for links in a trace that takes nothing else: a third more.

    Beyond that a parent may be charged for what calls below it are charged for already.
    """
    return len(trace.nodes) < trace_spans + max(trace_spans // 3, DEPTH_LIMIT)


class _Links:
    """The spans that the tree takes: calls that have room, and all at hand above those in it."""

    def __init__(
        self,
        new: Mapping[bytes, Node],
        plain: Mapping[bytes, PlainSpan],
        *waiting: Mapping[bytes, PlainSpan] | Mapping[bytes, PendingSpan],
    ) -> None:
        self._places = (new, plain, *waiting)
        self.followed: set[bytes] = set()

    def is_new(self, node: Node) -> bool:
        """Whether the tree takes a node of the batch."""
        return node.span_id in self.followed and node.span_id in self._places[0]

    def arriving(self) -> Iterator[bytes]:
        """Ids of the spans of the batch."""
        return chain(*self._places[:2])

    def follow(self, span_id: bytes) -> None:
        """Note a span, if it is at hand, and those above it."""
        while span_id not in self.followed:
            found = next((place[span_id] for place in self._places if span_id in place), None)
            if found is None:
                return
            self.followed.add(span_id)
            span_id = found.parent_id


def _rank(node: Node) -> int:
    return 0 if node.entry is not None else 1 if node.is_agent else 2


def _stand_in_id(trace_id: bytes) -> bytes:
    return blake2b(trace_id, digest_size=SPAN_ID_BYTES, person=b"beyond limit").digest()


def _stand_in(trace_id: bytes, left: Iterable[Node]) -> Node:
    """What stands in the tree for all calls that are left out: one of unknown cost."""
    first = next(node for node in left if node.entry is not None)
    return Node(
        _stand_in_id(trace_id),
        b"",
        first.time_ns,
        inherited=first.inherited,
        service=first.service,
        entry=_unpriced(first.service),
    )
