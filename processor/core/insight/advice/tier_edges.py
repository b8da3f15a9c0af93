"""Requests just beyond the size from which on all their tokens cost more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from processor.core.insight.advice.suggestion import Findings, Priced
from processor.core.money import price_usage
from processor.core.pricing import Catalog
from processor.core.pricing.tariff import choose

_BEYOND_MAX: Final = 10
"""A request is just beyond with up to one part of so many more than the size."""


@dataclass(slots=True)
class TierEdges:
    """Prices such requests without what is beyond."""

    catalog: Catalog

    def add(self, call: Priced, findings: Findings) -> None:
        """Look at one more call."""
        tariff = self.catalog.match(*call.entry.asked).tariff
        time_ns, size = call.stored.time_ns, call.usage.input_tokens
        chosen = choose(tariff, time_ns, size) if tariff else None
        if chosen is None or chosen.above is None:
            return
        beyond = size - chosen.above
        if beyond * _BEYOND_MAX > chosen.above or beyond > call.usage.input:
            return
        below = choose(tariff, time_ns, chosen.above)
        # Prices may have changed since it was charged.
        if below is None or price_usage(call.usage, chosen.rates).total != call.cost_nano_usd:
            return
        shorter = call.usage._replace(input=call.usage.input - beyond)
        saving = call.cost_nano_usd - price_usage(shorter, below.rates).total
        if saving > 0:
            findings.add("past_tier", [call.row], saving)
