"""What is logged of budgets that no span names."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from processor.core.model import LOG_TRACE, Crossing
from processor.core.money import format_usd

_LOG = logging.getLogger(__name__)
_LOG_TRACE_HEX = LOG_TRACE.hex()


def log_crossings(crossings: Iterable[Crossing]) -> None:
    """Say which budgets were crossed by log records; where a span did it, the span says so."""
    for crossing in crossings:
        if crossing.span.startswith(_LOG_TRACE_HEX):
            _LOG.warning(
                "budget %s: %s %s is at %s and has reached %s of %s (reported by log records, so "
                "no span carries the event)",
                crossing.budget,
                crossing.scope,
                crossing.scope_id or "(all)",
                _amount(crossing, crossing.spent),
                "the limit"
                if crossing.threshold >= 1
                else f"{crossing.threshold:.0%} of the limit",
                _amount(crossing, crossing.limit),
            )


def _amount(crossing: Crossing, amount: int) -> str:
    return f"{format_usd(amount)} USD" if crossing.unit == "usd" else f"{amount} tokens"
