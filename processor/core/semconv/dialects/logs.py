"""Coding agents that report each call in a log record, whether they write spans or not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from processor.core.semconv.dialects.instrumentations import Inclusion

EVENT_NAME = "event.name"
"""The attribute with an event's name, as it was before log records had a field for it."""


class LogDialect(NamedTuple):
    """How one tool writes the record of a call, and what its numbers mean."""

    name: str
    """As the dialect of the spans of the same tool is called."""
    events: tuple[str, ...]
    """Names of the record: its event name, its body, or its attribute ``event.name``."""
    counts: Mapping[str, tuple[str, ...]]
    """Fields of `counts.Counts`, each with the attributes that are added up to it."""
    cache: Inclusion
    reasoning: Inclusion
    provider: str = ""
    """Who serves the calls, where the name of the model does not say."""
    only: tuple[str, str] | None = None
    """An attribute and its value, of a name that other records have as well."""


_GEMINI = {
    # What tools put into a prompt is not in Gemini's own count of the prompt.
    "input": ("input_token_count", "tool_token_count"),
    "output": ("output_token_count",),
    "total": ("total_token_count",),
    "cache_read": ("cached_content_token_count",),
    "reasoning": ("thoughts_token_count",),
}

LOG_DIALECTS: tuple[LogDialect, ...] = (
    LogDialect(
        "claude-code",
        ("claude_code.api_request",),
        {
            "input": ("input_tokens",),
            "output": ("output_tokens",),
            "cache_read": ("cache_read_tokens",),
            "cache_write": ("cache_creation_tokens",),
        },
        cache="exclusive",
        reasoning="inclusive",
        provider="anthropic",
    ),
    LogDialect(
        "codex",
        ("codex.sse_event",),
        {
            "input": ("input_token_count",),
            "output": ("output_token_count",),
            # Not what tools used, whatever its name says: the sum of input and output.
            "total": ("tool_token_count",),
            "cache_read": ("cached_token_count",),
            "cache_write": ("cache_write_token_count",),
            "reasoning": ("reasoning_token_count",),
        },
        cache="inclusive",
        reasoning="inclusive",
        only=("event.kind", "response.completed"),
    ),
    LogDialect(
        "gemini-cli",
        ("gemini_cli.api_response",),
        _GEMINI,
        cache="inclusive",
        reasoning="exclusive",
    ),
    # A fork that speaks to any model; where thoughts stand apart, its total shows it.
    LogDialect(
        "gemini-cli",
        ("qwen-code.api_response",),
        _GEMINI,
        cache="inclusive",
        reasoning="inclusive",
    ),
)
"""Left out on purpose: ``gen_ai.client.inference.operation.details``, which Gemini CLI writes
beside its own record, with less in it; records of errors, which carry no usage; every metric."""

LOG_TOOLS = frozenset(dialect.name for dialect in LOG_DIALECTS)
"""Dialects of spans whose calls a log record may report as well."""

MODEL = "model"
DURATION_MS = "duration_ms"
COSTS = ("cost_usd",)
TIERS = ("speed",)
LOG_RESPONSE_IDS = ("request_id",)
"""Of the tools that write the same id on their spans; that of Qwen Code is no such id."""

IDENTITY = (
    EVENT_NAME,
    "event.timestamp",
    "event.sequence",
    "prompt.id",
    "prompt_id",
    "response_id",
)
"""Attributes that distinguish one record from another and say nothing else that is read."""
