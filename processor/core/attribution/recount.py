"""What each span adds, recomputed from below where something has changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from processor.core.attribution.node import Node
from processor.core.attribution.share import NO_SHARE, NO_SUBTOTAL, Share, Subtotal
from processor.core.attribution.totals import counted, own_part, rest_of, share_of
from processor.core.attribution.trace import Trace
from processor.core.model import NOTHING, Entry, Parts
from processor.core.money import ZERO

_OF_UNKNOWN_COST = frozenset({"unpriced", "usage_missing", "implausible"})
_NO_CHANGE = (NO_SUBTOTAL, NO_SUBTOTAL)


def recount(
    trace: Trace, added: Sequence[Node], changed: Sequence[Node], causes: dict[Node, Node]
) -> dict[Node, None]:
    """Recompute shares bottom-up for all that is new or changed, and all that is above it."""
    new = set(added)
    ordered = _bottom_up(trace, (*added, *changed))
    changes: dict[Node, tuple[Subtotal, Subtotal]] = {}
    """What changes below a node, and what of that below a tool."""
    for node in ordered:
        before = tool_before = NO_SUBTOTAL
        if node in new:
            _sum_children(trace, node)
        else:
            before, tool_before = node.subtotal(), node.tool_subtotal()
            change, tool_change = changes.get(node, _NO_CHANGE)
            node.below = node.below.plus(change)
            node.tool_calls = node.tool_calls.plus(tool_change)
        if node.entry is not None:
            node.share = _share(node, node.entry)
        parent = trace.parent(node)
        if parent is None or parent in new:
            continue  # A new parent sums its children itself.
        change = node.subtotal().minus(before)
        tool_change = node.tool_subtotal().minus(tool_before)
        if not change.is_nothing or not tool_change.is_nothing:
            known = changes.get(parent, _NO_CHANGE)
            changes[parent] = known[0].plus(change), known[1].plus(tool_change)
            causes.setdefault(parent, causes.get(node, node))
    return dict.fromkeys(ordered)


def _share(node: Node, entry: Entry) -> Share:
    """What a call or aggregate adds.

    Where a trusted processor has charged it, its money is what that has written, whatever is known
    here of the spans around it: it has made corrections on other spans.
    """
    share = _own_share(node, entry)
    adopted_nano_usd = entry.adopted_nano_usd
    if adopted_nano_usd is None or node.is_reference:
        return share
    unpriced = share.totals.unpriced if entry.status in _OF_UNKNOWN_COST else 0
    totals = replace(share.totals, cost_nano_usd=adopted_nano_usd, unpriced=unpriced)
    return replace(share, totals=totals, amount=entry.amount)


def _own_share(node: Node, entry: Entry) -> Share:
    """What a call or aggregate adds, other reports of the same call considered."""
    if node.is_duplicate or node.is_reference:
        return NO_SHARE
    below = node.below
    if node.tool_calls is not NO_SUBTOTAL:
        below = own_part(entry, below, node.tool_calls, is_agent=node.is_agent)
    previous = None if node.previous is None else node.previous.entry
    if previous is not None and previous.usage is not None:
        below = below.plus(counted(previous.usage))
    share = share_of(entry, below)
    if node.is_charged_elsewhere:
        return Share(NOTHING, share.explains, ZERO, Parts(*share.sums.parts[:2]))
    reported = None if node.matched_span is None else node.matched_span.entry
    return share if reported is None else rest_of(share, reported)


def _bottom_up(trace: Trace, nodes: Iterable[Node]) -> list[Node]:
    """Some nodes and all that is above them, the deepest first."""
    depths: dict[Node, int] = {}
    for node in nodes:
        if node.span_id in trace.children or node.parent_id in trace.nodes:
            _measure(trace, node, depths)
        else:  # It stands alone so far, as most calls do when they come.
            depths[node] = 0
    return sorted(depths, key=depths.__getitem__, reverse=True)


def _measure(trace: Trace, node: Node, depths: dict[Node, int]) -> int:
    """Depth of a node and of every ancestor, the topmost known one being 0."""
    path = [node]
    for above in trace.ancestors(node):
        if above in depths:
            break
        path.append(above)
    top = trace.parent(path[-1])
    depth = depths.get(top, -1) + 1 if top is not None else 0
    for step in reversed(path):
        depths[step] = depth
        depth += 1
    return depth


def _sum_children(trace: Trace, node: Node) -> None:
    """Sum what stands below a node."""
    node.below = node.tool_calls = NO_SUBTOTAL
    for child in trace.children.get(node.span_id, ()):
        if not child.is_cut:
            node.below = node.below.plus(child.subtotal())
            node.tool_calls = node.tool_calls.plus(child.tool_subtotal())
