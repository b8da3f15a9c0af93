"""The tree of one trace: the spans that matter for money, and which is above which."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from operator import attrgetter

from processor.core.attribution.duplicates import Duplicates
from processor.core.attribution.log_matching import LogMatching
from processor.core.attribution.node import EXCLUDED, Node, ScopeIds
from processor.core.attribution.tool_loops import ToolLoops
from processor.core.model import LOG_TRACE, NOBODY, NOTHING, Owner, OwnIds, Sums, Totals, TraceOwner

DEPTH_LIMIT = 512
"""Spans above one another. Deeper nesting is not real, and would let a sender make each span cost
as much as the whole trace: the link that would go beyond is cut, and stays cut."""

SHARED = ("session", "user", "org")
"""What a whole trace may be said to belong to, where all spans that say so agree: the first
fields of `Owner`. So are the operator's own dimensions."""
_SHARED = len(SHARED)


def _agreed(seen: Collection[str]) -> str | None:
    return next(iter(seen)) if len(seen) == 1 else None


_owner_in: Callable[[ScopeIds], tuple[str, ...]] = attrgetter(*TraceOwner._fields)
"""What decides whose a trace is, in the order of `TraceOwner`."""


def is_of_logs(trace_id: bytes) -> bool:
    """Whether a trace holds the log records of a session, and no spans."""
    return trace_id.startswith(LOG_TRACE)


