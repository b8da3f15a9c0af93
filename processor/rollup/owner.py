"""Who a call belongs to: a function of the spans seen, never of their order.

Own attributes, then the nearest ancestor that says so, then (session, user and org only) the
trace where all that speak agree, then instrumentation scope and resource. Nothing is guessed.
"""

from __future__ import annotations

from processor.model import Owner, Scope
from processor.rollup.trace import Node, Place, Trace

DIMENSIONS: tuple[Scope, ...] = (
    "session", "user", "org", "agent", "feature", "task", "agent_run",
    "model", "provider", "service",
)  # fmt: skip
"""The scopes a share is posted to, besides its trace and the grand total."""

AGENT_RUN = DIMENSIONS.index("agent_run")
UNATTRIBUTED = ""


def resolve(trace: Trace, node: Node, common: Owner) -> tuple[Place, bool]:
    """Where a node's share belongs, and whether it is the outermost agent of a run.

    `common` is ``trace.common()``, which does not change while a turn's nodes are resolved.
    """
    session, user, org, agent, feature, task = node.own
    outermost = node if node.is_agent else None
    for above in trace.ancestors(node):
        own = above.own
        if above.is_agent:
            outermost = above
        session = own.session if session is None else session
        user = own.user if user is None else user
        org = own.org if org is None else org
        agent = own.agent if agent is None else agent
        feature = own.feature if feature is None else feature
        task = own.task if task is None else task
    ambient = node.ambient
    owner = (
        _first(session, common.session, ambient.session),
        _first(user, common.user, ambient.user),
        _first(org, common.org, ambient.org),
        agent or ambient.agent or UNATTRIBUTED,
        feature or ambient.feature or UNATTRIBUTED,
        task or ambient.task or UNATTRIBUTED,
    )
    run = UNATTRIBUTED if outermost is None else f"{trace.hex_id}:{outermost.span_id.hex()}"
    entry = node.entry
    model, provider = (entry.model, entry.provider) if entry is not None else (None, None)
    return (*owner, run, model, provider, node.service), outermost is node


def _first(own: str | None, common: str | None, ambient: str | None) -> str:
    if own is not None:
        return own
    return common if common is not None else ambient or UNATTRIBUTED
