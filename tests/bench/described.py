"""What spans of an agent application say, by kind of span."""

from __future__ import annotations

import random
from collections.abc import Mapping

from opentelemetry.proto.trace.v1.trace_pb2 import Span

Attributes = Mapping[str, str | int | float | list[str]]

Described = tuple[str, str, Span.SpanKind.ValueType, Attributes]
"""Scope, name, kind and attributes of a span."""

_MODELS = (
    ("openai", "gpt-4o-mini", "gpt-4o-mini-2024-07-18"),
    ("openai", "gpt-4o", "gpt-4o-2024-08-06"),
    ("openai", "gpt-4.1-mini", "gpt-4.1-mini-2025-04-14"),
    ("anthropic", "claude-sonnet-4-5", "claude-sonnet-4-5-20250929"),
    ("anthropic", "claude-haiku-4-5", "claude-haiku-4-5-20251001"),
    ("gcp.gemini", "gemini-2.5-flash", "gemini-2.5-flash"),
)
_TEXT = (
    "the order was shipped on Monday and is due at your address before the end of the week if "
    "you would rather pick it up tell me which of our shops suits you best and I will change it"
)

_GEN_AI_SCOPE = "opentelemetry.instrumentation.gen_ai"
_HTTP_SCOPE = "opentelemetry.instrumentation.httpx"
_SQL_SCOPE = "opentelemetry.instrumentation.psycopg"
_SERVER_SCOPE = "opentelemetry.instrumentation.fastapi"


def call(rng: random.Random, agent: str, owner: Mapping[str, str]) -> Described:
    """An LLM call, with its texts."""
    provider, asked, served = rng.choice(_MODELS)
    tokens = rng.randrange(200, 4_000)
    attributes: Attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": asked,
        "gen_ai.request.temperature": 0.2,
        "gen_ai.request.max_tokens": 1024,
        "gen_ai.response.model": served,
        "gen_ai.response.id": f"chatcmpl-{rng.randbytes(12).hex()}",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": tokens,
        "gen_ai.usage.output_tokens": rng.randrange(20, 600),
        "gen_ai.usage.cache_read.input_tokens": tokens // 2 if rng.random() < 0.3 else 0,
        "gen_ai.agent.name": agent,
        "server.address": "llm.example.com",
        "gen_ai.input.messages": _message("user", _text(rng, 50)),
        "gen_ai.output.messages": _message("assistant", _text(rng, 29)),
    }
    return _GEN_AI_SCOPE, f"chat {asked}", Span.SPAN_KIND_CLIENT, {**attributes, **owner}


def agent(agent: str, owner: Mapping[str, str]) -> Described:
    """An agent at work."""
    attributes: Attributes = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": agent,
        "gen_ai.provider.name": "openai",
        **owner,
    }
    return _GEN_AI_SCOPE, f"invoke_agent {agent}", Span.SPAN_KIND_INTERNAL, attributes


def tool(rng: random.Random) -> Described:
    """A tool that an agent uses."""
    attributes: Attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "find_order",
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": f"call_{rng.randbytes(12).hex()}",
        "gen_ai.tool.description": _text(rng, 14),
    }
    return _GEN_AI_SCOPE, "execute_tool find_order", Span.SPAN_KIND_INTERNAL, attributes


def http(rng: random.Random) -> Described:
    """A request to another service."""
    path = f"/v1/orders/{rng.randrange(10**6)}"
    attributes: Attributes = {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "network.protocol.version": "1.1",
        "server.address": "orders.example.com",
        "server.port": 443,
        "url.template": "/v1/orders/{id}",
        "url.full": f"https://orders.example.com{path}?expand=lines,customer,shipments",
        "user_agent.original": "python-httpx/0.28.1",
    }
    return _HTTP_SCOPE, "GET", Span.SPAN_KIND_CLIENT, attributes


def query(rng: random.Random) -> Described:
    """A query of a database."""
    attributes: Attributes = {
        "db.system.name": "postgresql",
        "db.namespace": "shop",
        "db.operation.name": "SELECT",
        "db.query.summary": "SELECT orders",
        "db.query.text": (
            "SELECT id, customer_id, status, total, created_at FROM orders "
            "WHERE customer_id = $1 AND status <> $2 ORDER BY created_at DESC LIMIT 20"
        ),
        "server.address": "db.example.com",
        "server.port": 5432,
        "db.response.returned_rows": rng.randrange(20),
    }
    return _SQL_SCOPE, "SELECT shop.orders", Span.SPAN_KIND_CLIENT, attributes


def server(rng: random.Random) -> Described:
    """A request as the server sees it."""
    attributes: Attributes = {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "http.route": "/api/conversations/{id}/messages",
        "url.path": f"/api/conversations/{rng.randrange(10**6)}/messages",
        "url.scheme": "https",
        "server.address": "desk.example.com",
        "client.address": f"10.1.{rng.randrange(256)}.{rng.randrange(256)}",
        "user_agent.original": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101",
    }
    name = "POST /api/conversations/{id}/messages"
    return _SERVER_SCOPE, name, Span.SPAN_KIND_SERVER, attributes


def _text(rng: random.Random, count: int) -> str:
    words = _TEXT.split()
    return " ".join(rng.choices(words, k=count))


def _message(role: str, text: str) -> str:
    return f'[{{"role":"{role}","parts":[{{"type":"text","content":"{text}"}}]}}]'
