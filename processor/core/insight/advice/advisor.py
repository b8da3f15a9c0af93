"""Goes through calls once, with all that looks for something."""

from __future__ import annotations

from processor.core.insight.advice.cache_writes import CacheWrites
from processor.core.insight.advice.chains import Chains
from processor.core.insight.advice.repeats import Repeats
from processor.core.insight.advice.siblings import LowQuality, Siblings
from processor.core.insight.advice.suggestion import Findings, Suggestion, priced
from processor.core.insight.advice.tier_edges import TierEdges
from processor.core.model import SpanRow
from processor.core.pricing import Catalog
from processor.core.questions import CallRow


class Advisor:
    """Is given calls, the earliest end first, and says what could have cost less.

    Amounts of two suggestions may be of the same tokens, so they do not add up.
    """

    def __init__(self, catalog: Catalog, low_quality: LowQuality) -> None:
        self._findings = Findings()
        self._siblings = Siblings(catalog, low_quality)
        self._tiers = TierEdges(catalog)
        self._writes = CacheWrites()
        self._repeats = Repeats()
        self._chains = Chains()
        self.calls = 0
        """How many were looked at: those whose cost follows from their own counts."""

    def add(self, row: CallRow, stored: SpanRow) -> None:
        """Look at one more call."""
        call = priced(row, stored)
        if call is None:
            return
        self.calls += 1
        for each in (self._siblings, self._tiers, self._writes, self._repeats, self._chains):
            each.add(call, self._findings)

    def close(self, now_ns: int) -> list[Suggestion]:
        """What was found, once no more calls follow up to a moment."""
        self._writes.close(now_ns, self._findings)
        self._chains.close(self._findings)
        return self._findings.suggestions()
