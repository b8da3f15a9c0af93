"""What a client answers with. Amounts are exact decimals in US dollars, never floats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final, TypedDict

NANO_USD: Final = Decimal("1e-9")
"""The smallest amount."""

Document = dict[str, Any]
"""An answer as the API has it, with amounts as decimals."""


class TokenUsage(TypedDict):
    """Tokens of an execution. Those of the prompt contain the cached ones."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cached_tokens: int


class Execution(TypedDict):
    """A trace as a whole."""

    execution_id: str
    cost: Decimal
    at_least: bool
    """The cost of some calls is unknown, and not in the cost."""
    token_usage: TokenUsage
    duration_ms: float | None
    started_at: str | None
    ended_at: str
    llm_calls: int
    unpriced_calls: int
    agent_runs: int


class ExecutionAnswer(TypedDict):
    """The answer to `executions.get`."""

    data: Execution
    time_zone: str
    as_of: Document


@dataclass(frozen=True, slots=True)
class LLMCall:
    """One call, or what an agent adds to those below it. Names are None where none is known."""

    id: str
    """Of its trace and span, with a colon between."""
    timestamp: datetime
    """When it ended."""
    duration_ms: float | None
    task_id: str | None
    session_id: str | None
    user_id: str | None
    agent: str | None
    provider: str | None
    model: str | None
    purpose: str | None
    kind: str | None
    """`llm`, `embedding`, …"""
    prompt_tokens: int
    """With the cached ones."""
    completion_tokens: int
    total_tokens: int
    cached_tokens: int
    """Read from a prompt cache of the provider."""
    cost_usd: Decimal | None
    """None while it is unknown."""
    at_least: bool
    """A part of the cost is unknown."""
    cached: bool
    """A cache of the application answered it, so that it cost nothing."""
    status: str | None
    """How its price is known, as `llm.cost.status`."""


@dataclass(frozen=True, slots=True)
class CallsPage:
    """Some calls, newest first."""

    data: tuple[LLMCall, ...]
    next_cursor: str | None
    """Asks for the page after; None on the last one."""
    partial: tuple[str, ...]
    """Why some calls may be missing."""


@dataclass(frozen=True, slots=True)
class CostSummary:
    """What was used in a time."""

    total_cost: Decimal
    total_executions: int | None
    """Traces in which something was charged; None where counting them takes too long."""
    total_tokens: int
    at_least: bool
    """The cost of some calls is unknown, and not in `total_cost`."""
    total_calls: int
    unpriced_calls: int
    """Calls whose cost is unknown."""
    agent_runs: int
    starting_at: datetime | None
    """Included; None for the beginning of all time."""
    ending_at: datetime | None
    """Excluded; None for the end of all time."""
    partial: tuple[str, ...]
    """Why something is missing from these numbers."""


@dataclass(frozen=True, slots=True)
class UsageGroup:
    """What the calls of one model, agent … used together."""

    name: str | None
    """None for the calls that name none, and for `groups` together."""
    cost: Decimal
    at_least: bool
    requests: int
    tokens: int
    cache_hits: int
    """Requests that a cache of the application answered."""
    groups: int | None = None
    """How many groups this is, where it is all the smaller ones together; else None."""


@dataclass(frozen=True, slots=True)
class CostReport:
    """What was used in a time, and by whom. The groups of each tuple add up to the totals.

    Those by a dimension that was not asked for are None. `cache_…` is about responses that a cache
    of the application gave; prompt caches of providers are in `cached_tokens` and
    `prompt_cache_savings`.
    """

    period_start: datetime | None
    period_end: datetime | None
    total_cost: Decimal
    at_least: bool
    """The cost of some calls is unknown, and not in `total_cost`."""
    total_tokens: int
    total_requests: int
    unpriced_requests: int
    cache_hits: int
    cache_savings: Decimal
    """What these requests would have cost, each at its own price."""
    cached_tokens: int
    prompt_cache_savings: Decimal
    by_model: tuple[UsageGroup, ...] | None = None
    """Largest first, as in all of these."""
    by_agent: tuple[UsageGroup, ...] | None = None
    by_task_type: tuple[UsageGroup, ...] | None = None
    by_provider: tuple[UsageGroup, ...] | None = None
    by_purpose: tuple[UsageGroup, ...] | None = None
    efficiency_score: float | None = None
    """None: there is no baseline to compare with yet."""
    partial: tuple[str, ...] = ()
    """Why something is missing, or why groups may not add up."""

    @property
    def cache_misses(self) -> int:
        """Requests that no cache of the application answered."""
        return self.total_requests - self.cache_hits

    @property
    def cache_hit_rate(self) -> float | None:
        """The share of hits in all requests; None without requests."""
        return self.cache_hits / self.total_requests if self.total_requests else None

    @property
    def estimated_savings(self) -> Decimal | None:
        """The average cost of a miss for each hit; None while no miss has a known cost.

        `cache_savings` is more exact, where applications report what their cache answered.
        """
        known = self.cache_misses - self.unpriced_requests
        if known <= 0:
            return None
        return (self.total_cost * self.cache_hits / known).quantize(NANO_USD, ROUND_HALF_EVEN)

    @property
    def cost_by_model(self) -> Mapping[str, Decimal]:
        """Costs by model; `unknown` where calls name none, `other` for the smaller ones."""
        costs: dict[str, Decimal] = {}
        for each in self.by_model or ():
            costs[_key(each)] = costs.get(_key(each), Decimal()) + each.cost
        return costs

    @property
    def requests_by_model(self) -> Mapping[str, int]:
        """Requests by model, with the same names."""
        requests: dict[str, int] = {}
        for each in self.by_model or ():
            requests[_key(each)] = requests.get(_key(each), 0) + each.requests
        return requests

    def lacking(self, reason: str) -> CostReport:
        """The same, with one more reason why it is not whole."""
        return replace(self, partial=(*self.partial, reason))


def _key(group: UsageGroup) -> str:
    return "other" if group.groups else group.name or "unknown"


@dataclass(frozen=True, slots=True)
class BudgetState:
    """How one scope id stands under one budget in the window of now: in dollars or in tokens."""

    budget: str
    scope: str
    scope_id: str | None
    window: str
    state: str
    """`ok`, `warning` or `exceeded`."""
    ratio: float | None
    """What was spent, as a share of the limit."""
    at_least: bool
    """Some calls are not in what was spent."""
    limit_usd: Decimal | None
    spent_usd: Decimal | None
    remaining_usd: Decimal | None
    limit_tokens: int | None
    spent_tokens: int | None
    remaining_tokens: int | None
    starting_at: datetime | None
    ending_at: datetime | None