class Trace:
    """All nodes of a trace, by span id, with the children of each."""

    __slots__ = (
        "_common",
        "_tallest",
        "awaited",
        "children",
        "duplicates",
        "end_ns",
        "has_excluded",
        "has_local_root",
        "hex_id",
        "kept_owner",
        "log_matching",
        "nodes",
        "own_values",
        "owners",
        "runs",
        "start_ns",
        "tool_loops",
        "total",
        "values",
    )  # fmt: skip

    def __init__(self, trace_id: bytes) -> None:
        self.hex_id = trace_id.hex()
        self.nodes: dict[bytes, Node] = {}
        self.children: dict[bytes, list[Node]] = {}
        """By parent id, whether that parent has been seen or not."""
        self.awaited: set[bytes] = set()
        """Parents of a call or agent that have not been seen."""
        self.values: list[tuple[str, ...]] = [()] * _SHARED
        """What its spans say of `SHARED`; two values are enough to know that they differ."""
        self.own_values: dict[str, tuple[str, ...]] = {}
        """Likewise of the operator's own dimensions."""
        self._common: Owner | None = NOBODY
        """What `common` has found; None when another value has been seen since."""
        self.start_ns = self.end_ns = 0
        """From the first start of a call, or end of an agent, to the last end; 0 before one."""
        self.owners: dict[tuple[str, ...], int] = {}
        """How many of its charges belong to each, the excluded ones too; see `_owner_in`."""
        self.total: Totals = NOTHING
        self.runs: dict[str, Totals] = {}
        """Total of each agent run, by ``trace id:span id`` of its outermost agent span, in hex."""
        self.duplicates = Duplicates()
        self.log_matching = LogMatching() if is_of_logs(trace_id) else None
        """Of a trace of log records: which of them a span reports as well."""
        self.tool_loops = ToolLoops()
        self.has_local_root = False
        self.has_excluded = False
        """True once something that is not counted was in it."""
        self.kept_owner: TraceOwner | None = None
        """Whose its deleted calls were, where they agreed; None where nothing of it is deleted."""
        self._tallest = 0
        """The largest height of its nodes."""

    def insert(self, node: Node) -> None:
        """Insert a node; its id must not be there yet."""
        self.nodes[node.span_id] = node
        self.awaited.discard(node.span_id)
        children = self.children.get(node.span_id, ())
        for child in children:
            if child.height >= DEPTH_LIMIT:
                child.is_cut = True
        node.height = 1 + max((child.height for child in children if not child.is_cut), default=0)
        self._tallest = max(self._tallest, node.height)
        if node.parent_id:
            self.children.setdefault(node.parent_id, []).append(node)
            if not node.is_cut and node.parent_id in self.nodes:
                self._link(node, is_leaf=not children and node.parent_id != node.span_id)
        if node.is_local_root:
            self.has_local_root = True
        if node.own is not NOBODY:
            self._note(node.own)

    def _note(self, own: Owner) -> None:
        """Note what a span says of what the whole trace may belong to."""
        for at, value in enumerate((own.session, own.user, own.org)):
            self.values[at] = self._with(self.values[at], value)
        for name, value in own.own_dimensions:
            self.own_values[name] = self._with(self.own_values.get(name, ()), value)

    def _with(self, seen: tuple[str, ...], value: str | None) -> tuple[str, ...]:
        if value is None or len(seen) == 2 or value in seen:
            return seen
        self._common = None
        return (*seen, value)

    def _link(self, node: Node, *, is_leaf: bool) -> None:
        """Cut the link to the parent if it closes a circle or goes too far; else raise heights."""
        # A leaf closes no circle, and in a trace that is not that tall it does not go too far: most
        # spans are linked without a walk to the top.
        if not is_leaf or self._tallest + node.height >= DEPTH_LIMIT:
            for length, above in enumerate(self.ancestors(node)):
                if above is node or length + node.height >= DEPTH_LIMIT:
                    node.is_cut = True
                    return
        height = node.height
        for above in self.ancestors(node):
            height += 1
            if above.height >= height:
                return
            above.height = height
            self._tallest = max(self._tallest, height)

    def extend(self, node: Node) -> None:
        """Take the time of a call or agent into the time of the trace."""
        start_ns = node.time_ns
        if node.entry is not None and node.entry.start_ns:
            start_ns = min(start_ns, node.entry.start_ns)
        self.start_ns = min(self.start_ns, start_ns) if self.end_ns else start_ns
        self.end_ns = max(self.end_ns, node.time_ns)

    def give(self, ids: ScopeIds, sums: Sums) -> None:
        """Add what a span is charged to the sums of the trace and of its agent run."""
        if sums.is_zero and ids.status != EXCLUDED:
            return
        owner = _owner_in(ids)
        self.owners[owner] = self.owners.get(owner, 0) + 1
        self._add(ids, sums.totals)

    def take(self, ids: ScopeIds, sums: Sums) -> None:
        """Take what `give` has added out again."""
        if sums.is_zero and ids.status != EXCLUDED:
            return
        owner = _owner_in(ids)
        self.owners[owner] -= 1
        if not self.owners[owner]:
            del self.owners[owner]
        self._add(ids, NOTHING.minus(sums.totals))

    def _add(self, ids: ScopeIds, change: Totals) -> None:
        self.total = self.total.plus(change)
        if ids.agent_run:
            self.runs[ids.agent_run] = self.runs.get(ids.agent_run, NOTHING).plus(change)

    @property
    def is_deleted(self) -> bool:
        """Whether all its rows are deleted, so that with its next span it has some again."""
        return self.kept_owner is not None and not self.nodes

    def owner(self) -> TraceOwner:
        """Whose its charges are, where they agree."""
        found = TraceOwner(
            *(_agreed(set(named) - {""}) for named in zip(*self.owners, strict=True))
        )
        if self.kept_owner is None:
            return found
        if not self.owners:
            return self.kept_owner
        # Where the deleted ones named nobody, they may as well have named several.
        pairs = zip(found, self.kept_owner, strict=True)
        return TraceOwner(*(one if one == kept else None for one, kept in pairs))

    def parent(self, node: Node) -> Node | None:
        """The known parent of a node."""
        return None if node.is_cut else self.nodes.get(node.parent_id)

    def ancestors(self, node: Node) -> Iterator[Node]:
        """Known ancestors, nearest first; there are fewer than `DEPTH_LIMIT`."""
        above = self.parent(node)
        while above is not None:
            yield above
            above = self.parent(above)

    def subtrees(self, tops: Iterable[Node]) -> Iterator[tuple[Node, Node]]:
        """Some nodes and everything known below them, each once and with the first above it."""
        seen: set[Node] = set()
        for top in tops:
            stack = [top]
            while stack:
                node = stack.pop()
                if node not in seen:  # Else all that is below has been seen as well.
                    seen.add(node)
                    yield node, top
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
        """Session, user, org and the operator's own dimensions of the trace.

        Each only where all that name one agree.
        """
        if self._common is None:
            session, user, org = [_agreed(seen) for seen in self.values]
            own_ids = self._agreed_own() if self.own_values else ()
            self._common = Owner(session, user, org, own_dimensions=own_ids).or_nobody()
        return self._common

    def _agreed_own(self) -> OwnIds:
        agreed = {name: _agreed(seen) for name, seen in self.own_values.items()}
        return tuple(sorted((name, value) for name, value in agreed.items() if value is not None))
