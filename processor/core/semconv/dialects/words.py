"""The words of which the names of counts in usage maps consist."""

from __future__ import annotations

from collections.abc import Mapping

INPUT = frozenset({"input", "inputs", "prompt", "prompts"})
OUTPUT = frozenset({
    "output", "outputs", "completion", "completions", "candidate", "candidates", "generated",
    "generation", "response",
})  # fmt: skip
TOKEN = frozenset({"token", "tokens"})
CACHED = frozenset({"cache", "cached", "caching"})
WRITTEN = frozenset({"write", "writes", "written", "creation", "create", "created"})
NOT_CACHED = frozenset({"miss", "no", "non"})
UNCACHED = frozenset({"uncached"})
EPHEMERAL = frozenset({"ephemeral"})
FIVE_MINUTES = frozenset({"5m", "5min", "5mins", "300s"})
ONE_HOUR = frozenset({"1h", "1hr", "1hour", "60m", "3600s"})
REASONING = frozenset({"reasoning", "thought", "thoughts", "thinking"})
CITED = frozenset({"citation", "citations"})
TOOL = frozenset({"tool", "tools"})
REST = frozenset({"text", "document", "documents", "accepted", "rejected", "prediction"})
"""Of what has no rate of its own."""
MARKS: tuple[tuple[frozenset[str], str], ...] = (
    (REASONING, "reasoning"),
    (UNCACHED, "text_input"),
    (CITED, "citations"),
    (TOOL, "tool_use"),
)
MODALITIES: Mapping[str, str] = {
    "audio": "audio", "speech": "audio", "voice": "audio",
    "image": "image", "images": "image", "vision": "image",
    "video": "video", "videos": "video",
}  # fmt: skip
TIERS = frozenset({"flex", "priority", "batch", "fast"})
STANDARD_TIERS = frozenset({"default", "standard"})
TOTAL = frozenset({"total", "overall"})
NEUTRAL = TOKEN | {
    "billed", "content", "count", "counts", "detail", "details", "media", "metadata", "modality",
    "num", "number", "of", "units", "usage", "use", "used",
}  # fmt: skip
VERTEX_MODALITIES = {"1": "text", "2": "image", "3": "video", "4": "audio", "5": "document"}
"""Vertex AI's ``Modality``, as some print it."""
NOT_TOKENS = frozenset({
    "age", "budget", "chars", "character", "characters", "cost", "costs", "credit", "credits",
    "cumulative", "duration", "effort", "estimate", "estimated", "index", "latency", "length",
    "limit", "max", "milliseconds", "min", "ms", "per", "percent", "price", "prices", "rate",
    "ratio", "remaining", "saved", "sec", "second", "seconds", "size", "speed", "threshold",
    "ticks", "time", "ttl", "usd", "version",
})  # fmt: skip
"""Words of durations, costs, limits and estimates: what has one is no number of tokens used."""
THINGS = frozenset({
    "blocks", "calls", "chunks", "entries", "files", "hit", "hits", "images", "messages", "pages",
    "queries", "query", "request", "requests", "search", "searches", "sources", "steps", "tools",
    "turns", "videos",
})  # fmt: skip
"""What is counted itself, unless the name ends by saying that its tokens are."""
