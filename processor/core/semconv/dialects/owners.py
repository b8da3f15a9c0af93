"""Where dialects write whom a span belongs to."""

from __future__ import annotations

from collections.abc import Mapping

from processor.core.semconv.sources import Sources, inside, keys

_LISTS = ("ai.telemetry.metadata.", "ai.settings.context.")
"""Where the Vercel AI SDK puts what an application says of a call, under names it chooses."""
_PROPERTIES = "traceloop.association.properties."
_LANGSMITH = "langsmith.metadata."
_LITELLM = "litellm.metadata."
_LANGFUSE = ("langfuse.observation.metadata.", "langfuse.trace.metadata.")
_OPEN = (*_LISTS, _PROPERTIES, _LANGSMITH, _LITELLM, *_LANGFUSE, "lmnr.association.properties.")
"""Beginnings of attributes that an application names as it likes."""


def _open(*names: str) -> Sources:
    """Names that applications choose, wherever they may choose one."""
    return keys(*(f"{beginning}{name}" for beginning in _OPEN for name in names))


_SESSION: Sources = (
    *keys(
        "session.id",
        "gen_ai.conversation.id",
        "langfuse.session.id",
        "gen_ai.session.id",
        "mlflow.trace.session",
        "gcp.vertex.agent.session_id",
        "lmnr.event.session_id",
        "anthropic.session.id",
        "litellm.session.id",
        "metadata.litellm_session_id",
        "metadata.session_id",
        "genkit:sessionId",
        "conversation.id",
        "agentops.session.id",
    ),
    *_open("session_id", "sessionId", "conversation_id", "conversationId", "thread_id", "threadId"),
    *keys("thread.id", when="codex"),
    *keys("langgraph.thread_id", "langwatch.thread.id", "dify.conversation_id"),
    *keys("sessionId", "conversationId", "threadId"),
    *keys("session_id", "conversation_id", when="known"),
    *inside(
        "metadata",
        "session_id",
        "sessionId",
        "litellm_session_id",
        "thread_id",
        "threadId",
        "conversation_id",
        "conversationId",
    ),
    *keys("lk.room_name"),
)

_USER: Sources = (
    *keys(
        "cost.user_id",
        # The customer of a LiteLLM proxy, before the owner of the key that all of them share.
        "litellm.end_user.id",
        "metadata.user_api_key_end_user_id",
        "user.id",
        "langfuse.user.id",
        "enduser.id",
        "enduser.pseudo.id",
        "gen_ai.user.id",
        "gen_ai.user",
        "gen_ai.request.user",
        "gen_ai.openai.request.user",
        "llm.user",
        "mlflow.trace.user",
        "lmnr.event.user_id",
        "gcp.vertex.agent.user_id",
    ),
    *_open("user_id", "userId"),
    *keys("trace.metadata.user_id", "trace.metadata.openrouter.user_id", "langwatch.user.id"),
    *keys("userId"),
    *keys("user_id", when="known"),
    *inside("metadata.requester_metadata", "user_id", "userId"),
    *inside(
        "metadata",
        "user_api_key_end_user_id",
        "user_id",
        "userId",
        "user",
        "requester_metadata.user_id",
    ),
    *keys("metadata.user_api_key_user_id"),
    *inside("metadata", "user_api_key_user_id"),
    *keys("user.account_id", "user.email", "user.account_uuid"),
    *inside("llm.invocation_parameters", "user"),
)

_ORG_NAMES = (
    "org_id", "orgId", "organization_id", "organizationId", "tenant_id", "tenantId",
    "customer_id", "customerId", "team_id", "teamId",
)  # fmt: skip

_ORG: Sources = (
    *keys(
        "cost.org_id",
        "organization.id",
        "anthropic.organization.id",
        "anthropic.workspace.id",
        "litellm.team.id",
        # In LiteLLM an organization has teams.
        "metadata.user_api_key_org_id",
        "metadata.user_api_key_team_id",
        "dify.tenant_id",
        "langwatch.customer.id",
        "trace.metadata.openrouter.entity_id",
    ),
    *_open(*_ORG_NAMES),
    *keys("tenant.id", "orgId", "tenantId"),
    *keys("customer.id", "org_id", "tenant_id", when="known"),
    *inside("metadata", *_ORG_NAMES, "user_api_key_org_id", "user_api_key_team_id"),
)

