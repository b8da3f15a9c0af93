"""Sums, the scopes and windows they are kept for, and how they stand against budgets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo


@dataclass(slots=True)
class Totals:
    """Sums over calls; they merge by addition, in any order. A value: never changed in place."""

    cost_nano_usd: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    calls: int = 0
    unpriced: int = 0
    """Calls whose cost is unknown: while this is not 0, the cost is "at least"."""
    saved_nano_usd: int = 0
    """What tokens from prompt caches would have cost more as plain input."""
    cache_hits: int = 0
    """Calls that a prompt cache gave a part of their input."""
    agent_runs: int = 0
    doubtful_calls: int = 0
    """Calls whose counts are doubtful; see `Call.doubt`."""
    response_cache_hits: int = 0
    """Calls that an application's own cache of responses answered, so that they cost nothing."""
    response_cache_saved_nano_usd: int = 0
    """What these would have cost. Fields are added at the end, since stored stamps name them by
    position."""

    @property
    def tokens(self) -> int:
        """Input and output tokens together."""
        return self.input_tokens + self.output_tokens

    @property
    def is_cost_known(self) -> bool:
        """True when anything in it has a known cost, which may be 0.

        A total of no call has none, nor has one of calls without a price. A sum that is all there
        is has tokens and no calls.
        """
        if self.cost_nano_usd or self.calls > self.unpriced:
            return True
        return self.tokens > 0 and not self.unpriced

    @property
    def is_zero(self) -> bool:
        """True when nothing is in any of the sums; quicker than a comparison."""
        return self is NOTHING or not (
            self.cost_nano_usd
            or self.input_tokens
            or self.output_tokens
            or self.cached_tokens
            or self.calls
            or self.unpriced
            or self.saved_nano_usd
            or self.cache_hits
            or self.agent_runs
            or self.doubtful_calls
            or self.response_cache_hits
            or self.response_cache_saved_nano_usd
        )

    def plus(self, other: Totals) -> Totals:
        """Both together."""
        if self is NOTHING:
            return other
        if other is NOTHING:
            return self
        return Totals(
            self.cost_nano_usd + other.cost_nano_usd,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_tokens + other.cached_tokens,
            self.calls + other.calls,
            self.unpriced + other.unpriced,
            self.saved_nano_usd + other.saved_nano_usd,
            self.cache_hits + other.cache_hits,
            self.agent_runs + other.agent_runs,
            self.doubtful_calls + other.doubtful_calls,
            self.response_cache_hits + other.response_cache_hits,
            self.response_cache_saved_nano_usd + other.response_cache_saved_nano_usd,
        )

    def minus(self, other: Totals) -> Totals:
        """The change from `other` to these."""
        if other is NOTHING:
            return self
        return Totals(
            self.cost_nano_usd - other.cost_nano_usd,
            self.input_tokens - other.input_tokens,
            self.output_tokens - other.output_tokens,
            self.cached_tokens - other.cached_tokens,
            self.calls - other.calls,
            self.unpriced - other.unpriced,
            self.saved_nano_usd - other.saved_nano_usd,
            self.cache_hits - other.cache_hits,
            self.agent_runs - other.agent_runs,
            self.doubtful_calls - other.doubtful_calls,
            self.response_cache_hits - other.response_cache_hits,
            self.response_cache_saved_nano_usd - other.response_cache_saved_nano_usd,
        )

    def values(self) -> tuple[int, ...]:
        """The sums in the order of the fields, as a row of a table has them."""
        return (
            self.cost_nano_usd,
            self.input_tokens,
            self.output_tokens,
            self.cached_tokens,
            self.calls,
            self.unpriced,
            self.saved_nano_usd,
            self.cache_hits,
            self.agent_runs,
            self.doubtful_calls,
            self.response_cache_hits,
            self.response_cache_saved_nano_usd,
        )


NOTHING = Totals()
"""The one that is recognised without a comparison."""


Scope = Literal[
    "call", "trace", "agent_run", "session", "user", "org", "agent", "feature", "task",
    "task_type", "purpose", "model", "provider", "service", "total",
]  # fmt: skip

