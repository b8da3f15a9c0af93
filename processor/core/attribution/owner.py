"""Who a call belongs to: a function of the spans seen, never of their order.

Own attributes, then the nearest ancestor that says so, then (session, user and org only) the
trace where all that name one agree, then instrumentation scope and resource. Nothing is guessed.
"""

from __future__ import annotations

from processor.core.attribution.node import Node, ScopeIds
from processor.core.attribution.trace import Trace
from processor.core.model import NOBODY, Scope

DIMENSIONS: tuple[Scope, ...] = (
    "session", "user", "org", "agent", "feature", "task", "agent_run",
    "model", "provider", "service",
)  # fmt: skip
"""The scopes a share is posted to, besides its trace and the grand total."""

AGENT_RUN = DIMENSIONS.index("agent_run")
UNATTRIBUTED = ""


_Claims = tuple[str | None, str | None, str | None, str | None, str | None, str | None, Node | None]
_NO_CLAIMS: _Claims = (None, None, None, None, None, None, None)


class Resolver:
    """Finds the scope ids of a trace's nodes; what an ancestor passes down is worked out once."""

    def __init__(self, trace: Trace) -> None:
        """The trace must not change while it is asked."""
        self._trace = trace
        self._common = trace.common()
        self._claims: dict[Node, _Claims] = {}

    def scope_ids(self, node: Node) -> tuple[ScopeIds, bool]:
        """Where a node's share belongs, and whether it is the outermost agent of a run."""
        session, user, org, agent, feature, task, outermost = self._resolve(node)
        common, inherited = self._common, node.inherited
        owner = (
            _first(session, common.session, inherited.session),
            _first(user, common.user, inherited.user),
            _first(org, common.org, inherited.org),
            agent or inherited.agent or UNATTRIBUTED,
            feature or inherited.feature or UNATTRIBUTED,
            task or inherited.task or UNATTRIBUTED,
        )
        run = UNATTRIBUTED
        if outermost is not None:
            run = f"{self._trace.hex_id}:{outermost.span_id.hex()}"
        entry = node.entry
        model, provider = (entry.model, entry.provider) if entry is not None else (None, None)
        return (*owner, run, model, provider, node.service), outermost is node

    def _resolve(self, node: Node) -> _Claims:
        """What a node and its ancestors say, nearest first, and the outermost agent above."""
        path: list[Node] = []
        step: Node | None = node
        while step is not None and step not in self._claims:
            path.append(step)
            step = self._trace.parent(step)
        claims = _NO_CLAIMS if step is None else self._claims[step]
        for step in reversed(path):
            claims = _inherit(step, claims)
            self._claims[step] = claims
        return claims


def _inherit(node: Node, above: _Claims) -> _Claims:
    outermost = above[6]
    if outermost is None and node.is_agent:
        outermost = node
    if node.own is NOBODY:
        return above if outermost is above[6] else (*above[:6], outermost)
    session, user, org, agent, feature, task = node.own
    return (
        above[0] if session is None else session,
        above[1] if user is None else user,
        above[2] if org is None else org,
        above[3] if agent is None else agent,
        above[4] if feature is None else feature,
        above[5] if task is None else task,
        outermost,
    )


def resolve(trace: Trace, node: Node) -> tuple[ScopeIds, bool]:
    """Where one node's share belongs, and whether it is the outermost agent of a run."""
    return Resolver(trace).scope_ids(node)


def _first(own: str | None, common: str | None, inherited: str | None) -> str:
    if own is not None:
        return own
    return common if common is not None else inherited or UNATTRIBUTED
