"""The names of what is written on spans, which other processors like this one write as well."""

from __future__ import annotations

from typing import Final

COST: Final = "llm.cost_usd"
STATUS: Final = "llm.cost.status"
CORRECTION: Final = "llm.cost.correction_usd"
"""What the arrival of a span changed about older charges."""
EXCEEDED: Final = "llm.budget.exceeded"
"""An attribute with the names of budgets, and the name of an event."""
WARNING: Final = "llm.budget.warning"
RESERVATION: Final = "llm.budget.reservation"
"""An attribute that applications write on a call: what is held for it. It is read, and stays."""
RECOMMENDATION: Final = "model.recommendation"
"""Written on calls where it is switched on, unless they have one of their own."""

OWN_NAMES: Final = frozenset({
    COST,
    STATUS,
    CORRECTION,
    EXCEEDED,
    *(
        f"llm.cost.{name}"
        for name in (
            "input_usd", "output_usd", "cache_read_usd", "cache_write_usd", "request_usd",
            "reported_usd", "reason", "model", "price_version", "rule", "doubt", "time_assumed",
            "time_rescaled", "corrects",
        )
    ),
    "llm.cache.hit",
    "llm.cache.tokens_saved",
    "llm.cache.cost_saved_usd",
    *(
        f"{prefix}.{name}"
        for prefix in ("agent", "trace")
        for name in ("total_tokens", "total_cost_usd", "llm_calls", "cost_at_least")
    ),
    *(
        f"session.{name}"
        for name in ("total_tokens", "total_cost_usd", "agent_runs", "cost_at_least")
    ),
})  # fmt: skip
"""Every attribute that is ours. `llm.tokens.*` is not: other programs report their counts there."""

OWN_EVENTS: Final = frozenset({EXCEEDED, WARNING})
"""The names of our events."""
