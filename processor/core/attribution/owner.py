"""Who a call belongs to: a function of the spans seen, never of their order.

Own attributes, then the nearest ancestor that says so, then (session, user, org and the operator's
own dimensions only) the trace where all that name one agree, then instrumentation scope and
resource. Nothing is guessed.
"""

from __future__ import annotations

from processor.core.attribution.node import EXCLUDED, Node, ScopeIds
from processor.core.attribution.trace import Trace
from processor.core.model import NOBODY, Entry, Owner

BUILT_IN_DIMENSIONS = ScopeIds._fields[:-1]
"""The scopes a share is posted to, besides its trace, the grand total and the operator's own."""

AGENT_RUN = BUILT_IN_DIMENSIONS.index("agent_run")

UNATTRIBUTED = ""

_Claims = tuple[Owner, Node | None]
"""What a node and those above it say, and the outermost agent among them."""
_NO_CLAIMS: _Claims = (NOBODY, None)
_ScopeInputs = tuple[Owner, Owner, Node | None, str | None, str | None, str, str, str]
"""All that the scope ids of a node depend on, in a trace that does not change."""


class Resolver:
    """Finds the scope ids of a trace's nodes; what an ancestor passes down is worked out once."""

    def __init__(self, trace: Trace) -> None:
        """The trace must not change while it is asked."""
        self._trace = trace
        self._claims: dict[Node, _Claims] = {}
        # Most spans of a trace say the same, or nothing.
        self._owners: dict[tuple[Owner, Owner], Owner] = {}
        self._ids: dict[_ScopeInputs, ScopeIds] = {}

    def scope_ids(self, node: Node) -> tuple[ScopeIds, bool]:
        """Where a node's share belongs, and whether it is the outermost agent of a run."""
        owner, outermost = self._resolve(node)
        entry = node.entry
        if entry is None:
            of_entry: tuple[str | None, str | None, str, str] = (None, None, "agent", "")
        else:
            of_entry = entry.model, entry.provider, entry.kind, _status_of(entry)
        model, provider, kind, status = of_entry
        if not node.is_counted:
            status = EXCLUDED
        inputs = owner, node.inherited, outermost, model, provider, node.service, kind, status
        ids = self._ids.get(inputs)
        if ids is None:
            ids = self._ids[inputs] = self._find(inputs)
        return ids, outermost is node

    def passes_on(self, node: Node) -> bool:
        """Whether a node says anything to those below it, itself or for those above."""
        return self._resolve(node) != _NO_CLAIMS

    def _find(self, inputs: _ScopeInputs) -> ScopeIds:
        """What ancestors say first, then the trace, then what the surroundings say."""
        owner, inherited, outermost, model, provider, service, kind, status = inputs
        said = owner.over(self._trace.common()).over(inherited)
        session, user, org, agent, feature, task, task_type, purpose, title, own_ids = said
        run = UNATTRIBUTED
        if outermost is not None:
            run = f"{self._trace.hex_id}:{outermost.span_id.hex()}"
        return ScopeIds(
            session or UNATTRIBUTED,
            user or UNATTRIBUTED,
            org or UNATTRIBUTED,
            agent or UNATTRIBUTED,
            feature or UNATTRIBUTED,
            task or title or UNATTRIBUTED,
            task_type or UNATTRIBUTED,
            purpose or UNATTRIBUTED,
            run,
            model,
            provider,
            service,
            kind,
            status,
            own_ids,
        )

    def _resolve(self, node: Node) -> _Claims:
        """What a node and its ancestors say, nearest first, and the outermost agent above."""
        known = self._claims.get(node)
        if known is not None:
            return known
        path = [node]
        above = self._trace.parent(node)
        while above is not None and above not in self._claims:
            path.append(above)
            above = self._trace.parent(above)
        claims = _NO_CLAIMS if above is None else self._claims[above]
        for step in reversed(path):
            claims = self._claims[step] = self._inherit(step, claims)
        return claims

    def _inherit(self, node: Node, above: _Claims) -> _Claims:
        owner, outermost = above
        if owner is NOBODY:
            owner = node.own
        elif node.own is not NOBODY:
            said = node.own, owner
            known = self._owners.get(said)
            owner = self._owners[said] = node.own.over(owner) if known is None else known
        elif outermost is not None or not node.is_agent:
            return above
        return owner, node if outermost is None and node.is_agent else outermost


def _status_of(entry: Entry) -> str:
    """The status that sums by status have a charge under."""
    is_part = entry.aggregate is not None and entry.amount is not None and entry.status != "free"
    return "aggregate" if is_part else entry.status


def by_scope(ids: ScopeIds) -> dict[str, str | None]:
    """The ids by the names of their dimensions, the operator's own among them."""
    *known, own_ids = ids
    return dict(zip(BUILT_IN_DIMENSIONS, known, strict=True)) | dict(own_ids)


def id_in(ids: ScopeIds, scope: str) -> str | None:
    """The id in one dimension, which may be the operator's own; None where none applies."""
    if scope in BUILT_IN_DIMENSIONS:
        found: str | None = getattr(ids, scope)
        return found
    return dict(ids.own_dimensions).get(scope)


def resolve(trace: Trace, node: Node) -> tuple[ScopeIds, bool]:
    """Where one node's share belongs, and whether it is the outermost agent of a run."""
    return Resolver(trace).scope_ids(node)
