"""Who sends, how, and what: the table of OTLP senders, and the trace that all of them make."""

from __future__ import annotations

from typing import Any, NamedTuple

from clients.answers import Tokens, cost_nano_usd
from opentelemetry.proto.trace.v1.trace_pb2 import Span

GRPC, PROTOBUF, JSON = "grpc", "http/protobuf", "http/json"

PROTOCOLS = {
    "python": (GRPC, PROTOBUF, JSON),
    "javascript": (GRPC, PROTOBUF, JSON),
    "go": (GRPC, PROTOBUF),
    "java": (GRPC, PROTOBUF),
    "rust": (GRPC, PROTOBUF, JSON),
}
"""What the exporters of each language's SDK speak."""

COMPRESSIONS = ("", "gzip")
"""The first is what exporters do when nobody says anything."""


class Sender(NamedTuple):
    """One way of one SDK to send."""

    language: str
    protocol: str
    compression: str = ""

    def __str__(self) -> str:
        return "-".join(filter(None, (self.language, *self.protocol.split("/"), self.compression)))


SENDERS = [
    Sender(language, protocol, compression)
    for language, protocols in PROTOCOLS.items()
    for protocol in protocols
    for compression in COMPRESSIONS
]
BY_PROTOCOL = [sender for sender in SENDERS if not sender.compression]


class Sent(NamedTuple):
    """A span as every sender makes it."""

    parent: str
    kind: int
    attributes: dict[str, Any]
    cost_nano_usd: int | None = None
    """What it costs, if it is a call."""


def _call(provider: str, model: str, tokens: Tokens, more: dict[str, Any]) -> Sent:
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": model,
        "gen_ai.usage.input_tokens": tokens.whole_input,
        "gen_ai.usage.output_tokens": tokens.output,
    }
    cost = cost_nano_usd(model, tokens)
    return Sent("invoke_agent planner", Span.SPAN_KIND_CLIENT, attributes | more, cost)


ROOT, AGENT = "POST /ask", "invoke_agent planner"
SPANS = {
    ROOT: Sent(
        "",
        Span.SPAN_KIND_SERVER,
        {"http.request.method": "POST", "note": "Grüße, 世界 🌧"},
    ),
    AGENT: Sent(
        ROOT,
        Span.SPAN_KIND_INTERNAL,
        {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "planner"},
    ),
    "chat gpt-4o-mini": _call(
        "openai",
        "gpt-4o-mini",
        Tokens(600, 200, cache_read=400),
        {
            "gen_ai.request.temperature": 0.5,
            "gen_ai.response.finish_reasons": ["stop", "length"],
            "gen_ai.usage.cache_read.input_tokens": 400,
        },
    ),
    "chat claude-sonnet-4-5": _call(
        "anthropic", "claude-sonnet-4-5", Tokens(2000, 300), {"gen_ai.request.stream": True}
    ),
}
WHOLE_NANO_USD = sum(sent.cost_nano_usd or 0 for sent in SPANS.values())
CALLS = sum(sent.cost_nano_usd is not None for sent in SPANS.values())

LINKED = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")
"""Trace and span that the root is linked to."""
