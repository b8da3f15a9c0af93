"""Who a call belongs to: a function of the spans seen, never of their order.

Own attributes, then the nearest ancestor that says so, then (session, user and org only) the
trace where all that name one agree, then instrumentation scope and resource. Nothing is guessed.
"""

from __future__ import annotations

from processor.core.attribution.node import Node, ScopeIds
from processor.core.attribution.trace import Trace
from processor.core.model import NOBODY, Owner, Scope

OWNED: tuple[Scope, ...] = (
    "session", "user", "org", "agent", "feature", "task", "task_type", "purpose",
)  # fmt: skip
"""The dimensions that spans, scopes and resources may name: the first fields of `Owner`."""

DIMENSIONS: tuple[Scope, ...] = (*OWNED, "agent_run", "model", "provider", "service")
"""The scopes a share is posted to, besides its trace and the grand total."""

AGENT_RUN = DIMENSIONS.index("agent_run")
UNATTRIBUTED = ""

_UNNAMED = (UNATTRIBUTED,) * len(OWNED)

_Claims = tuple[Owner, Node | None]
"""What a node and those above it say, and the outermost agent among them."""
_NO_CLAIMS: _Claims = (NOBODY, None)


class Resolver:
    """Finds the scope ids of a trace's nodes; what an ancestor passes down is worked out once."""

    def __init__(self, trace: Trace) -> None:
        """The trace must not change while it is asked."""
        self._trace = trace
        self._claims: dict[Node, _Claims] = {}
        # Most spans of a trace say the same, or nothing.
        self._owners: dict[tuple[Owner, Owner], Owner] = {}
        self._names: dict[tuple[Owner, Owner], ScopeIds] = {}

    def scope_ids(self, node: Node) -> tuple[ScopeIds, bool]:
        """Where a node's share belongs, and whether it is the outermost agent of a run."""
        owner, outermost = self._resolve(node)
        said = owner, node.inherited
        names = self._names.get(said)
        if names is None:
            names = self._names[said] = self._name(*said)
        run = UNATTRIBUTED
        if outermost is not None:
            run = f"{self._trace.hex_id}:{outermost.span_id.hex()}"
        entry = node.entry
        model, provider = (entry.model, entry.provider) if entry is not None else (None, None)
        return (*names, run, model, provider, node.service), outermost is node

    def _name(self, owner: Owner, inherited: Owner) -> ScopeIds:
        """The ids of `OWNED`: what ancestors say first, what the surroundings say last."""
        found = owner.over(self._trace.common()).over(inherited)
        if found is NOBODY:
            return _UNNAMED
        session, user, org, agent, feature, task, task_type, purpose, title = found
        return (
            session or UNATTRIBUTED,
            user or UNATTRIBUTED,
            org or UNATTRIBUTED,
            agent or UNATTRIBUTED,
            feature or UNATTRIBUTED,
            task or title or UNATTRIBUTED,
            task_type or UNATTRIBUTED,
            purpose or UNATTRIBUTED,
        )

    def _resolve(self, node: Node) -> _Claims:
        """What a node and its ancestors say, nearest first, and the outermost agent above."""
        path: list[Node] = []
        step: Node | None = node
        while step is not None and step not in self._claims:
            path.append(step)
            step = self._trace.parent(step)
        claims = _NO_CLAIMS if step is None else self._claims[step]
        for step in reversed(path):
            claims = self._inherit(step, claims)
            self._claims[step] = claims
        return claims

    def _inherit(self, node: Node, above: _Claims) -> _Claims:
        owner, outermost = above
        if node.own is not NOBODY:
            said = node.own, owner
            known = self._owners.get(said)
            owner = self._owners[said] = node.own.over(owner) if known is None else known
        elif outermost is not None or not node.is_agent:
            return above
        return owner, node if outermost is None and node.is_agent else outermost


def resolve(trace: Trace, node: Node) -> tuple[ScopeIds, bool]:
    """Where one node's share belongs, and whether it is the outermost agent of a run."""
    return Resolver(trace).scope_ids(node)
