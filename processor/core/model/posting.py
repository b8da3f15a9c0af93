"""What the ledger keeps of who is charged what: a row for each charge, and sums by dimensions."""

from __future__ import annotations

from operator import add, sub
from typing import NamedTuple

from processor.core.model.call import OwnIds
from processor.core.model.total import NOTHING, Totals


class DimensionSet(NamedTuple):
    """The dimensions that few calls differ in, for sums by any of them.

    Each is ``""`` where it is not known or does not apply.
    """

    provider: str
    model: str
    service: str
    agent: str
    org: str
    feature: str
    task_type: str
    purpose: str
    kind: str
    """Of the call; ``agent`` for an agent, which is no call."""
    status: str
    own: OwnIds = ()
    """The operator's own dimensions, as far as they are known."""


class Parts(NamedTuple):
    """Of what was charged, the quantities and costs that `Totals` does not tell apart.

    Uncached input and plain output are what is left of its sums; so are fees, of the cost.
    """

    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    input_nano_usd: int = 0
    output_nano_usd: int = 0
    cache_read_nano_usd: int = 0
    cache_write_nano_usd: int = 0

    def plus(self, other: Parts) -> Parts:
        """Both together."""
        if self is NO_PARTS:
            return other
        if other is NO_PARTS:
            return self
        return Parts._make(map(add, self, other))

    def minus(self, other: Parts) -> Parts:
        """The change from `other` to these."""
        if other is NO_PARTS:
            return self
        return Parts._make(map(sub, self, other))


NO_PARTS = Parts()


class Sums(NamedTuple):
    """Everything that is added up of a charge."""

    totals: Totals
    parts: Parts

    @property
    def is_zero(self) -> bool:
        """True when nothing is in any of the sums."""
        return self.totals.is_zero and (self.parts is NO_PARTS or not any(self.parts))

    def plus(self, other: Sums) -> Sums:
        """Both together."""
        return Sums(self.totals.plus(other.totals), self.parts.plus(other.parts))

    def minus(self, other: Sums) -> Sums:
        """The change from `other` to these."""
        return Sums(self.totals.minus(other.totals), self.parts.minus(other.parts))


NO_SUMS = Sums(NOTHING, NO_PARTS)


class TraceOwner(NamedTuple):
    """Whose a trace is: each is None where its charges name several or none."""

    session: str | None = None
    user: str | None = None
    task: str | None = None
    agent: str | None = None
    org: str | None = None
    service: str | None = None


class TraceSummary(NamedTuple):
    """What a trace has cost up to now, and whose it is."""

    trace_id: bytes
    start_ns: int
    """First start of a call, or end of an agent."""
    end_ns: int
    """Last end of a call or agent."""
    owner: TraceOwner
    totals: Totals
