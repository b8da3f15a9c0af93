"""What some calls used together."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from processor.core.model import Parts, Totals
from processor.core.money import exact_usd
from processor.surfaces.api.documents.values import Document, Share, Usd, rounded
from processor.surfaces.queries import CacheUse


class Tokens(Document):
    """Tokens. Input contains the cached ones."""

    input: int
    cached: int = Field(description="Read from a prompt cache.")
    output: int
    total: int = Field(description="Input and output together.")


class TokenClasses(Document):
    """By class of token. What has no class here is plain input or output, or a fee."""

    cache_write_tokens: int
    reasoning_tokens: int
    input_usd: Usd
    output_usd: Usd
    cache_read_usd: Usd
    cache_write_usd: Usd


class Sums(Document):
    """What some calls used together."""

    cost_usd: Usd
    at_least: bool = Field(description="The cost of some calls is unknown, and not in the cost.")
    calls: int
    unpriced_calls: int = Field(description="Calls whose cost is unknown.")
    doubtful_calls: int = Field(description="Calls whose reported counts contradict each other.")
    tokens: Tokens
    cache_hits: int = Field(description="Calls that a prompt cache gave a part of their input.")
    saved_usd: Usd = Field(description="What cached tokens would have cost more as plain input.")
    response_cache_hits: int = Field(description="Calls that an application's cache answered.")
    response_cache_saved_usd: Usd = Field(description="What these would have cost.")
    agent_runs: int
    classes: TokenClasses | None = Field(description="Null unless `classes=true` asks for them.")


class CacheUseDocument(Document):
    """What caches have done."""

    hits: int = Field(description="Calls that a prompt cache gave a part of their input.")
    hit_rate: Share | None = Field(description="Their share of all calls.")
    cached_tokens: int
    cached_share: Share | None = Field(description="Their share of input tokens.")
    saved_usd: Usd
    response_hits: int = Field(description="Calls that an application's cache answered.")
    response_hit_rate: Share | None
    response_saved_usd: Usd

    @classmethod
    def from_answer(cls, cache: CacheUse) -> CacheUseDocument:
        """The cache use of a report."""
        return cls(
            hits=cache.hits,
            hit_rate=rounded(cache.hit_rate),
            cached_tokens=cache.cached_tokens,
            cached_share=rounded(cache.cached_share),
            saved_usd=exact_usd(cache.saved_nano_usd),
            response_hits=cache.response_hits,
            response_hit_rate=rounded(cache.response_hit_rate),
            response_saved_usd=exact_usd(cache.response_saved_nano_usd),
        )


def sums_of(totals: Totals, parts: Parts | None = None) -> dict[str, Any]:
    """The fields of `Sums`."""
    return {
        "cost_usd": exact_usd(totals.cost_nano_usd),
        "at_least": totals.unpriced > 0,
        "calls": totals.calls,
        "unpriced_calls": totals.unpriced,
        "doubtful_calls": totals.doubtful_calls,
        "tokens": tokens_of(totals),
        "cache_hits": totals.cache_hits,
        "saved_usd": exact_usd(totals.saved_nano_usd),
        "response_cache_hits": totals.response_cache_hits,
        "response_cache_saved_usd": exact_usd(totals.response_cache_saved_nano_usd),
        "agent_runs": totals.agent_runs,
        "classes": None if parts is None else classes_of(parts),
    }


def tokens_of(totals: Totals) -> Tokens:
    """The tokens of some calls, or of one."""
    return Tokens(
        input=totals.input_tokens,
        cached=totals.cached_tokens,
        output=totals.output_tokens,
        total=totals.tokens,
    )


def classes_of(parts: Parts) -> TokenClasses:
    """Quantities and costs by class of token."""
    return TokenClasses(
        cache_write_tokens=parts.cache_write_tokens,
        reasoning_tokens=parts.reasoning_tokens,
        input_usd=exact_usd(parts.input_nano_usd),
        output_usd=exact_usd(parts.output_nano_usd),
        cache_read_usd=exact_usd(parts.cache_read_nano_usd),
        cache_write_usd=exact_usd(parts.cache_write_nano_usd),
    )