WindowKind = Literal["none", "hour", "day", "week", "month"]


class Calendar(NamedTuple):
    """What decides where calendar windows begin."""

    zone: ZoneInfo
    week_start: int = 0
    """First day of the week, 0 for Monday."""
    reset_hour: int = 0
    """The hour of the clock at which days, weeks and months begin, 0 to 23."""


class Standing(NamedTuple):
    """How one scope stands against one budget in the window that holds a given moment."""

    budget: str
    scope: str
    scope_id: str
    window: str
    window_start_s: int
    window_end_s: int
    limit: int
    unit: Literal["usd", "tokens"]
    spent: int
    at_least: bool
    exceeded: bool


class UnpricedCalls(NamedTuple):
    """Calls whose cost is unknown, alike in what they named."""

    provider: str
    models: tuple[str, ...]
    """Names on the spans, best first; may be empty."""
    reason: str
    service: str
    calls: int
    tokens: int
    first_ns: int
    last_ns: int
    has_price: bool = False
    """The prices in force have one by now, so a reprice would charge it. Set by `mark_priced`."""
    status: str = "unpriced"
    """Or ``usage_missing``, ``implausible``; ``deleted`` for those that no row is kept of."""


class Difference(NamedTuple):
    """What a reprice changes for one model, or for one scope under one budget."""

    name: str
    scope_id: str
    """``""`` for a model."""
    calls: int
    before_nano_usd: int
    after_nano_usd: int
    limit_nano_usd: int = 0
    """0 for a model."""
    window_start_s: int = 0
    """0 for a model, and for a budget without a window."""
    unpriced_before: int = 0
    unpriced_after: int = 0
    """Calls of a model whose cost is unknown: while there are any, the amount is "at least"."""


class Repricing(NamedTuple):
    """What a reprice has changed, or would change."""

    calls: int
    """How many calls cost something else, or have a known cost now, or no longer."""
    models: tuple[Difference, ...]
    """The largest differences first; those that are small beside many others are left out."""
    budgets: tuple[Difference, ...]
    """Likewise."""
    before_nano_usd: int = 0
    after_nano_usd: int = 0
    """What everything that changes costs together, also what `models` leaves out."""
    price_version: str = ""
    """The prices that were used. Said by who knows prices."""
    price_file: str = ""
    """Where they are from; empty for the bundled ones. Said likewise."""
    renamed: int = 0
    """How many further calls cost the same, recorded with another status, model or rate."""
    span_ns: tuple[int, int] = (0, 0)
    """Calls that ended in ``[start, end)`` were priced again: those of the question, or more where
    a reprice was under way that covers them."""
    is_partial: bool = False
    """`models` and `budgets` may lack a part, as there were too many, or it went on after a
    restart."""
    kept_from_s: int = 0
    """Calls of this time that ended before, in epoch seconds, are no longer kept one by one and
    stay as they are; 0 where all are there."""


class JobProgress(NamedTuple):
    """How far long work of the ledger has come, or a dry run of it."""

    job: str
    """What it is: reprice, exclude, undo or forget."""
    counted: str
    """What is counted, in words: traces, charges, rows."""
    done: int
    """Those that were looked at, or left out because of their time."""
    left: int
    changed: int
    """How many calls it has changed so far; rows where a user is forgotten."""


class Crossing(NamedTuple):
    """The moment a budget's limit or warning share was reached; at most one exists per key.

    The key is (budget, scope, scope_id, window_start_s, limit, threshold).
    """

    budget: str
    scope: str
    scope_id: str
    window_start_s: int
    window_end_s: int
    """0 for a budget without a window."""
    limit: int
    """Nano-USD, or tokens when `unit` is ``tokens``."""
    unit: Literal["usd", "tokens"]
    threshold: float
    """1.0 for the limit itself, less for a warning."""
    spent: int
    at_least: bool = False
    late: bool = False
    """The window was over when the crossing was found."""
    trigger: str = ""
    """``attribution`` when a span that names an owner moved older calls over the line."""
    span: str = ""
    """The span that carries the event, as ``trace id:span id`` in hex."""
