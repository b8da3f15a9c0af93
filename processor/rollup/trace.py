"""The skeleton of one trace: the spans that matter for money, and how they hang together."""

from __future__ import annotations

from collections.abc import Iterator

from processor.model import NOBODY, Entry, Owner, Stamp, Totals
from processor.rollup.totals import NO_SHARE, NO_USAGE, NOTHING, Share
from processor.rollup.twins import Twins

DEPTH_LIMIT = 512
"""Spans above one another. Deeper nesting is not real, and would let a sender make each span cost
as much as the whole trace: the link that would go beyond is cut, and stays cut."""

SHARED = ("session", "user", "org")
"""What a whole trace may be said to belong to, where all spans that say so agree: the first
fields of `Owner`."""

Place = tuple[str | None, ...]
"""Scope ids of one span in the order of `owner.DIMENSIONS`; None where a scope does not apply,
``""`` where the owner is not known."""


class Node:
    """A span in the skeleton. Working copy: the ledger's rows are the truth."""

    __slots__ = (
        "ambient", "below", "entry", "explained", "height", "is_agent", "is_cut", "is_entry",
        "is_linked", "is_twin", "own", "parent_id", "place", "posted", "row", "service", "share",
        "span_id", "stamp", "time_ns",
    )  # fmt: skip

    def __init__(
        self,
        span_id: bytes,
        parent_id: bytes,
        time_ns: int,
        *,
        row: int = -1,
        is_agent: bool = False,
        is_entry: bool = False,
        own: Owner = NOBODY,
        ambient: Owner = NOBODY,
        service: str = "",
        entry: Entry | None = None,
    ) -> None:
        self.span_id = span_id
        self.parent_id = parent_id
        self.time_ns = time_ns
        self.row = row
        """Its row in the batch at hand; -1 once that batch is done."""
        self.is_agent = is_agent
        self.is_entry = is_entry
        """A root, or a span whose parent is in another process."""
        self.own = own
        self.ambient = ambient
        self.service = service
        self.entry = entry
        self.is_cut = False
        """True when its parent is not followed: it leads back to itself, or too far up."""
        self.is_twin = False
        """True for a call that another span of the trace accounts for as well; see `twins`."""
        self.height = 1
        """How many spans stand above one another in its subtree, itself included."""
        self.is_linked = False
        """True once its ancestors have been asked for."""
        self.below: Totals = NOTHING
        """Sum of the shares of all spans below it."""
        self.explained = NO_USAGE
        """Quantities that spans below it were charged for."""
        self.share: Share = NO_SHARE
        self.place: Place | None = None
        """Where its share is posted; None while it has none."""
        self.posted: Totals = NOTHING
        """What stands at its place: its share, and one agent run if it is the outermost agent."""
        self.stamp: Stamp | None = None


class Trace:
    """All nodes of a trace, by span id, with the children of each."""

    __slots__ = (
        "awaited", "children", "has_entry", "hex_id", "is_new", "nodes", "runs", "total", "twins",
        "values",
    )  # fmt: skip

    def __init__(self, trace_id: bytes, *, is_new: bool = True) -> None:
        self.hex_id = trace_id.hex()
        self.nodes: dict[bytes, Node] = {}
        self.children: dict[bytes, list[Node]] = {}
        """By parent id, whether that parent has been seen or not."""
        self.awaited: set[bytes] = set()
        """Parents that a call or agent hangs from, and that have not been seen."""
        self.values: tuple[set[str], ...] = tuple(set() for _ in SHARED)
        """What its spans say of `SHARED`; two values are enough to know that they differ."""
        self.total: Totals = NOTHING
        self.runs: dict[str, Totals] = {}
        """Total of each agent run, by ``trace id:span id`` of its outermost agent span, in hex."""
        self.twins = Twins()
        self.has_entry = False
        self.is_new = is_new
        """True while nothing of it is in the ledger."""

    def insert(self, node: Node) -> None:
        """Hang a node into the trace; its id must not be there yet."""
        self.nodes[node.span_id] = node
        self.awaited.discard(node.span_id)
        children = self.children.get(node.span_id, ())
        for child in children:
            if child.height >= DEPTH_LIMIT:
                child.is_cut = True
        node.height = 1 + max((child.height for child in children if not child.is_cut), default=0)
        if node.parent_id:
            self.children.setdefault(node.parent_id, []).append(node)
            if not node.is_cut and node.parent_id in self.nodes:
                self._link(node)
        if node.is_entry:
            self.has_entry = True
        if node.own is not NOBODY:
            for seen, value in zip(self.values, node.own, strict=False):
                if value is not None and len(seen) < 2:
                    seen.add(value)

    def _link(self, node: Node) -> None:
        """Cut the link to the parent if it closes a circle or goes too far; else raise heights."""
        path: list[Node] = []
        for above in self.ancestors(node):
            if above is node or len(path) + node.height >= DEPTH_LIMIT:
                node.is_cut = True
                return
            path.append(above)
        height = node.height
        for above in path:
            height += 1
            if above.height >= height:
                return
            above.height = height

    def parent(self, node: Node) -> Node | None:
        """The known parent of a node."""
        return None if node.is_cut else self.nodes.get(node.parent_id)

    def ancestors(self, node: Node) -> Iterator[Node]:
        """Known ancestors, nearest first; there are fewer than `DEPTH_LIMIT`."""
        above = self.parent(node)
        while above is not None:
            yield above
            above = self.parent(above)

    def subtree(self, top: Node) -> Iterator[Node]:
        """A node and everything known below it, in no particular order."""
        stack = [top]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(c for c in self.children.get(node.span_id, ()) if not c.is_cut)

    def awaits(self, node: Node) -> bytes | None:
        """Ask for the first unknown ancestor of a call or agent, so that the tree can close.

        Returns its id, or None when there is none or somebody has asked before.
        """
        while not node.is_linked:
            node.is_linked = True
            above = self.parent(node)
            if above is None:
                if not node.parent_id or node.is_cut:
                    return None
                self.awaited.add(node.parent_id)
                return node.parent_id
            node = above
        return None

    def common(self) -> Owner:
        """Session, user and org of the trace, each only where all that name one agree."""
        session, user, org = (next(iter(seen)) if len(seen) == 1 else None for seen in self.values)
        return Owner(session=session, user=user, org=org)
