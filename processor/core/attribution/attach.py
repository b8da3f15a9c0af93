"""One turn for one trace: attach the new spans, and find what moves where.

Whatever the order in which spans come, a trace ends with the same shares for the same owners.
A span's share depends on what is known below it, its owners on what is known above; when a new
span changes either for an older one, the difference is posted as a movement of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from processor.core.attribution.node import Node, ScopeIds
from processor.core.attribution.owner import Resolver
from processor.core.attribution.recount import recount
from processor.core.attribution.trace import SHARED, Trace
from processor.core.model import NO_SUMS, Sums, Totals


@dataclass(slots=True)
class Arrival:
    """A span that the ledger does not know yet, or know without its usage."""

    node: Node
    is_amendment: bool = False
    """True when the ledger has the span with its usage missing, and this copy has it."""


class PlainSpan(NamedTuple):
    """A span without meaning of its own that may turn out to link a call to its agent."""

    parent_id: bytes
    row: int = -1
    """Its row in the batch at hand; -1 when it was kept from an earlier one."""
    is_tool: bool = False


_NONE: Mapping[bytes, PlainSpan] = {}
_ONE_RUN = Totals(agent_runs=1)
_NOTHING_RESTATED: Mapping[Node, Node] = {}


@dataclass(slots=True)
class Movement:
    """A share that is new, changed, or belongs to other owners now."""

    node: Node
    cause: Node
    """The span of this turn that brought it about: `node` itself, or a span near it."""
    source: ScopeIds | None
    """Whose the share was before; None for a new span."""
    before: Sums
    target: ScopeIds
    after: Sums


def attach(
    trace: Trace,
    arrivals: Sequence[Arrival],
    plain: Mapping[bytes, PlainSpan],
    waiting: Mapping[bytes, PlainSpan] = _NONE,
    restated: Mapping[Node, Node] = _NOTHING_RESTATED,
) -> tuple[list[Node], list[Movement]]:
    """Take new spans into a trace; returns the nodes added and the movements they cause.

    `plain` are spans of this batch, by id, and `waiting` spans of earlier ones: they become part
    of the tree if they turn out to be above a call or agent. `restated` are older calls that are
    charged otherwise because of a span of another trace, each with that span.
    """
    before = trace.common()
    added = _insert(trace, arrivals, plain, waiting)
    amended = [arrival.node for arrival in arrivals if arrival.is_amendment]
    causes: dict[Node, Node] = {node: node for node in (*added, *amended)}
    displaced = _displace(trace, tuple(causes), causes)
    displaced += [node for node in restated if node not in causes]
    causes |= {node: cause for node, cause in restated.items() if node not in causes}
    touched = recount(trace, added, [*amended, *displaced], causes)
    resolver = Resolver(trace)
    tops = [node for node in added if node.span_id in trace.children and resolver.passes_on(node)]
    for below, top in trace.subtrees(tops):
        touched[below] = None
        causes.setdefault(below, top)
    if trace.common() != before:
        owner_span = next((node for node in added if _says_of_trace(node)), added[0])
        for node in trace.nodes.values():
            touched[node] = None
            causes.setdefault(node, owner_span)
    moved = (
        _move(resolver, trace, node, causes.get(node, node))
        for node in touched
        if (node.entry is not None or node.is_agent) and not node.is_reference
    )
    return added, [movement for movement in moved if movement is not None]


def attach_in_steps(trace: Trace, nodes: Sequence[Node], step_spans: int) -> Iterator[None]:
    """Take all stored spans of a trace into it, some in each step; `nodes` as they came.

    The tree comes first, so that owners are known from the start and no step looks at more than its
    own spans and those above them.
    """
    parts = [nodes[start : start + step_spans] for start in range(0, len(nodes), step_spans)]
    for some in parts:
        for node in some:
            trace.insert(node)
        yield
    resolver = Resolver(trace)
    for some in parts:
        for node in some:
            if node.entry is not None or node.is_agent or node.span_id in trace.children:
                trace.awaits(node)
        causes = {node: node for node in some}
        touched = recount(trace, (), [*some, *_displace(trace, some, causes)], causes)
        for node in touched:
            if (node.entry is not None or node.is_agent) and not node.is_reference:
                _move(resolver, trace, node, node)
        yield


def _says_of_trace(node: Node) -> bool:
    """Whether a span names what a whole trace may belong to."""
    return any(node.own[: len(SHARED)]) or bool(node.own.own_dimensions)


def _displace(trace: Trace, arrived: Sequence[Node], causes: dict[Node, Node]) -> list[Node]:
    """Find older calls that are duplicates, matched or continued now, or no longer.

    Notes their causes.
    """
    affected = [*trace.duplicates.update(arrived).items()]
    affected += trace.tool_loops.update(arrived).items()
    if trace.log_matching is not None:
        for node in arrived:
            affected += ((other, node) for other in trace.log_matching.add(node))
    displaced: list[Node] = []
    for other, cause in affected:
        if other not in causes:
            displaced.append(other)
            causes[other] = cause
    return displaced


def _insert(
    trace: Trace,
    arrivals: Iterable[Arrival],
    plain: Mapping[bytes, PlainSpan],
    waiting: Mapping[bytes, PlainSpan],
) -> list[Node]:
    added: list[Node] = []
    for arrival in arrivals:
        if not arrival.is_amendment:
            trace.insert(arrival.node)
            added.append(arrival.node)
    # Only what is asked for now, or has come now, can be new: the rest was looked at before.
    wanted = [span_id for span_id in plain if span_id in trace.awaited]
    for node in tuple(added):
        if node.entry is not None or node.is_agent or node.span_id in trace.children:
            asked = trace.awaits(node)
            if asked is not None:
                wanted.append(asked)
    while wanted:
        span_id = wanted.pop()
        found = waiting.get(span_id) or plain.get(span_id)  # The first copy stays.
        if found is None or span_id not in trace.awaited:
            continue
        node = Node(span_id, found.parent_id, 0, row=found.row, is_tool=found.is_tool)
        trace.insert(node)
        added.append(node)
        asked = trace.awaits(node)
        if asked is not None:
            wanted.append(asked)
    return added


def _move(resolver: Resolver, trace: Trace, node: Node, cause: Node) -> Movement | None:
    """Bring one node's owners up to date, with the trace's own sums; None if nothing changed."""
    source, before = node.scope_ids, node.posted
    target, is_outermost = resolver.scope_ids(node)
    after = NO_SUMS
    if node.is_counted:
        after = node.share.sums
        if is_outermost:
            after = after._replace(totals=after.totals.plus(_ONE_RUN))
    else:
        trace.has_excluded = True
    if source == target and before == after:
        return None
    node.scope_ids, node.posted = target, after
    if source is None:
        trace.extend(node)
    else:
        trace.take(source, before)
    trace.give(target, after)
    return Movement(node, cause, source, before, target, after)
