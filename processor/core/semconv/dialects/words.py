"""The words of which the names in usage maps consist."""

from __future__ import annotations

from collections.abc import Mapping

INPUT = frozenset({"input", "inputs", "prompt", "prompts"})
OUTPUT = frozenset({
    "output", "outputs", "completion", "completions", "candidate", "candidates", "generated",
    "generation", "response",
})  # fmt: skip
TOKEN = frozenset({"token", "tokens"})
CACHED = frozenset({"cache", "cached", "caching"})
READ = frozenset({"read", "reads", "hit"})
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
BILLED = frozenset({"billed"})
"""Of what is charged, beside what the model counted."""
NEUTRAL = TOKEN | {
    "billed", "content", "count", "counts", "detail", "details", "media", "metadata", "modality",
    "num", "number", "of", "units", "usage", "use", "used",
}  # fmt: skip
VERTEX_MODALITIES = {"1": "text", "2": "image", "3": "video", "4": "audio", "5": "document"}
"""Vertex AI's ``Modality``, as some print it."""
NOT_TOKENS = frozenset({
    "age", "at", "attempt", "attempts", "balance", "budget", "byte", "bytes", "cent", "cents",
    "character", "characters", "chars", "confidence", "cost", "costs", "credit", "credits",
    "cumulative", "day", "days", "delay", "discount", "dollar", "dollars", "duration", "effort",
    "elapsed", "epoch", "estimate", "estimated", "eur", "euro", "euros", "fee", "fees", "fps",
    "gbp", "hour", "hours", "id", "index", "kb", "latency", "length", "limit", "logprob",
    "logprobs", "max", "mb", "microseconds", "milliseconds", "min", "minute", "minutes", "ms",
    "nanoseconds", "ns", "pct", "per", "percent", "percentage", "price", "prices",
    "probability", "quota", "rate", "ratio", "remaining", "retries", "retry", "rpm", "saved",
    "savings", "score", "sec", "second", "seconds", "seed", "size", "speed", "spend",
    "temperature", "threshold", "throughput", "ticks", "time", "timeout", "timestamp", "top",
    "tpm", "tpot", "tps", "ttfb", "ttft", "ttl", "usd", "version", "wait", "wall", "weight",
    "window",
})  # fmt: skip
"""Words of durations, costs, limits and estimates: what has one is no number of tokens used."""
THINGS = frozenset({
    "batches", "blocks", "calls", "chunks", "entries", "files", "hit", "hits", "images",
    "invocations", "lines", "messages", "pages", "queries", "query", "request",
    "requests", "search", "searches", "sessions", "sources", "steps", "tools", "turns", "users",
    "videos", "words",
})  # fmt: skip
"""What is counted itself, unless the name ends by saying that its tokens are."""

UNITS_BY_END: Mapping[tuple[str, ...], str] = {
    ("web", "searches"): "web_searches",
    ("web", "search", "requests"): "web_searches",
    ("web", "search", "calls"): "web_searches",
    ("tools", "web", "search"): "web_searches",
    ("num", "search", "queries"): "web_searches",
    ("search", "units"): "searches",
    ("file", "search", "calls"): "searches",
    ("storage", "searches"): "searches",
    ("pages", "processed"): "pages",
}
"""The words with which the name of a count may end, whatever it begins with or stands in."""

UNITS_BY_NAME: Mapping[tuple[str, ...], str] = {
    ("characters",): "characters",
    ("input", "characters"): "characters",
    ("character", "count"): "characters",
    ("characters", "count"): "characters",
    ("images",): "images",
    ("output", "images"): "images",
    ("image", "count"): "images",
    ("pages",): "pages",
    ("page", "count"): "pages",
    ("audio", "duration", "ms"): "duration_ms",
}
"""The words of a whole name. Images of a prompt are counted as its tokens."""

SECONDS: frozenset[tuple[str, ...]] = frozenset({
    ("seconds",), ("audio", "duration"), ("audio", "seconds"), ("input", "seconds"),
    ("input", "audio", "seconds"), ("prompt", "audio", "seconds"), ("video", "length", "seconds"),
})  # fmt: skip
"""As `UNITS_BY_NAME`: times of what was heard or seen, not of how long a service took."""

TEXTS: Mapping[tuple[str, ...], str] = {
    ("service", "tier"): "service_tier",
    ("inference", "geo"): "inference_geo",
    ("speed",): "speed",
}
"""What stands in words among the counts: how, and where the call was served."""

OPENAI_CACHED = ("cached_tokens", "cachedTokens")
"""How the name ends that OpenAI's usage gives to cached tokens; Anthropic's says ``cache_read``."""
