"""Where dialects write whom a span belongs to."""

from __future__ import annotations

from collections.abc import Mapping

from processor.core.semconv.sources import Sources, inside, keys

_SESSION: Sources = (
    *keys(
        "session.id",
        "gen_ai.conversation.id",
        "langfuse.session.id",
        "gen_ai.session.id",
        "traceloop.association.properties.session_id",
        "traceloop.association.properties.conversation_id",
        "ai.telemetry.metadata.sessionId",
        "ai.telemetry.metadata.conversationId",
        "ai.telemetry.metadata.threadId",
        "ai.settings.context.sessionId",
        "ai.settings.context.conversationId",
        "ai.settings.context.threadId",
        "mlflow.trace.session",
        "gcp.vertex.agent.session_id",
        "lmnr.association.properties.session_id",
        "lmnr.event.session_id",
        "langsmith.metadata.thread_id",
        "langsmith.metadata.session_id",
        "langsmith.metadata.conversation_id",
        "anthropic.session.id",
        "conversation.id",
    ),
    *keys("thread.id", when="codex"),
    *keys("langgraph.thread_id", "langwatch.thread.id", "dify.conversation_id"),
    *inside("metadata", "session_id", "thread_id", "conversation_id"),
)

_USER: Sources = (
    *keys(
        "cost.user_id",
        "user.id",
        "langfuse.user.id",
        "enduser.id",
        "gen_ai.user.id",
        "gen_ai.user",
        "gen_ai.request.user",
        "llm.user",
        "litellm.end_user.id",
        "traceloop.association.properties.user_id",
        "ai.telemetry.metadata.userId",
        "ai.settings.context.userId",
        "mlflow.trace.user",
        "lmnr.association.properties.user_id",
        "lmnr.event.user_id",
        "metadata.user_api_key_user_id",
        "trace.metadata.openrouter.user_id",
        "langsmith.metadata.user_id",
        "langwatch.user.id",
        "user.account_id",
        "user.email",
        "user.account_uuid",
    ),
    *inside("metadata", "user_id", "user"),
)

_ORG: Sources = (
    *keys(
        "cost.org_id",
        "traceloop.association.properties.customer_id",
        "organization.id",
        "anthropic.organization.id",
        "anthropic.workspace.id",
        "litellm.team.id",
        "metadata.user_api_key_team_id",
        "metadata.user_api_key_org_id",
        "dify.tenant_id",
        "langwatch.customer.id",
        "trace.metadata.openrouter.entity_id",
        "ai.telemetry.metadata.orgId",
        "ai.telemetry.metadata.organizationId",
        "ai.telemetry.metadata.tenantId",
        "ai.telemetry.metadata.customerId",
        "ai.telemetry.metadata.teamId",
        "ai.settings.context.orgId",
        "ai.settings.context.organizationId",
        "ai.settings.context.tenantId",
        "ai.settings.context.customerId",
        "ai.settings.context.teamId",
        "tenant.id",
    ),
    *inside("metadata", "org_id", "tenant_id", "customer_id"),
)

_AGENT: Sources = (
    *keys("cost.agent", "gen_ai.agent.name", "agent.name", "agent_name"),
    *keys("traceloop.entity.name", when="agent_entity"),
    *keys("haystack.component.name", when="agent_component"),
    *keys("ai.telemetry.functionId", "graph.node.id", "lk.agent_name"),
    *keys("query_source", when="bare"),
)

_FEATURE: Sources = keys(
    "cost.feature",
    "tag.tags",
    "langfuse.trace.tags",
    "langfuse.trace.name",
    "ai.telemetry.functionId",
    "ai.telemetry.metadata.tags",
    "traceloop.workflow.name",
    "gen_ai.workflow.name",
    "langsmith.span.tags",
    "agentops.tags",
    "langwatch.labels",
    "litellm.request.purpose",
)

_TASK: Sources = keys(
    "cost.task", "gen_ai.task.name", "crewai.task.name", "gen_ai.task.id", "crewai.task.id"
)

OWNERS: Mapping[str, Sources] = {
    "session": _SESSION,
    "user": _USER,
    "org": _ORG,
    "agent": _AGENT,
    "feature": _FEATURE,
    "task": _TASK,
}
"""The fields of `model.Owner`, in its order.

Left out on purpose: ``langsmith.trace.session_id`` is a project, and ``thread.id`` is a thread
of the operating system unless Codex writes it.
"""

INHERITED_OWNERS: Mapping[str, Sources] = {
    **OWNERS,
    "org": (*_ORG, *keys("team.id", "department", "cost_center")),
}
"""As `OWNERS`, for resources and scopes, where teams put names of their own."""

REDACTED = ("[Scrubbed due to ", "__REDACTED__")
"""How texts begin that an SDK has put in place of what it took for a secret (Logfire does so with
``session.id``, OpenInference with what it is set to hide). They would make one owner of many.
"""

WINDOW_SERVICES = frozenset({"copilot-chat", "github-copilot"})
"""Services whose resource ``session.id`` is an editor window rather than a conversation."""