_AGENT: Sources = (
    *keys("cost.agent", "gen_ai.agent.name", "agent.name", "agent_name", "agentName"),
    *keys("traceloop.entity.name", when="agent_entity"),
    *keys("haystack.component.name", when="agent_component"),
    *keys("ai.telemetry.functionId", "graph.node.name", "graph.node.id", "lk.agent_name"),
    *keys("crewai.agent.role", "recipient_agent_type"),
    *_open("agent_name", "agentName", "lc_agent_name"),
    *inside("metadata", "agent_name", "agentName", "lc_agent_name"),
    *keys("query_source", when="bare"),
    *keys("gen_ai.agent.id", "agent.id", "agent_id", "dify.app_id", when="agent"),
)
"""Names come before ids, and an id counts only on the agent's own span: what is below that
belongs to the name above it."""

_FEATURE: Sources = (
    *keys(
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
    ),
    *_open("feature"),
    *inside("metadata", "feature"),
)

_TASK: Sources = (
    *keys(
        "cost.task_id",
        "cost.task",
        "task.id",
        "gen_ai.task.name",
        "crewai.task.name",
        "gen_ai.task.id",
        "crewai.task.id",
    ),
    *_open("task_id", "taskId"),
    *keys("taskId"),
    *keys("task_id", when="known"),
    *inside("metadata", "task_id", "taskId"),
)

_TASK_TYPE: Sources = (
    *keys("cost.task_type", "task.type", "gen_ai.task.type", "gen_ai.task.kind"),
    *_open("task_type", "taskType"),
    *keys("taskType"),
    *keys("task_type", when="known"),
    *inside("metadata", "task_type", "taskType"),
)

_PURPOSE: Sources = (
    *keys("cost.purpose", "litellm.request.purpose"),
    *_open("purpose"),
    *keys("purpose", when="known"),
    *inside("metadata", "purpose"),
)

_TASK_TITLE: Sources = (
    *keys("cost.task_title", "task.title"),
    *_open("task_title", "taskTitle", "task_name", "taskName"),
    *keys("taskTitle"),
    # CrewAI writes one beside the id.
    *keys("task_title", "task_name", when="known"),
    *inside("metadata", "task_title", "taskTitle", "task_name", "taskName"),
)

OWNER_SUPPORT = frozenset({
    "agent_id", "conversation_id", "customer.id", "org_id", "purpose", "session_id", "task_id",
    "task_name", "task_title", "task_type", "tenant_id", "user_id",
})  # fmt: skip
"""Names among these that spans of web servers and databases carry as well; read only of spans that
say what they are."""

OWNERS: Mapping[str, Sources] = {
    "session": _SESSION,
    "user": _USER,
    "org": _ORG,
    "agent": _AGENT,
    "feature": _FEATURE,
    "task": _TASK,
    "task_type": _TASK_TYPE,
    "purpose": _PURPOSE,
    "task_title": _TASK_TITLE,
}
"""The fields of `model.Owner`, in its order.

Left out on purpose: ``langsmith.trace.session_id`` is a project, and ``thread.id`` is a thread
of the operating system unless Codex writes it.
"""

INHERITED_OWNERS: Mapping[str, Sources] = {
    **OWNERS,
    "org": (*_ORG, *keys("team.id", "team", "department", "cost_center")),
}
"""As `OWNERS`, for resources and scopes, where teams put names of their own."""

REDACTED = ("[Scrubbed due to ", "__REDACTED__")
"""How texts begin that an SDK has put in place of what it took for a secret (Logfire does so with
``session.id``, OpenInference with what it is set to hide). They would make one owner of many.
"""

WINDOW_SERVICES = frozenset({"copilot-chat", "github-copilot"})
"""Services whose resource ``session.id`` is an editor window rather than a conversation."""
