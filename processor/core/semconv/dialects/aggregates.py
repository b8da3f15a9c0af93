"""Which spans repeat the calls of others, by who wrote them."""

from __future__ import annotations

from typing import NamedTuple

from processor.core.model import Aggregate


class AggregateRule(NamedTuple):
    """A row of `AGGREGATES`; what is empty fits anything."""

    aggregate: Aggregate
    kinds: tuple[str, ...]
    scope: str = ""
    dialect: str = ""
    operation: str = ""
    """The value of ``ai.operationId``, or else the span's name."""


AGGREGATES: tuple[AggregateRule, ...] = (
    AggregateRule("sole_carrier", ("agent",), scope="logfire.claude_agent_sdk"),
    AggregateRule(
        "sole_carrier", ("agent",), scope="openinference.instrumentation.claude_agent_sdk"
    ),
    AggregateRule("lifetime", ("agent",), dialect="strands"),
    AggregateRule("lifetime", ("agent",), scope="opentelemetry.instrumentation.crewai"),
    AggregateRule("sum", ("llm",), scope="opentelemetry.instrumentation.crewai"),
    AggregateRule("sum", ("llm",), scope="gcp.vertex.agent", operation="call_llm"),
    AggregateRule("sum", ("llm",), dialect="codex"),
    AggregateRule("last_step", ("chain",), operation="ai.generateText"),
    AggregateRule("sum", ("agent", "workflow", "chain", "other")),
)
"""The first row that fits says how usage on such a span relates to the spans below it; a call
that no row fits is a leaf. Wrappers that trace a call which is traced again below are `sum`.
"""


class UsageRequired(NamedTuple):
    """A row of `USAGE_REQUIRED`."""

    scope: str
    unless: tuple[str, str] | None = None
    """An attribute and its value with which a span is a call all the same."""
    unless_key: str = ""
    """An attribute with which, whatever its value, a span is a call all the same."""
    names: tuple[str, ...] = ()
    """What such spans are called; without any, the row is about all."""


_LOGFIRE_SCOPES = ("logfire.openai", "logfire.anthropic")
_LOGFIRE_CALLS = (
    "Chat Completion with {request_data[model]!r}",
    "Completion with {request_data[model]!r}",
    "Message with {request_data[model]!r}",
    "Responses API with {gen_ai.request.model!r}",
)
"""Calls that may stream; those that do not have the id of a response."""
_LOGFIRE_REQUESTS = ("OpenAI API call to {url!r}", "Anthropic API call to {url!r}")
"""Whatever else is asked of an API, such as counting tokens."""

USAGE_REQUIRED: tuple[UsageRequired, ...] = (
    UsageRequired("openinference.instrumentation.beeai"),
    # An attempt at a provider says hardly anything.
    UsageRequired("openrouter", unless_key="gen_ai.operation.name"),
    *(
        UsageRequired(scope, ("logfire.span_type", "log"), "gen_ai.response.id", _LOGFIRE_CALLS)
        for scope in _LOGFIRE_SCOPES
    ),
    *(
        UsageRequired(scope, unless_key="gen_ai.operation.name", names=_LOGFIRE_REQUESTS)
        for scope in _LOGFIRE_SCOPES
    ),
)
"""Emitters that open several spans of a call's kind for one call: those without usage are none.

Logfire's span of a stream ends when the stream begins; a log at its end has the usage, if any.
"""

SERVER_SCOPES = ("com.anthropic.claude-platform",)
"""Servers that trace, below the client's span, the call that the client has reported already."""
